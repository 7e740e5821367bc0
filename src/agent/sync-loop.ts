// The one call that keeps agent and server agreed, over and over: one in flight, hanging while there is nothing to say.
// A silent server never stops a job; the loop only waits longer between its tries.
import { ApiError, type SyncReplyShape, type SyncRequestShape } from '../contract/index.ts';
import { toIso, type Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Told } from './workforce.ts';

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
  /** True when the reply brought jobs or commands. */
  readonly apply: (reply: SyncReplyShape, request: SyncRequestShape) => boolean;
  readonly onSuperseded: () => void;
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
  state(): SyncState;
  /** Ends the loop; resolves when no call is in flight. */
  stop(): Promise<void>;
}

/** A reply that takes this much longer than it may hang will not come any more: the connection is dead. */
const PATIENCE_MS = 20_000;
/** After taking jobs for its last free slots the loop waits this long for news: short jobs need one sync and not two. */
const CONFIRM_MS = 20;
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
  const { clock, log } = parts;
  const stopped = new AbortController();
  let flight: Flight | null = null;
  let hasNews = true;
  let wakeUp: (() => void) | null = null;
  let store: Pick<SyncRequestShape, 'store_id' | 'store_position'> = { store_id: null, store_position: null };
  let failures = 0;
  let confirm = false;
  let quick_answers = 0;
  let answered_at: number | null = null;
  let trouble: string | null = null;

  function giveUp(current: Flight): void {
    const left = current.shield_ms - (clock.monotonic() - current.sent_at);
    const abort = (): void => {
      if (flight !== current || !hasNews) return;
      current.given_up = true;
      current.controller.abort();
    };
    if (left > 0) clock.after(left, abort);
    else abort();
  }

  function waitForNews(ms: number): Promise<void> {
    if (hasNews || stopped.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = clock.after(ms, resolve);
      wakeUp = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  async function exchange(): Promise<void> {
    hasNews = false;
    const told = parts.describe();
    const wait_seconds = stopped.signal.aborted ? 0 : parts.waitSeconds(told);
    const request: SyncRequestShape = {
      ...{ incarnation: parts.incarnation, sync_seq: parts.sequence.next(), sent_at: toIso(clock.now()), wait_seconds },
      ...store,
      ...told,
    };
    const answerDue = wait_seconds === 0 || told.finished.length > 0;
    const shield_ms = answerDue ? SHIELD_MS.answer_due : told.free_slots.length > 0 ? SHIELD_MS.slots_offered : 0;
    const current: Flight = { controller: new AbortController(), sent_at: clock.monotonic(), shield_ms, given_up: false };
    flight = current;
    const timer = clock.after(wait_seconds * 1000 + PATIENCE_MS, () => current.controller.abort());
    try {
      const reply = await parts.send(request, current.controller.signal);
      if (!current.given_up) answered(reply, request);
    } catch (error) {
      if (!current.given_up && !stopped.signal.aborted) await failed(error);
    } finally {
      timer.cancel();
      flight = null;
    }
  }

  function answered(reply: SyncReplyShape, request: SyncRequestShape): void {
    if (trouble !== null) log.info('the server answers again');
    if (store.store_id !== null && store.store_id !== reply.store_id) {
      log.warn({ before: store.store_id, now: reply.store_id }, 'the server has another store than before; the jobs here go on');
    }
    store = { store_id: reply.store_id, store_position: reply.store_position };
    [failures, trouble, answered_at] = [0, null, clock.monotonic()];
    if (reply.superseded) parts.onSuperseded();
    if (parts.apply(reply, request)) confirm = true;
    const empty = !confirm && reply.settled.length === 0 && reply.revoked.length === 0;
    const quick = flight !== null && request.wait_seconds > 0 && clock.monotonic() - flight.sent_at < QUICK_MS;
    quick_answers = empty && quick ? quick_answers + 1 : 0;
  }

  async function failed(error: unknown): Promise<void> {
    failures += 1;
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof ApiError ? error.code : 'unexpected_reply';
    if (code === 'agent_superseded') return parts.onSuperseded();
    if (code === 'stale_sync' && failures <= 3) return parts.sequence.skip();
    if (trouble !== reason) log[failures > 1 || code !== 'unreachable' ? 'warn' : 'info']({ code, reason }, 'no agreement with the server; jobs go on and it is tried again');
    trouble = reason;
    await clock.sleep(retryDelay(error), stopped.signal);
  }

  function retryDelay(error: unknown): number {
    const spread = 0.5 + parts.random() / 2;
    if (!(error instanceof ApiError) || error.retryable) {
      const asked = error instanceof ApiError ? (error.retry_after_seconds ?? 0) * 1000 : 0;
      const backoff = failures === 1 ? FIRST_RETRY_MS : Math.min(LONGEST_RETRY_MS, 1000 * 2 ** Math.min(failures - 2, 10));
      return Math.max(asked, backoff * spread);
    }
    return SLOW_RETRY_MS * spread;
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      await exchange();
      if (quick_answers > MOST_QUICK_ANSWERS) await clock.sleep(PACE_MS, stopped.signal);
      if (confirm && parts.describe().free_slots.length === 0) await waitForNews(CONFIRM_MS);
      confirm = false;
    }
  }

  const running = run();
  return {
    news() {
      hasNews = true;
      wakeUp?.();
      wakeUp = null;
      if (flight !== null) giveUp(flight);
    },
    state: () => ({ answered_at, trouble }),
    stop() {
      stopped.abort();
      wakeUp?.();
      flight?.controller.abort();
      return running;
    },
  };
}
