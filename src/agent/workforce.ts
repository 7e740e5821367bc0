// All attempts and slots of one agent together: what to tell the server in a sync, and what its reply means here.
import type { Client, LeaseShape, SyncReplyShape, SyncRequestShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { toIso, type Clock, type Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { createAhead, isSlow, type Ahead } from './ahead.ts';
import { createLives, nameOf, REVOKED, type Attempt, type Lives } from './attempt-life.ts';
import type { AttemptStore } from './attempt-store.ts';
import { createDelivery, type Delivery } from './delivery.ts';
import { isUntold, untoldExecutions } from './execution.ts';
import type { JobOutput } from './job-output.ts';
import type { ProcessRunner } from './job-process.ts';
import { createLeftSlots, type LeftSlots } from './left-slots.ts';
import type { Machine } from './machine.ts';
import { createSlots, type Slots } from './slots.ts';
import { attemptKey, referenceOf } from './spool.ts';
import type { SpoolFiles } from './spool-files.ts';
import type { Told } from './told.ts';

export interface WorkforceParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly client: Client;
  readonly store: AttemptStore;
  readonly runner: ProcessRunner;
  readonly files: SpoolFiles;
  readonly machine: Machine;
  readonly workers: number;
  /** Machines elsewhere are slots of this agent too: the server tells which. */
  readonly drives: boolean;
  readonly once: boolean;
  readonly has_script: boolean;
  readonly workerId: (slot: number) => string;
  /** Something happened that the server should hear now. */
  readonly onNews: () => void;
  /** All jobs that were taken have started, and there are slots for more. */
  readonly onReady: () => void;
  /** Something happened after which the agent may have nothing left to do. */
  readonly onProgress: () => void;
  /** Copies what jobs print; absent: nobody reads it here. */
  readonly output?: JobOutput;
}

/** What a reply brought; `jobs`: new ones, or some that were taken before still wait here. */
export type Brought = 'nothing' | 'command' | 'jobs';

export interface Workforce {
  readonly slots: Slots;
  /** Takes over what an earlier process of this agent left. */
  adopt(): void;
  describe(): Told;
  apply(reply: SyncReplyShape, request: SyncRequestShape): Brought;
  /** Takes no more jobs; those that run go on, and those that wait for their slot are given back: these. */
  close(): readonly Attempt[];
  /** These slots take no more jobs; those that run there go on. */
  drain(slots: readonly number[]): void;
  /** Gives the jobs of these slots back: SIGTERM, grace, SIGKILL. */
  release(slots: readonly number[] | 'all', options: { readonly message: string; readonly grace_seconds?: number }): void;
  attempts(): readonly Attempt[];
  /** Attempts whose process lives or is being prepared. */
  live(): readonly Attempt[];
  /** Ends and files that have not reached the server. */
  undelivered(): number;
  /** The server takes nothing any more; what is there stays. */
  stopDelivery(): void;
  stop(): Promise<void>;
}

/** After the machine could not start a job it offers no slots for this long. */
const FAULT_PAUSE_MS = 30_000;
/** A start that the server could not be told at once is told after this time, if the job still runs. */
const START_NEWS_MS = 100;
/** While enough jobs wait here for their turn, ends are told together, after this time at the latest. */
const GATHER_MS = 50;
/** When a job has run for so long, it is not like those before it: what waits behind it is given back. On a busy machine a short job may take a while. */
const STUCK_MS = 2_000;
/** Nothing waits longer for its slot, however many short jobs come before it. */
const LONGEST_WAIT_MS = 10_000;
const REMEMBERED_TOKENS = 10_000;

export function createWorkforce(parts: WorkforceParts): Workforce {
  return new Force(parts);
}

class Force implements Workforce {
  readonly slots: Slots;
  readonly #parts: WorkforceParts;
  readonly #lives: Lives;
  readonly #delivery: Delivery;
  /** By token. */
  readonly #attempts = new Map<string, Attempt>();
  readonly #forgotten = new Set<string>();
  readonly #ahead: Ahead = createAhead();
  #gathering: Timer | null = null;
  #closed = false;
  readonly #left: LeftSlots;
  #offerAfter = -Infinity;

  constructor(parts: WorkforceParts) {
    this.#parts = parts;
    this.slots = createSlots(parts.workers, parts.once);
    this.#left = createLeftSlots(this.slots);
    const { clock, log, store, runner, workerId, random, client, files } = parts;
    this.#lives = createLives({
      ...{ clock, log, store, runner, workerId },
      onStarted: (attempt) => this.#started(attempt),
      onEnded: (attempt) => this.#ended(attempt),
      onMachineFault: (message) => this.#faulted(message),
    });
    this.#delivery = createDelivery({
      ...{ clock, log, random, client, files },
      note: (attempt, change) => this.#lives.note(attempt, change),
      onForgotten: (attempt) => {
        attempt.settled = false;
        parts.onNews();
      },
      onDelivered: (attempt) => this.#forgetIfOver(attempt),
    });
  }

  adopt(): void {
    const { log, store, workerId, output, onNews } = this.#parts;
    for (const stored of store.scan()) {
      if (this.#attempts.has(stored.lease.token)) continue;
      log.info({ job: nameOf(stored), attempt: stored.lease.attempt, worker: workerId(stored.slot) }, 'attempt of an earlier run taken over');
      const attempt = this.#lives.adopt(stored);
      this.#attempts.set(stored.lease.token, attempt);
      if (attempt.phase !== 'ended') output?.skip(attempt);
      this.#delivery.add(attempt);
    }
    onNews();
  }

  describe(): Told {
    const { machine, drives, has_script, workerId } = this.#parts;
    const metrics = machine.metrics();
    const executions = untoldExecutions(this.attempts(), workerId);
    const running = this.live().map((attempt) => {
      attempt.told_unstarted = attempt.started_at === null;
      return { ...referenceOf(attempt), slot: attempt.slot, started_at: attempt.started_at === null ? null : toIso(attempt.started_at) };
    });
    const ended = this.attempts().filter((attempt) => attempt.end !== null && !attempt.settled);
    this.#gathering?.cancel();
    this.#gathering = null;
    return {
      free_slots: this.#freeSlots(),
      ahead_slots: this.#aheadSlots(),
      ...(drives ? { driven_slots: this.slots.driven() } : {}),
      free: machine.resources,
      has_script,
      takes_secrets: true,
      workers: this.slots.applied(),
      running: running.slice(0, LIMITS.sync_items.value),
      finished: ended.slice(0, LIMITS.sync_items.value).map((attempt) => attempt.end!),
      ...this.#left.toTell(new Set(this.live().map(({ slot }) => slot))),
      ...(executions.length === 0 ? {} : { executions }),
      ...(metrics === null ? {} : { metrics }),
    };
  }

  apply(reply: SyncReplyShape, request: SyncRequestShape): Brought {
    const { log, machine, once, onProgress } = this.#parts;
    this.slots.told(request.workers);
    if (request.metrics !== undefined) machine.metricsTold(request.metrics);
    this.#left.told(request);
    this.#executionsTold(request);
    this.#settle(reply, request);
    this.#stopRevoked(reply.revoked);
    for (const attempt of this.#byName(reply.unknown)) log.debug({ job: nameOf(attempt) }, 'the server has no record of an attempt; it goes on');
    if (reply.driven !== undefined) this.slots.drive(reply.driven);
    const commanded = this.slots.command(reply.workers);
    if (commanded) this.#giveBackWaiting((attempt) => !this.slots.mayTake(attempt.slot));
    const taken = reply.leases.filter((lease) => this.#take(lease)).length;
    if (once) this.slots.foundNothing(request.free_slots.filter((slot) => !reply.leases.some((lease) => lease.slot === slot)));
    onProgress();
    if (taken > 0 || this.#ahead.waiting().length > 0) return 'jobs';
    return commanded || reply.driven !== undefined ? 'command' : 'nothing';
  }

  close(): readonly Attempt[] {
    this.#closed = true;
    const waiting = this.#ahead.waiting();
    this.#giveBackWaiting(() => true);
    return waiting;
  }

  drain(slots: readonly number[]): void {
    this.slots.commandHere(slots, 'drain');
    this.#giveBackWaiting((attempt) => slots.includes(attempt.slot));
  }

  release(which: readonly number[] | 'all', options: { readonly message: string; readonly grace_seconds?: number }): void {
    for (const attempt of this.live()) {
      if (which === 'all' || which.includes(attempt.slot)) this.#lives.stop(attempt, 'released', options);
    }
  }

  attempts(): Attempt[] {
    return [...this.#attempts.values()];
  }

  live(): Attempt[] {
    return this.attempts().filter((attempt) => attempt.phase !== 'ended');
  }

  undelivered(): number {
    return this.#attempts.size - this.live().length;
  }

  stopDelivery(): void {
    void this.#delivery.stop();
  }

  async stop(): Promise<void> {
    this.#gathering?.cancel();
    this.#lives.abandon();
    await this.#delivery.stop();
    await this.#parts.store.removed();
  }

  #started(attempt: Attempt): void {
    const { clock, log, workerId, output, onNews, onReady, onProgress } = this.#parts;
    log.info({ job: nameOf(attempt), attempt: attempt.lease.attempt, worker: workerId(attempt.slot) }, 'job runs');
    output?.follow(attempt);
    this.#delivery.add(attempt);
    if (this.#ahead.depth() > 0 || this.#ahead.waiting().length > 0) {
      clock.after(STUCK_MS, () => (attempt.phase === 'running' ? this.#giveBackStuck(attempt.slot, STUCK_MS) : undefined));
    }
    if (attempt.told_unstarted) clock.after(START_NEWS_MS, () => (attempt.phase === 'running' && attempt.told_unstarted ? onNews() : undefined));
    else if (this.live().every(({ phase }) => phase === 'running') && this.#freeSlots().length > 0) onReady();
    onProgress();
  }

  #ended(attempt: Attempt): void {
    const { log, workerId, output, onProgress } = this.#parts;
    const { outcome, exit_code, signal, message, duration_ms } = attempt.end!;
    if (duration_ms !== null) this.#ahead.noteDuration(duration_ms);
    this.#ahead.remove(attempt);
    this.#startWaiting(attempt.slot);
    output?.finish(attempt);
    log.info(
      { job: nameOf(attempt), attempt: attempt.lease.attempt, worker: workerId(attempt.slot), outcome, exit_code, signal, reason: message },
      'job ended',
    );
    this.#delivery.add(attempt);
    this.#delivery.finish(attempt);
    this.#forgetIfOver(attempt);
    this.#tellEnd();
    onProgress();
  }

  /** The next one of those that wait at this slot, if nothing runs there. */
  #startWaiting(slot: number): void {
    if (this.#occupying().some((attempt) => attempt.slot === slot)) return;
    const next = this.#ahead.next(slot);
    if (next !== null) this.#lives.proceed(next);
  }

  /** While there is enough to go on with, several ends are told in one call. */
  #tellEnd(): void {
    const { clock, workers, onNews } = this.#parts;
    if (this.#ahead.waiting().length * 2 <= this.#ahead.depth() * workers) return onNews();
    this.#gathering ??= clock.after(GATHER_MS, onNews);
  }

  #giveBackWaiting(which: (attempt: Attempt) => boolean): void {
    for (const attempt of this.#ahead.waiting().filter(which)) this.#lives.stop(attempt, 'released', { message: 'Its turn did not come at this worker.' });
  }

  #faulted(message: string): void {
    const { clock, log, onNews } = this.#parts;
    this.#offerAfter = clock.monotonic() + FAULT_PAUSE_MS;
    clock.after(FAULT_PAUSE_MS, onNews);
    log.error({ reason: message }, 'this machine cannot start jobs; it takes none for a while');
    this.#giveBackWaiting(() => true);
  }

  #forgetIfOver(attempt: Attempt): void {
    const { token } = attempt.lease;
    if (attempt.phase !== 'ended' || !attempt.settled || !this.#attempts.has(token) || isUntold(attempt) || !this.#delivery.isDelivered(attempt)) return;
    this.#attempts.delete(token);
    this.#delivery.remove(attempt);
    if (attempt.directory !== null) this.#parts.store.remove(attempt.directory);
    this.#forgotten.add(token);
    if (this.#forgotten.size > REMEMBERED_TOKENS) this.#forgotten.delete(this.#forgotten.values().next().value!);
    this.#parts.onProgress();
  }

  #mayOffer(): boolean {
    const { clock, machine } = this.#parts;
    return !this.#closed && clock.monotonic() >= this.#offerAfter && machine.hasSpace();
  }

  #aheadSlots(): number[] {
    const { clock, once, workers } = this.#parts;
    if (once || this.#ahead.depth() === 0 || !this.#mayOffer()) return [];
    const slow = new Set(
      this.#occupying()
        .filter((attempt) => isSlow(attempt, clock.now()))
        .map((attempt) => attempt.slot),
    );
    const able = Array.from({ length: workers }, (_, slot) => slot).filter((slot) => this.slots.mayTake(slot) && !slow.has(slot));
    return this.#ahead.offers(able).slice(0, LIMITS.sync_items.value);
  }

  /** Attempts that hold their slot: those that wait for it do not. */
  #occupying(): Attempt[] {
    return this.live().filter((attempt) => attempt.phase !== 'waiting');
  }

  #freeSlots(): number[] {
    return this.#mayOffer() ? this.slots.free(this.#occupying().map(({ slot }) => slot)).slice(0, LIMITS.sync_items.value) : [];
  }

  #take(lease: LeaseShape): boolean {
    if (this.#attempts.has(lease.token) || this.#forgotten.has(lease.token)) return false;
    const busy = this.#occupying().some((attempt) => attempt.slot === lease.slot);
    const mayTake = !this.#closed && this.slots.mayTake(lease.slot);
    if (mayTake && busy && this.#ahead.hasRoom(lease.slot)) {
      this.#wait(lease);
      return true;
    }
    if (!mayTake || busy) {
      // Declining ends the attempt at once, before it is in the list: the news is told again.
      this.#attempts.set(lease.token, this.#lives.decline(lease, lease.slot, 'The worker could not take the job any more.'));
      this.#parts.onNews();
      return true;
    }
    this.slots.took(lease.slot);
    this.#attempts.set(lease.token, this.#lives.begin(lease, lease.slot));
    return true;
  }

  #wait(lease: LeaseShape): void {
    const attempt = this.#lives.wait(lease, lease.slot);
    this.#attempts.set(lease.token, attempt);
    this.#ahead.add(attempt);
    this.#parts.clock.after(LONGEST_WAIT_MS, () => (attempt.phase === 'waiting' ? this.#giveBackStuck(attempt.slot, LONGEST_WAIT_MS) : undefined));
  }

  #giveBackStuck(slot: number, ms: number): void {
    this.#ahead.noteDuration(ms);
    this.#giveBackWaiting((attempt) => attempt.slot === slot);
  }

  #byName(names: readonly { job_id: number; attempt: number; rank: number }[]): Attempt[] {
    const wanted = new Set(names.map(attemptKey));
    return this.attempts().filter((attempt) => wanted.has(attemptKey(attempt.lease)));
  }

  /** Whatever the server made of them: an older one does not know what they are. */
  #executionsTold(request: SyncRequestShape): void {
    for (const { token } of (request.executions ?? []).flatMap(({ attempts }) => attempts)) {
      const attempt = this.#attempts.get(token);
      if (attempt === undefined) continue;
      attempt.execution_told = true;
      this.#forgetIfOver(attempt);
    }
  }

  #settle(reply: SyncReplyShape, request: SyncRequestShape): void {
    const sent = new Set(request.finished.map((end) => end.token));
    for (const attempt of this.#byName(reply.settled)) {
      if (!sent.has(attempt.lease.token)) continue;
      attempt.settled = true;
      this.#delivery.reconsider(attempt);
      this.#forgetIfOver(attempt);
    }
  }

  #stopRevoked(revoked: SyncReplyShape['revoked']): void {
    for (const reason of ['cancelled', 'superseded', 'deleted'] as const) {
      for (const attempt of this.#byName(revoked.filter((each) => each.reason === reason))) {
        this.#lives.stop(attempt, 'cancelled', { message: REVOKED[reason] });
        if (reason === 'deleted') this.#drop(attempt);
      }
    }
  }

  #drop(attempt: Attempt): void {
    if (!attempt.unwanted) this.#parts.log.info({ job: nameOf(attempt), attempt: attempt.lease.attempt }, 'the job was deleted; nothing of it is kept');
    // Its end, now or when its process is gone, is no news to anybody.
    attempt.settled = true;
    this.#delivery.drop(attempt);
    this.#forgetIfOver(attempt);
  }
}
