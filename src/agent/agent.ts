// The agent as one thing: workforce, sync loop and the ways in which it ends. Everything it touches outside is handed in,
// so that the simulator runs the same loops.
import type { Client } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { nameOf } from './attempt-life.ts';
import type { AttemptStore } from './attempt-store.ts';
import type { ProcessRunner } from './job-process.ts';
import { METRICS_PERIOD_MS, type Machine } from './machine.ts';
import type { SpoolFiles } from './spool-files.ts';
import { createSyncLoop, type SyncLoop, type SyncParts } from './sync-loop.ts';
import { createWorkforce, type Told, type Workforce } from './workforce.ts';

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
  readonly once: boolean;
  readonly has_script: boolean;
  /** Tells the server of this start: before the first sync. May be repeated. */
  readonly announce: (signal: AbortSignal) => Promise<void>;
}

/** `kept`: the jobs go on without it. `superseded`: another process has its place. */
export type AgentEnd = 'left' | 'kept' | 'superseded';

export interface WorkerStatus {
  readonly worker_id: string;
  readonly slot: number;
  readonly state: string;
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
  /** Ends at once and leaves the jobs running. */
  keep(): void;
  /** Something outside changed what it can take. */
  wake(): void;
  status(): AgentStatus;
}

/** How long an agent that was told to end waits for a server that answers, and for one that does not. */
const DELIVERY_LIMIT_MS = { answering: 15_000, silent: 2_000 };
const LEAVE_LIMIT_MS = 2_000;

export function createAgent(parts: AgentParts): Agent {
  const { clock, log } = parts;
  const count = parts.worker_ids.length;
  let loop: SyncLoop | null = null;
  let ending: 'no' | 'asked' | 'superseded' = 'no';
  let deadline: ReturnType<Clock['after']> | null = null;
  let finish: (end: AgentEnd) => void = () => undefined;
  const decided = new Promise<AgentEnd>((resolve) => (finish = resolve));
  const announcing = new AbortController();

  const workforce: Workforce = createWorkforce({
    ...{ clock, log, random: parts.random, client: parts.client, store: parts.store, runner: parts.runner, files: parts.files, machine: parts.machine },
    ...{ workers: count, once: parts.once, has_script: parts.has_script },
    workerId: (slot) => workerIdOf(parts, slot),
    onNews: () => loop?.news(),
    onProgress: review,
  });

  function hasLeft(): boolean {
    return parts.worker_ids.every((_, slot) => workforce.slots.isLeaving(slot)) || ending !== 'no';
  }

  /** After every change: is there anything left to do? */
  function review(): void {
    if (!hasLeft()) return;
    if (ending === 'superseded') {
      if (workforce.undelivered() === 0) finish('superseded');
      return;
    }
    if (workforce.live().length > 0) return;
    // Commands that were applied are told before the agent goes.
    if (workforce.undelivered() === 0 && (ending === 'asked' || workforce.slots.applied().length === 0)) finish('left');
    else if (ending === 'asked' && deadline === null) deadline = clock.after(deliveryLimit(), () => finish('left'));
  }

  function deliveryLimit(): number {
    const state = loop?.state();
    return state !== undefined && state.answered_at !== null && state.trouble === null ? DELIVERY_LIMIT_MS.answering : DELIVERY_LIMIT_MS.silent;
  }

  function waitSeconds(told: Told): number {
    if (parts.once && told.free_slots.length > 0) return 0;
    if (ending !== 'no') return 1;
    return Math.min(LIMITS.sync_wait_seconds.value, METRICS_PERIOD_MS / 1000);
  }

  async function run(): Promise<AgentEnd> {
    await parts.machine.start();
    workforce.adopt();
    await parts.announce(announcing.signal);
    loop = createSyncLoop({
      ...{ clock, log, random: parts.random, incarnation: parts.incarnation, sequence: parts.sequence, waitSeconds },
      send: (body, signal) => parts.client.agents.sync({ body }, { signal }),
      describe: workforce.describe,
      apply: workforce.apply,
      onSuperseded() {
        if (ending === 'superseded') return;
        ending = 'superseded';
        workforce.close();
        log.error('another process has taken over this agent; this one takes nothing more, delivers what ended, and leaves');
        review();
      },
    });
    review();
    const end = await decided;
    await conclude(end);
    return end;
  }

  async function conclude(end: AgentEnd): Promise<void> {
    deadline?.cancel();
    await Promise.all([loop?.stop(), workforce.stop()]);
    parts.machine.stop();
    if (end === 'left') await leave();
    for (const attempt of workforce.live()) log.info({ job: nameOf(attempt) }, 'job goes on without the agent');
  }

  async function leave(): Promise<void> {
    const limit = new AbortController();
    const timer = clock.after(LEAVE_LIMIT_MS, () => limit.abort());
    try {
      await parts.client.agents.leave({ body: { incarnation: parts.incarnation, reason: 'stopped' } }, { signal: limit.signal });
    } catch (error) {
      log.warn({ err: error }, 'the server could not be told that this agent left');
    } finally {
      timer.cancel();
    }
  }

  return {
    ended: run(),
    stop({ slots, grace_seconds } = {}) {
      const all = slots === undefined || parts.worker_ids.every((_, slot) => slots.includes(slot) || workforce.slots.isLeaving(slot));
      const options = { message: 'The worker was stopped.', ...(grace_seconds === undefined ? {} : { grace_seconds }) };
      if (all) {
        ending = ending === 'no' ? 'asked' : ending;
        workforce.close();
        announcing.abort();
      } else workforce.slots.stopHere(slots);
      workforce.release(all ? 'all' : slots, options);
      loop?.news();
      review();
    },
    keep() {
      announcing.abort();
      finish('kept');
    },
    wake: () => loop?.news(),
    status: () => statusOf(parts, workforce, loop),
  };
}

function workerIdOf({ worker_ids }: AgentParts, slot: number): string {
  const first = worker_ids[0] ?? '';
  return worker_ids[slot] ?? first.replace(/\d+$/, String(slot));
}

function statusOf(parts: AgentParts, workforce: Workforce, loop: SyncLoop | null): AgentStatus {
  const live = workforce.live();
  const sync = loop?.state() ?? { answered_at: null, trouble: null };
  const slots = new Set([...parts.worker_ids.keys(), ...live.map((attempt) => attempt.slot)]);
  return {
    workers: [...slots].map((slot) => {
      const attempt = live.find((each) => each.slot === slot);
      const { experiment, number, attempt: tries } = attempt?.lease ?? { experiment: '', number: 0, attempt: 0 };
      return {
        worker_id: workerIdOf(parts, slot),
        slot,
        state: workforce.slots.state(slot),
        job: attempt === undefined ? null : { experiment, number, attempt: tries, started_at: attempt.started_at },
      };
    }),
    running_jobs: live.length,
    undelivered: workforce.undelivered(),
    silent_seconds: sync.answered_at === null ? null : Math.round((parts.clock.monotonic() - sync.answered_at) / 1000),
    trouble: sync.trouble,
  };
}
