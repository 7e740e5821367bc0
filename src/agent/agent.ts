// The agent as one thing: workforce, sync loop and the ways in which it ends. Everything it touches outside is handed in,
// so that the simulator runs the same loops.
import { ApiError, type Client } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import type { DesiredState } from '../core/worker.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { nameOf, type Attempt } from './attempt-life.ts';
import type { AttemptStore } from './attempt-store.ts';
import type { JobOutput } from './job-output.ts';
import type { ProcessRunner } from './job-process.ts';
import { METRICS_PERIOD_MS, type Machine } from './machine.ts';
import { createSpareMemory, type SpareMemory } from './spare-memory.ts';
import type { SpoolFiles } from './spool-files.ts';
import { createSyncLoop, type SyncLoop, type SyncParts } from './sync-loop.ts';
import type { Told } from './told.ts';
import { createWorkforce, type Workforce } from './workforce.ts';

export interface AgentParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Carries the agent's secret. */
  readonly client: Client;
  readonly store: AttemptStore;
  readonly runner: ProcessRunner;
  readonly files: SpoolFiles;
  readonly machine: Machine;
  readonly sequence: SyncParts['sequence'];
  readonly incarnation: string;
  readonly worker_ids: readonly string[];
  /** Slots whose workers were told to leave while an earlier process ran. */
  readonly sent_away?: readonly number[];
  readonly once: boolean;
  /** It drives machines elsewhere, beside its own workers or without any. */
  readonly drives: boolean;
  readonly has_script: boolean;
  /** Copies what jobs print into the logs of their workers. */
  readonly output?: JobOutput;
  /** Called when nothing has happened for a while after work. */
  readonly giveBackMemory?: () => void;
  /** Tells the server of this start: before the first sync. May be repeated. */
  readonly announce: (signal: AbortSignal) => Promise<void>;
}

/** `kept`: the jobs go on without it. `superseded`: another process has its place. `revoked`: the server wants nothing from it any more. */
export type AgentEnd = 'left' | 'kept' | 'superseded' | 'revoked';

export interface WorkerStatus {
  readonly worker_id: string;
  readonly slot: number;
  readonly state: DesiredState;
  /** It takes no more jobs; without a job it has left. */
  readonly leaving: boolean;
  readonly job: { readonly experiment: string; readonly number: number; readonly attempt: number; readonly started_at: number | null } | null;
}

export interface AgentStatus {
  readonly workers: readonly WorkerStatus[];
  readonly running_jobs: number;
  readonly undelivered: number;
  /** Seconds since the server answered; null: not yet. */
  readonly silent_seconds: number | null;
  readonly trouble: string | null;
}

export interface Agent {
  readonly ended: Promise<AgentEnd>;
  /** Gives all jobs back, or those of some slots, and leaves when nothing is left. Force: without grace. */
  stop(options?: { readonly slots?: readonly number[]; readonly grace_seconds?: number }): void;
  /** Workers that take no more jobs: each leaves when its job has ended. */
  drain(slots: readonly number[]): void;
  /** Takes a stop or a drain of workers back, as long as the agent lives. */
  resume(slots: readonly number[]): void;
  /** Slots whose workers were told here to leave. */
  sentAway(): readonly number[];
  /** Ends at once and leaves the jobs running. */
  keep(): void;
  /** Something outside changed what it can take. */
  wake(): void;
  status(): AgentStatus;
}

/** How long an agent that was told to end waits for a server that answers, and for one that does not. */
const DELIVERY_LIMIT_MS = { answering: 15_000, silent: 2_000 };
const LEAVE_LIMIT_MS = 2_000;
/** How long one that leaves its jobs running waits until the server has heard what it gives back. */
const KEEP_LIMIT_MS = 1_000;

export function createAgent(parts: AgentParts): Agent {
  return new AgentRun(parts);
}

class AgentRun implements Agent {
  readonly ended: Promise<AgentEnd>;
  readonly #parts: AgentParts;
  readonly #workforce: Workforce;
  readonly #spareMemory: SpareMemory | null;
  readonly #announcing = new AbortController();
  readonly #decided: Promise<AgentEnd>;
  #finish: (end: AgentEnd) => void = () => undefined;
  #loop: SyncLoop | null = null;
  #ending: 'no' | 'asked' | 'superseded' | 'revoked' = 'no';
  #deadline: Timer | null = null;
  /** What waited for its slot when this process was told to end and keep its jobs: nothing of it is on disk, so the next one cannot know it. */
  #givenBack: readonly Attempt[] | null = null;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#decided = new Promise((resolve) => (this.#finish = resolve));
    const { clock, log, random, client, store, runner, files, machine, once, drives, has_script } = parts;
    this.#workforce = createWorkforce({
      ...{ clock, log, random, client, store, runner, files, machine, once, drives, has_script },
      ...(parts.output === undefined ? {} : { output: parts.output }),
      workers: parts.worker_ids.length,
      workerId: (slot) => workerIdOf(parts, slot),
      onNews: () => this.#loop?.news(),
      onReady: () => this.#loop?.ready(),
      onProgress: () => {
        this.#spareMemory?.note();
        this.#review();
      },
    });
    const { giveBackMemory: giveBack } = parts;
    this.#spareMemory = giveBack === undefined ? null : createSpareMemory({ clock, isBusy: () => this.#workforce.attempts().length > 0, giveBack });
    this.#workforce.slots.commandHere(parts.sent_away ?? [], 'stop');
    this.ended = this.#run();
  }

  stop({ slots, grace_seconds }: { readonly slots?: readonly number[]; readonly grace_seconds?: number } = {}): void {
    const workforce = this.#workforce;
    const all =
      slots === undefined || (!this.#parts.drives && this.#parts.worker_ids.every((_, slot) => slots.includes(slot) || workforce.slots.isLeaving(slot)));
    const options = { message: 'The worker was stopped.', ...(grace_seconds === undefined ? {} : { grace_seconds }) };
    if (all) {
      if (this.#ending === 'no') this.#ending = 'asked';
      workforce.close();
      this.#announcing.abort();
    } else workforce.slots.commandHere(slots, 'stop');
    workforce.release(all ? 'all' : slots, options);
    this.#loop?.news();
    this.#review();
  }

  drain(slots: readonly number[]): void {
    this.#workforce.drain(slots);
    // A server that is away need not hear of it first: what it must know is delivered.
    if (this.#isLeaving() && this.#workforce.attempts().length === 0) return this.stop();
    this.#loop?.news();
    this.#review();
  }

  resume(slots: readonly number[]): void {
    if (this.#ending !== 'no') return;
    this.#workforce.slots.commandHere(slots, 'run');
    this.#loop?.news();
  }

  sentAway(): readonly number[] {
    return this.#workforce.slots.sentAway();
  }

  keep(): void {
    this.#announcing.abort();
    this.#givenBack = this.#workforce.close();
    if (this.#givenBack.length > 0) this.#parts.clock.after(KEEP_LIMIT_MS, () => this.#finish('kept'));
    this.#loop?.news();
    this.#review();
  }

  wake(): void {
    this.#loop?.news();
  }

  status(): AgentStatus {
    return statusOf(this.#parts, this.#workforce, this.#loop);
  }

  async #run(): Promise<AgentEnd> {
    const { clock, log, random, incarnation, sequence, client, machine, announce } = this.#parts;
    await machine.start();
    this.#workforce.adopt();
    const welcome = await announce(this.#announcing.signal).then(() => true, isRevocation);
    if (welcome) {
      this.#loop = createSyncLoop({
        ...{ clock, log, random, incarnation, sequence },
        waitSeconds: (told) => this.#waitSeconds(told),
        send: (body, signal) => client.agents.sync({ body }, { signal }),
        describe: () => this.#workforce.describe(),
        apply: (reply, request) => this.#workforce.apply(reply, request),
        onSuperseded: () => this.#superseded(),
        onRevoked: () => this.#revoked(),
      });
    } else this.#revoked();
    this.#review();
    const end = await this.#decided;
    await this.#conclude(end);
    return end;
  }

  #superseded(): void {
    if (this.#ending === 'superseded') return;
    this.#ending = 'superseded';
    this.#workforce.close();
    this.#parts.log.error('another process has taken over this agent; this one takes nothing more, delivers what ended, and leaves');
    this.#review();
  }

  /** Nothing here can be told to the server any more, but the jobs did nothing wrong: they run to their end, and what they leave stays. */
  #revoked(): void {
    if (this.#ending === 'revoked') return;
    this.#ending = 'revoked';
    this.#workforce.close();
    this.#workforce.stopDelivery();
    const running = this.#workforce.live().length;
    this.#parts.log.error(
      { running },
      'this agent was revoked: it takes no more jobs and ends with those that run; what they leave stays here until an agent is started with an API key (drover worker start)',
    );
    this.#review();
  }

  /** After every change: is there anything left to do? */
  #review(): void {
    if (this.#givenBack !== null) {
      if (this.#givenBack.every((attempt) => attempt.settled)) this.#finish('kept');
      return;
    }
    const { slots } = this.#workforce;
    if (!this.#isLeaving()) return;
    const delivered = this.#workforce.undelivered() === 0;
    if (this.#ending === 'superseded') {
      if (delivered) this.#finish('superseded');
      return;
    }
    if (this.#workforce.live().length > 0) return;
    if (this.#ending === 'revoked') return this.#finish('revoked');
    // Commands that were applied are told before the agent goes.
    if (delivered && (this.#ending === 'asked' || !slots.hasNews())) this.#finish('left');
    else if (this.#ending === 'asked') this.#deadline ??= this.#parts.clock.after(this.#deliveryLimit(), () => this.#finish('left'));
  }

  #isLeaving(): boolean {
    if (this.#ending !== 'no') return true;
    return !this.#parts.drives && this.#parts.worker_ids.every((_, slot) => this.#workforce.slots.isLeaving(slot));
  }

  #deliveryLimit(): number {
    const state = this.#loop?.state();
    return state !== undefined && state.answered_at !== null && state.trouble === null ? DELIVERY_LIMIT_MS.answering : DELIVERY_LIMIT_MS.silent;
  }

  #waitSeconds(told: Told): number {
    if (this.#parts.once && told.free_slots.length > 0) return 0;
    if (this.#ending !== 'no') return 1;
    // Whoever has applied a drain or a stop may leave when that was heard.
    if (this.#workforce.slots.hasNews()) return 0;
    // There are more to tell.
    if (told.executions?.reduce((sum, { attempts }) => sum + attempts.length, 0) === LIMITS.sync_executions.value) return 0;
    return Math.min(LIMITS.sync_wait_seconds.value, METRICS_PERIOD_MS / 1000);
  }

  async #conclude(end: AgentEnd): Promise<void> {
    this.#deadline?.cancel();
    this.#spareMemory?.stop();
    await Promise.all([this.#loop?.stop(), this.#workforce.stop()]);
    this.#parts.machine.stop();
    if (end === 'left') await this.#leave();
    for (const attempt of this.#workforce.live()) this.#parts.log.info({ job: nameOf(attempt) }, 'job goes on without the agent');
  }

  async #leave(): Promise<void> {
    const { clock, client, incarnation, log } = this.#parts;
    const limit = new AbortController();
    const timer = clock.after(LEAVE_LIMIT_MS, () => limit.abort());
    try {
      await client.agents.leave({ body: { incarnation, reason: 'stopped' } }, { signal: limit.signal });
    } catch (error) {
      log.warn({ err: error }, 'the server could not be told that this agent left');
    } finally {
      timer.cancel();
    }
  }
}

/** False, for the refusal that ends the agent; anything else is thrown on. */
function isRevocation(error: unknown): false {
  if (error instanceof ApiError && error.code === 'agent_revoked') return false;
  throw error;
}

function workerIdOf({ worker_ids }: AgentParts, slot: number): string {
  const first = worker_ids[0] ?? '';
  return worker_ids[slot] ?? first.replace(/\d+$/, String(slot));
}

function statusOf(parts: AgentParts, workforce: Workforce, loop: SyncLoop | null): AgentStatus {
  const live = workforce.live();
  const sync = loop?.state() ?? { answered_at: null, trouble: null };
  const slots = new Set([...parts.worker_ids.keys(), ...workforce.slots.driven(), ...live.map((attempt) => attempt.slot)]);
  return {
    workers: [...slots].map((slot) => {
      const attempt = live.find((each) => each.slot === slot);
      const { experiment, number, attempt: tries } = attempt?.lease ?? { experiment: '', number: 0, attempt: 0 };
      return {
        worker_id: workerIdOf(parts, slot),
        slot,
        state: workforce.slots.state(slot),
        leaving: workforce.slots.isLeaving(slot),
        job: attempt === undefined ? null : { experiment, number, attempt: tries, started_at: attempt.started_at },
      };
    }),
    running_jobs: live.length,
    undelivered: workforce.undelivered(),
    silent_seconds: sync.answered_at === null ? null : Math.round((parts.clock.monotonic() - sync.answered_at) / 1000),
    trouble: sync.trouble,
  };
}
