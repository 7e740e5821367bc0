// All attempts and slots of one agent together: what to tell the server in a sync, and what its reply means here.
import type { Client, LeaseShape, SyncReplyShape, SyncRequestShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { toIso, type Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { createLives, nameOf, type Attempt } from './attempt-life.ts';
import type { AttemptStore } from './attempt-store.ts';
import { createDelivery } from './delivery.ts';
import type { ProcessRunner } from './job-process.ts';
import type { Machine } from './machine.ts';
import { createSlots, type Slots } from './slots.ts';
import { attemptKey, referenceOf } from './spool.ts';
import type { SpoolFiles } from './spool-files.ts';

export type Told = Pick<SyncRequestShape, 'free_slots' | 'free' | 'has_script' | 'workers' | 'running' | 'finished' | 'metrics'>;

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
  readonly once: boolean;
  readonly has_script: boolean;
  readonly workerId: (slot: number) => string;
  /** Something happened that the server should hear now. */
  readonly onNews: () => void;
  /** Something happened after which the agent may have nothing left to do. */
  readonly onProgress: () => void;
}

export interface Workforce {
  readonly slots: Slots;
  /** Takes over what an earlier process of this agent left. */
  adopt(): void;
  describe(): Told;
  /** True when the reply brought jobs or commands. */
  apply(reply: SyncReplyShape, request: SyncRequestShape): boolean;
  /** Takes no more jobs; those that run go on. */
  close(): void;
  /** Gives the jobs of these slots back: SIGTERM, grace, SIGKILL. */
  release(slots: readonly number[] | 'all', options: { readonly message: string; readonly grace_seconds?: number }): void;
  attempts(): readonly Attempt[];
  /** Attempts whose process lives or is being prepared. */
  live(): readonly Attempt[];
  /** Ends and files that have not reached the server. */
  undelivered(): number;
  stop(): Promise<void>;
}

/** After the machine could not start a job it offers no slots for this long. */
const FAULT_PAUSE_MS = 30_000;
const REMEMBERED_TOKENS = 10_000;

export function createWorkforce(parts: WorkforceParts): Workforce {
  const { clock, log, store, machine } = parts;
  const slots = createSlots(parts.workers, parts.once);
  const attempts = new Map<string, Attempt>();
  const forgotten = new Set<string>();
  let closed = false;
  let offer_after = -Infinity;

  const lives = createLives({
    ...{ clock, log, store, runner: parts.runner, workerId: parts.workerId },
    onStarted(attempt) {
      log.info({ job: nameOf(attempt), attempt: attempt.lease.attempt, worker: parts.workerId(attempt.slot) }, 'job runs');
      delivery.add(attempt);
      parts.onProgress();
    },
    onEnded(attempt) {
      const { outcome, exit_code, signal, message } = attempt.end!;
      log.info({ job: nameOf(attempt), attempt: attempt.lease.attempt, outcome, exit_code, signal, reason: message }, 'job ended');
      delivery.add(attempt);
      delivery.finish(attempt);
      parts.onNews();
      parts.onProgress();
    },
    onMachineFault(message) {
      offer_after = clock.monotonic() + FAULT_PAUSE_MS;
      clock.after(FAULT_PAUSE_MS, parts.onNews);
      log.error({ reason: message }, 'this machine cannot start jobs; it takes none for a while');
    },
  });
  const delivery = createDelivery({
    ...{ clock, log, random: parts.random, client: parts.client, files: parts.files, note: lives.note },
    onDelivered: forgetIfOver,
  });

  function forgetIfOver(attempt: Attempt): void {
    if (!attempt.settled || !attempts.has(attempt.lease.token) || !delivery.isDelivered(attempt)) return;
    attempts.delete(attempt.lease.token);
    delivery.remove(attempt);
    if (attempt.directory !== null) store.remove(attempt.directory);
    forgotten.add(attempt.lease.token);
    if (forgotten.size > REMEMBERED_TOKENS) forgotten.delete(forgotten.values().next().value!);
    parts.onProgress();
  }

  const live = (): Attempt[] => [...attempts.values()].filter((attempt) => attempt.phase !== 'ended');

  function freeSlots(): number[] {
    if (closed || clock.monotonic() < offer_after || !machine.hasSpace()) return [];
    const taken = live();
    const busy = new Set(taken.map((attempt) => attempt.slot));
    // Adopted jobs beyond the number of workers count too: nothing new until there are fewer.
    const room = Math.max(0, parts.workers - taken.length);
    const free: number[] = [];
    for (let slot = 0; slot < parts.workers && free.length < room; slot += 1) {
      if (!busy.has(slot) && slots.mayTake(slot)) free.push(slot);
    }
    return free.slice(0, LIMITS.sync_items.value);
  }

  function describe(): Told {
    const metrics = machine.metrics();
    const running = live().map((attempt) => ({
      ...referenceOf(attempt),
      slot: attempt.slot,
      started_at: attempt.started_at === null ? null : toIso(attempt.started_at),
    }));
    const ended = [...attempts.values()].filter((attempt) => attempt.end !== null && !attempt.settled);
    return {
      free_slots: freeSlots(),
      free: machine.resources,
      has_script: parts.has_script,
      workers: slots.applied(),
      running: running.slice(0, LIMITS.sync_items.value),
      finished: ended.slice(0, LIMITS.sync_items.value).map((attempt) => attempt.end!),
      ...(metrics === null ? {} : { metrics }),
    };
  }

  function take(lease: LeaseShape): boolean {
    if (attempts.has(lease.token) || forgotten.has(lease.token)) return false;
    const busy = live().some((attempt) => attempt.slot === lease.slot);
    if (closed || busy || !slots.mayTake(lease.slot)) {
      attempts.set(lease.token, lives.decline(lease, lease.slot, 'The worker could not take the job any more.'));
      // Declining ends the attempt at once, before it is in the list.
      parts.onNews();
      return true;
    }
    slots.took(lease.slot);
    attempts.set(lease.token, lives.begin(lease, lease.slot));
    return true;
  }

  function byName(names: readonly { job_id: number; attempt: number; rank: number }[]): Attempt[] {
    if (names.length === 0) return [];
    const wanted = new Set(names.map(attemptKey));
    return [...attempts.values()].filter((attempt) => wanted.has(attemptKey(attempt.lease)));
  }

  function stopRevoked(revoked: SyncReplyShape['revoked']): void {
    for (const reason of ['cancelled', 'superseded'] as const) {
      const message = reason === 'cancelled' ? 'The job was cancelled.' : 'Another attempt of the job took over.';
      for (const attempt of byName(revoked.filter((each) => each.reason === reason))) lives.stop(attempt, 'cancelled', { message });
    }
  }

  return {
    slots,
    adopt() {
      for (const stored of store.scan(clock.now())) {
        if (attempts.has(stored.lease.token)) continue;
        log.info({ job: `${stored.lease.experiment}/${stored.lease.number}`, attempt: stored.lease.attempt }, 'attempt of an earlier run taken over');
        const attempt = lives.adopt(stored);
        attempts.set(stored.lease.token, attempt);
        delivery.add(attempt);
      }
      parts.onNews();
    },
    describe,
    apply(reply, request) {
      slots.told(request.workers);
      if (request.metrics !== undefined) machine.metricsTold(request.metrics);
      const sent = new Set(request.finished.map((end) => end.token));
      for (const attempt of byName(reply.settled)) {
        if (!sent.has(attempt.lease.token)) continue;
        attempt.settled = true;
        delivery.reconsider(attempt);
        forgetIfOver(attempt);
      }
      stopRevoked(reply.revoked);
      for (const attempt of byName(reply.unknown)) log.debug({ job: nameOf(attempt) }, 'the server has no record of an attempt; it goes on');
      const commanded = slots.command(reply.workers);
      const taken = reply.leases.filter(take).length;
      if (parts.once) slots.foundNothing(request.free_slots.filter((slot) => !reply.leases.some((lease) => lease.slot === slot)));
      parts.onProgress();
      return commanded || taken > 0;
    },
    close: () => void (closed = true),
    release(which, options) {
      for (const attempt of live()) {
        if (which === 'all' || which.includes(attempt.slot)) lives.stop(attempt, 'released', options);
      }
    },
    attempts: () => [...attempts.values()],
    live,
    undelivered: () => [...attempts.values()].filter((attempt) => attempt.phase === 'ended').length,
    async stop() {
      lives.abandon();
      await delivery.stop();
      await store.removed();
    },
  };
}
