// The one call that keeps agent and server agreed, over and over: one in flight, hanging while there is nothing to say.
// A silent server never stops a job; the loop only waits longer between its tries.
import { ApiError, type SyncReplyShape, type SyncRequestShape } from '../contract/index.ts';
import { toIso, type Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Told } from './told.ts';
import type { Brought } from './workforce.ts';

export interface SyncParts {
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  readonly incarnation: string;
  /** Rises for ever, over restarts too; `skip` when the server has seen more than we know of. */
  readonly sequence: { next(): number; skip(): void };
  readonly send: (request: SyncRequestShape, signal: AbortSignal) => Promise<SyncReplyShape>;
  readonly describe: () => Told;
  readonly apply: (reply: SyncReplyShape, request: SyncRequestShape) => Brought;
  readonly onSuperseded: () => void;
  /** The agent's secret is good for nothing any more: the loop has ended. */
  readonly onRevoked: () => void;
  /** How long a reply may hang. */
  readonly waitSeconds: (told: Told) => number;
}

export interface SyncState {
  /** Monotonic milliseconds; null before the first answer. */
  readonly answered_at: number | null;
  readonly trouble: string | null;
}

export interface SyncLoop {
  /** There is something to tell: the hanging call is given up and a new one sent. */
  news(): void;
  /** The jobs that were taken have started, and more could be taken: the loop need not wait for other news. */
  ready(): void;
  state(): SyncState;
  /** Ends the loop; resolves when no call is in flight. */
  stop(): Promise<void>;
}

/** A reply that takes this much longer than it may hang will not come any more: the connection is dead. */
const PATIENCE_MS = 20_000;
/**
 * After taking jobs the loop waits this long for them to start, and when no slot is free for news: short jobs then need one sync and not
 * two. So much later a command may arrive that was given just then.
 */
const CONFIRM_MS = { nothing: 0, command: 0, jobs: 80 };
/** A call that may be answered at once is not given up younger than this: its reply may carry leases. */
const SHIELD_MS = { answer_due: 500, slots_offered: 25 };
/** A server that answers at once though it has nothing to say is asked less often. */
const QUICK_MS = 100;
const MOST_QUICK_ANSWERS = 3;
const PACE_MS = 500;
const SLOW_RETRY_MS = 60_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;

interface Flight {
  readonly controller: AbortController;
  readonly sent_at: number;
  readonly shield_ms: number;
  given_up: boolean;
}

export function createSyncLoop(parts: SyncParts): SyncLoop {
  return new Loop(parts);
}

class Loop implements SyncLoop {
  readonly #parts: SyncParts;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #flight: Flight | null = null;
  #hasNews = true;
  #wakeUp: (() => void) | null = null;
  #store: Pick<SyncRequestShape, 'store_id' | 'store_position'> = { store_id: null, store_position: null };
  #failures = 0;
  #brought: Brought = 'nothing';
  #quickAnswers = 0;
  #answeredAt: number | null = null;
  #trouble: string | null = null;

  constructor(parts: SyncParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  news(): void {
    this.#hasNews = true;
    this.#wakeUp?.();
    this.#wakeUp = null;
    if (this.#flight !== null) this.#giveUp(this.#flight);
  }

  ready(): void {
    this.#wakeUp?.();
    this.#wakeUp = null;
  }

  state(): SyncState {
    return { answered_at: this.#answeredAt, trouble: this.#trouble };
  }

  stop(): Promise<void> {
    this.#stopped.abort();
    this.#wakeUp?.();
    this.#flight?.controller.abort();
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    while (!this.#stopped.signal.aborted) {
      await this.#exchange();
      if (this.#quickAnswers > MOST_QUICK_ANSWERS) await clock.sleep(PACE_MS, this.#stopped.signal);
      if (this.#brought !== 'nothing') await this.#waitForNews(CONFIRM_MS[this.#brought]);
      this.#brought = 'nothing';
    }
  }

  async #exchange(): Promise<void> {
    const { clock } = this.#parts;
    const request = this.#compose();
    const answerDue = request.wait_seconds === 0 || request.finished.length > 0;
    const shield_ms = answerDue ? SHIELD_MS.answer_due : request.free_slots.length > 0 ? SHIELD_MS.slots_offered : 0;
    const flight: Flight = { controller: new AbortController(), sent_at: clock.monotonic(), shield_ms, given_up: false };
    this.#flight = flight;
    const timer = clock.after(request.wait_seconds * 1000 + PATIENCE_MS, () => flight.controller.abort());
    try {
      const reply = await this.#parts.send(request, flight.controller.signal);
      if (!flight.given_up) this.#answered(reply, request, flight);
    } catch (error) {
      if (!flight.given_up && !this.#stopped.signal.aborted) await this.#failed(error);
    } finally {
      timer.cancel();
      this.#flight = null;
    }
  }

  #compose(): SyncRequestShape {
    const { clock, describe, waitSeconds, incarnation, sequence } = this.#parts;
    this.#hasNews = false;
    const told = describe();
    return { incarnation, sync_seq: sequence.next(), sent_at: toIso(clock.now()), wait_seconds: waitSeconds(told), ...this.#store, ...told };
  }

  #giveUp(flight: Flight): void {
    const { clock } = this.#parts;
    const left = flight.shield_ms - (clock.monotonic() - flight.sent_at);
    const abort = (): void => {
      if (this.#flight !== flight || !this.#hasNews) return;
      flight.given_up = true;
      flight.controller.abort();
    };
    if (left > 0) clock.after(left, abort);
    else abort();
  }

  #waitForNews(ms: number): Promise<void> {
    if (this.#hasNews || this.#stopped.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#parts.clock.after(ms, resolve);
      this.#wakeUp = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #answered(reply: SyncReplyShape, request: SyncRequestShape, flight: Flight): void {
    const { clock, log, apply, onSuperseded } = this.#parts;
    if (this.#trouble !== null) log.info('the server answers again');
    const before = this.#store.store_id;
    if (before !== null && before !== reply.store_id) {
      log.warn({ before, now: reply.store_id }, 'the server has another store than before; the jobs here go on');
    }
    this.#store = { store_id: reply.store_id, store_position: reply.store_position };
    this.#failures = 0;
    this.#trouble = null;
    this.#answeredAt = clock.monotonic();
    if (reply.superseded) onSuperseded();
    this.#brought = apply(reply, request);
    // What is revoked is told again and again until it has ended: only the first time is it news.
    const empty = this.#brought === 'nothing' && reply.settled.length === 0;
    const quick = request.wait_seconds > 0 && clock.monotonic() - flight.sent_at < QUICK_MS;
    this.#quickAnswers = empty && quick ? this.#quickAnswers + 1 : 0;
  }

  async #failed(error: unknown): Promise<void> {
    const { clock, log, sequence, onSuperseded, onRevoked } = this.#parts;
    this.#failures += 1;
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof ApiError ? error.code : 'unexpected_reply';
    if (code === 'agent_superseded') onSuperseded();
    if (code === 'stale_sync' && this.#failures <= 3) return sequence.skip();
    if (code === 'agent_revoked') {
      this.#trouble = reason;
      this.#stopped.abort();
      return onRevoked();
    }
    if (this.#trouble !== reason) log.warn({ code, reason }, 'no agreement with the server; jobs go on and it is tried again');
    this.#trouble = reason;
    await clock.sleep(this.#retryDelay(error), this.#stopped.signal);
  }

  #retryDelay(error: unknown): number {
    const spread = 0.5 + this.#parts.random() / 2;
    if (error instanceof ApiError && !error.retryable) return SLOW_RETRY_MS * spread;
    const asked = error instanceof ApiError ? (error.retry_after_seconds ?? 0) * 1000 : 0;
    const backoff = this.#failures === 1 ? FIRST_RETRY_MS : Math.min(LONGEST_RETRY_MS, 1000 * 2 ** Math.min(this.#failures - 2, 10));
    return Math.max(asked, backoff * spread);
  }
}
