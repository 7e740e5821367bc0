// Follows a log while it grows. Woken by commits; a busy store commits more often than anybody reads, so reads are spaced.
import type { Clock } from '../runtime/clock.ts';
import { type LogState, type LogStream, readLogState } from '../store/log-chunks.ts';
import { readLogBytes } from '../store/log-reading.ts';
import type { Store } from '../store/store.ts';

/** Shortest time between two reads. */
const PAUSE_MS = 50;
/** After the attempt ended, what its agent still has is waited for so long after the last piece, and so long in all. */
const QUIET_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;

export interface Following {
  readonly store: Store;
  readonly clock: Clock;
  /** Attempt 0: the first one, which has not begun yet. */
  readonly stream: LogStream;
  readonly from: number;
  /** Excluded; Infinity for all that comes. */
  readonly to: number;
  readonly signal: AbortSignal;
}

/** Whether more may come: the attempt goes on, or ended so lately that its agent may still deliver. */
export function mayGrow(state: LogState, now: number): boolean {
  if (state.attempt === null) return !state.job_ended;
  return !state.attempt.ended || now - (state.attempt.recorded_at ?? 0) < QUIET_MS;
}

/** The bytes from `from` on, until the attempt has ended and all of it arrived, or the signal is aborted. */
export async function* followLog(following: Following): AsyncGenerator<Uint8Array> {
  const { store, clock, signal } = following;
  let { stream, from: position } = following;
  const changes = watchChanges(store, clock, signal);
  const end = new EndWatch(clock);
  try {
    while (!signal.aborted) {
      const seen = changes.version();
      const state = await readLogState(store, stream);
      if (state === null || (state.attempt === null && state.job_ended)) return;
      if (stream.attempt === 0 && state.attempts > 0) {
        stream = { ...stream, attempt: state.attempts };
        continue;
      }
      const to = Math.min(state.size, following.to);
      if (to > position) {
        yield* readLogBytes(store, store.blobs, { stream, from: position, to });
        position = to;
        end.grew();
      }
      if (position >= following.to) return;
      const patience = end.patience(state);
      if (patience <= 0) return;
      await changes.next(seen, patience);
      await clock.sleep(PAUSE_MS, signal);
    }
  } finally {
    changes.close();
  }
}

/** Decides how long to wait for the rest of an attempt that has ended. */
class EndWatch {
  readonly #clock: Clock;
  #endedAt: number | null = null;
  #grewAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#grewAt = -Infinity;
  }

  grew(): void {
    this.#grewAt = this.#clock.monotonic();
  }

  /** Milliseconds; 0 when nothing more is waited for, Infinity while the attempt goes on. */
  patience(state: LogState): number {
    if (state.attempt === null || !state.attempt.ended) {
      this.#endedAt = null;
      return Infinity;
    }
    const now = this.#clock.monotonic();
    const since = Math.max(0, this.#clock.now() - (state.attempt.recorded_at ?? 0));
    this.#endedAt ??= now - since;
    // Bytes that were there when the attempt had long ended do not mean that more will come.
    const quietFrom = since < LONGEST_WAIT_MS ? Math.max(this.#endedAt, this.#grewAt) : this.#endedAt;
    return Math.min(quietFrom + QUIET_MS, this.#endedAt + LONGEST_WAIT_MS) - now;
  }
}

interface Changes {
  version(): number;
  /** Resolves when there was a change since `seen`, after `ms`, or when the signal is aborted. */
  next(seen: number, ms: number): Promise<void>;
  close(): void;
}

function watchChanges(store: Store, clock: Clock, signal: AbortSignal): Changes {
  let version = 0;
  let wake = (): void => {};
  const stop = store.onChange((change) => {
    if (!change.events) return;
    version += 1;
    wake();
  });
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    version: () => version,
    next(seen, ms) {
      if (version !== seen || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = ms === Infinity ? null : clock.after(ms, () => wake());
        wake = () => {
          timer?.cancel();
          resolve();
        };
      });
    },
    close() {
      stop();
      signal.removeEventListener('abort', onAbort);
    },
  };
}
