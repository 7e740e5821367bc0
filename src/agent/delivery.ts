// Brings everything that attempts leave behind to the server, while they run and after they ended, however long it takes.
import { ApiError, type Client } from '../contract/index.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { nameOf, type Attempt, type Lives } from './attempt-life.ts';
import { shipLogs } from './log-shipping.ts';
import { shipMetrics } from './metric-shipping.ts';
import { createPump, type Pump } from './pump.ts';
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
  /** The server that settled the end of this attempt was put back to before it. */
  readonly onForgotten: (attempt: Attempt) => void;
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
  /** Nothing of it is wanted any more: what waits is not shipped. */
  drop(attempt: Attempt): void;
  isDelivered(attempt: Attempt): boolean;
  remove(attempt: Attempt): void;
  stop(): Promise<void>;
}

/** A server that refused data of an attempt, or has no record of it, is asked again this much later. */
const POSTPONE_MS = 30_000;
const PARALLEL_UPLOADS = 4;

export function createDelivery(parts: DeliveryParts): Delivery {
  return new Shipping(parts);
}

class Shipping implements Delivery {
  readonly #parts: DeliveryParts;
  readonly #spools = new Map<Attempt, Spool>();
  readonly #pumps: readonly Pump[];
  #timer: Timer | null = null;
  #stopped = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const { clock, log, files, client, note } = parts;
    const logs = {
      ...{ clock, files, client },
      onRefused: (spool: Spool, error: ApiError) => this.#refused(spool, error),
      onUnknown: (spool: Spool) => this.#unknown(spool),
      onDeleted: (spool: Spool) => this.drop(spool.attempt),
      onPunch: (spool: Spool, punched: { stdout: number; stderr: number }) => note(spool.attempt, { punched }),
    };
    const metrics = {
      ...{ clock, files, client },
      onRefused: logs.onRefused,
      onUnknown: logs.onUnknown,
      onDeleted: logs.onDeleted,
      onBroken: (spool: Spool, offsets: readonly number[]) =>
        log.warn({ job: nameOf(spool.attempt), offsets: offsets.slice(0, 10) }, 'lines of the metric file made no sense and were skipped'),
    };
    this.#pumps = [
      this.#pump('logs', (signal) => shipLogs(this.#all(), logs, signal)),
      this.#pump('metrics', (signal) => shipMetrics(this.#all(), metrics, signal)),
      this.#pump('uploads', (signal) => this.#shipAllUploads(signal)),
    ];
  }

  add(attempt: Attempt): void {
    if (attempt.directory === null || this.#spools.has(attempt)) return;
    this.#spools.set(attempt, createSpool(attempt, attempt.directory));
    this.#arm();
  }

  finish(attempt: Attempt): void {
    const { clock, files } = this.#parts;
    const spool = this.#spools.get(attempt);
    if (spool === undefined) return;
    if (refresh(spool, files, { monotonic: clock.monotonic(), now: clock.now() })) this.#wake();
    this.#review(spool);
  }

  reconsider(attempt: Attempt): void {
    const spool = this.#spools.get(attempt);
    if (spool === undefined) return;
    spool.postponed_until = 0;
    spool.uploads_postponed_until = 0;
    this.#review(spool);
  }

  drop(attempt: Attempt): void {
    attempt.unwanted = true;
    const spool = this.#spools.get(attempt);
    if (spool !== undefined) this.#review(spool);
  }

  isDelivered(attempt: Attempt): boolean {
    const spool = this.#spools.get(attempt);
    return spool === undefined || isDelivered(spool);
  }

  remove(attempt: Attempt): void {
    this.#spools.delete(attempt);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await Promise.all(this.#pumps.map((pump) => pump.stop()));
  }

  #all(): Spool[] {
    return [...this.#spools.values()].filter((spool) => !spool.attempt.unwanted);
  }

  #pump(what: string, step: (signal: AbortSignal) => Promise<'more' | 'idle'>): Pump {
    const { clock, random, log } = this.#parts;
    return createPump({
      ...{ clock, random },
      step: (signal) => step(signal).finally(() => this.#reviewAll()),
      onTrouble: (error, delay) => log.debug({ err: error, what, delay_ms: Math.round(delay) }, 'delivery waits'),
    });
  }

  #refused(spool: Spool, error: ApiError): void {
    const { clock, log } = this.#parts;
    const fields = { job: nameOf(spool.attempt), code: error.code, reason: error.message };
    if (spool.attempt.settled) {
      spool.given_up = true;
      log.warn(fields, 'the server takes no more of the logs and metrics of an attempt that is over');
    } else {
      spool.postponed_until = clock.monotonic() + POSTPONE_MS;
      log.warn(fields, 'the server does not take the logs and metrics of an attempt now');
    }
  }

  /** What is not settled yet becomes known with its sync. What was settled, and is forgotten, is told once more: the record may take it up again. */
  #unknown(spool: Spool): void {
    const { clock, log, onForgotten } = this.#parts;
    spool.postponed_until = clock.monotonic() + POSTPONE_MS;
    if (!spool.attempt.settled || spool.attempt.unwanted) return;
    if (spool.told_again) {
      spool.given_up = true;
      return log.warn({ job: nameOf(spool.attempt) }, 'the server has no place for the logs and metrics of an attempt whose number it gave out again');
    }
    spool.told_again = true;
    onForgotten(spool.attempt);
  }

  async #shipAllUploads(signal: AbortSignal): Promise<'more' | 'idle'> {
    const now = this.#parts.clock.monotonic();
    const due = this.#all()
      .filter((spool) => spool.uploads_waiting && spool.uploads_postponed_until <= now)
      .slice(0, PARALLEL_UPLOADS);
    await Promise.all(due.map((spool) => this.#shipUploadsOf(spool, signal)));
    return due.length > 0 ? 'more' : 'idle';
  }

  async #shipUploadsOf(spool: Spool, signal: AbortSignal): Promise<void> {
    const { clock, log, files, client, note } = this.#parts;
    const onRefused = ({ attempt }: Spool, name: string): void => note(attempt, { refused_uploads: [...attempt.state.refused_uploads, name].slice(-20) });
    try {
      await shipUploads(spool, { log, files, client, onRefused }, signal);
    } catch (error) {
      // A refusal is about this attempt; anything else concerns all of them and makes the pump wait.
      if (!(error instanceof ApiError) || error.retryable) throw error;
      spool.uploads_postponed_until = clock.monotonic() + POSTPONE_MS;
      log.warn({ job: nameOf(spool.attempt), code: error.code, reason: error.message }, 'the server does not take a file of an attempt now');
    }
  }

  #wake(): void {
    for (const pump of this.#pumps) pump.wake();
  }

  #review(spool: Spool): void {
    if (spool.attempt.phase === 'ended' && isDelivered(spool)) this.#parts.onDelivered(spool.attempt);
  }

  #reviewAll(): void {
    for (const spool of [...this.#spools.values()]) this.#review(spool);
  }

  #arm(): void {
    if (this.#timer === null && this.#spools.size > 0 && !this.#stopped) this.#timer = this.#parts.clock.after(CHECK_MS, () => this.#check());
  }

  #check(): void {
    const { clock, files } = this.#parts;
    this.#timer = null;
    const times = { monotonic: clock.monotonic(), now: clock.now() };
    let waits = false;
    for (const spool of this.#spools.values()) {
      if (spool.attempt.phase !== 'ended' && spool.next_check <= times.monotonic) refresh(spool, files, times);
      waits ||= spool.postponed_until <= times.monotonic && !isDelivered(spool);
    }
    if (waits) this.#wake();
    this.#reviewAll();
    this.#arm();
  }
}
