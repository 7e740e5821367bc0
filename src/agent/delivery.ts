// Brings everything that attempts leave behind to the server, while they run and after they ended, however long it takes.
import { ApiError, type Client } from '../contract/index.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { nameOf, type Attempt, type Lives } from './attempt-life.ts';
import { shipLogs } from './log-shipping.ts';
import { shipMetrics } from './metric-shipping.ts';
import { createPump } from './pump.ts';
import { CHECK_MS, createSpool, isDelivered, refresh, type Spool } from './spool.ts';
import type { SpoolFiles } from './spool-files.ts';
import { shipUploads } from './upload-shipping.ts';

export interface DeliveryParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly client: Client;
  readonly files: SpoolFiles;
  readonly note: Lives['note'];
  /** Nothing of this attempt waits any more, and it has ended. */
  readonly onDelivered: (attempt: Attempt) => void;
}

export interface Delivery {
  /** Begins to ship an attempt that has a directory. */
  add(attempt: Attempt): void;
  /** It has ended: looks at its files for the last time. */
  finish(attempt: Attempt): void;
  /** Tells `onDelivered` again if that is so; after it was settled, more refusals are final. */
  reconsider(attempt: Attempt): void;
  isDelivered(attempt: Attempt): boolean;
  remove(attempt: Attempt): void;
  waiting(): number;
  stop(): Promise<void>;
}

const POSTPONE_MS = 30_000;
const PARALLEL_UPLOADS = 4;

export function createDelivery(parts: DeliveryParts): Delivery {
  const { clock, log, files } = parts;
  const spools = new Map<Attempt, Spool>();
  let timer: Timer | null = null;
  let stopped = false;

  const onRefused = (spool: Spool, error: ApiError): void => {
    const fields = { job: nameOf(spool.attempt), code: error.code, reason: error.message };
    if (spool.attempt.settled) {
      spool.given_up = true;
      log.warn(fields, 'the server takes no more of the logs and metrics of an attempt that is over');
    } else {
      spool.postponed_until = clock.monotonic() + POSTPONE_MS;
      log.warn(fields, 'the server does not take the logs and metrics of an attempt now');
    }
  };
  const shipping = {
    ...{ clock, files, client: parts.client, log, onRefused },
    onPunch: (spool: Spool, punched: { stdout: number; stderr: number }) => parts.note(spool.attempt, { punched }),
    onBroken: (spool: Spool, offsets: readonly number[]) =>
      log.warn({ job: nameOf(spool.attempt), offsets: offsets.slice(0, 10) }, 'lines of the metric file made no sense and were skipped'),
  };
  const uploading = {
    ...{ log, files, client: parts.client },
    onRefused: (spool: Spool, name: string) =>
      parts.note(spool.attempt, { refused_uploads: [...spool.attempt.state.refused_uploads, name].slice(-20) }),
  };

  const onTrouble = (what: string) => {
    return (error: unknown, delay_ms: number): void => log.debug({ err: error, what, delay_ms: Math.round(delay_ms) }, 'delivery waits');
  };
  const pump = (what: string, step: (signal: AbortSignal) => Promise<'more' | 'idle'>) =>
    createPump({ clock, random: parts.random, onTrouble: onTrouble(what), step: (signal) => step(signal).finally(reviewAll) });
  const pumps = [
    pump('logs', (signal) => shipLogs([...spools.values()], shipping, signal)),
    pump('metrics', (signal) => shipMetrics([...spools.values()], shipping, signal)),
    pump('uploads', async (signal) => {
      const now = clock.monotonic();
      const due = [...spools.values()].filter((spool) => spool.uploads_waiting && spool.uploads_postponed_until <= now).slice(0, PARALLEL_UPLOADS);
      await Promise.all(due.map((spool) => uploadOne(spool, signal)));
      return due.length > 0 ? 'more' : 'idle';
    }),
  ];

  async function uploadOne(spool: Spool, signal: AbortSignal): Promise<void> {
    try {
      await shipUploads(spool, uploading, signal);
    } catch (error) {
      // A refusal is about this attempt; anything else concerns all of them and makes the pump wait.
      if (!(error instanceof ApiError) || error.retryable) throw error;
      spool.uploads_postponed_until = clock.monotonic() + POSTPONE_MS;
      log.warn({ job: nameOf(spool.attempt), code: error.code, reason: error.message }, 'the server does not take a file of an attempt now');
    }
  }

  function wake(): void {
    for (const each of pumps) each.wake();
  }

  function review(spool: Spool): void {
    if (spool.attempt.phase === 'ended' && isDelivered(spool)) parts.onDelivered(spool.attempt);
  }

  function reviewAll(): void {
    for (const spool of [...spools.values()]) review(spool);
  }

  function check(): void {
    timer = null;
    const now = clock.monotonic();
    let waits = false;
    for (const spool of spools.values()) {
      const postponed = spool.postponed_until > now;
      if (spool.attempt.phase !== 'ended' && spool.next_check <= now) refresh(spool, files, { monotonic: now, now: clock.now() });
      waits ||= !postponed && !isDelivered(spool);
    }
    if (waits) wake();
    reviewAll();
    arm();
  }

  function arm(): void {
    if (timer === null && spools.size > 0 && !stopped) timer = clock.after(CHECK_MS, check);
  }

  return {
    add(attempt) {
      if (attempt.directory === null || spools.has(attempt)) return;
      spools.set(attempt, createSpool(attempt, attempt.directory));
      arm();
    },
    finish(attempt) {
      const spool = spools.get(attempt);
      if (spool === undefined) return;
      if (refresh(spool, files, { monotonic: clock.monotonic(), now: clock.now() })) wake();
      review(spool);
    },
    reconsider(attempt) {
      const spool = spools.get(attempt);
      if (spool === undefined) return;
      spool.postponed_until = 0;
      spool.uploads_postponed_until = 0;
      review(spool);
    },
    isDelivered(attempt) {
      const spool = spools.get(attempt);
      return spool === undefined || isDelivered(spool);
    },
    remove: (attempt) => void spools.delete(attempt),
    waiting: () => [...spools.values()].filter((spool) => spool.attempt.phase === 'ended' && !isDelivered(spool)).length,
    async stop() {
      stopped = true;
      timer?.cancel();
      await Promise.all(pumps.map((each) => each.stop()));
    },
  };
}
