// Cuts uploads that are too slow, never those that are long. Only the time spent waiting for the client counts, not the disk's.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import type { Clock } from '../runtime/clock.ts';

const WINDOW_MS = 60_000;
const RATE = LIMITS.upload_rate_bytes.value;
const WINDOW_BYTES = (RATE * WINDOW_MS) / 1000;

/** Yields what the source yields, as long as each minute of waiting brings at least `upload_rate_bytes` per second. */
export async function* atLeastRate(source: AsyncIterable<Uint8Array>, clock: Clock): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  const window = { waited: 0, bytes: 0 };
  let isDone = false;
  try {
    for (;;) {
      const next = await nextInTime(iterator, window, clock);
      if (next.done === true) {
        isDone = true;
        return;
      }
      window.bytes += next.value.byteLength;
      yield next.value;
    }
  } finally {
    // Not awaited: a source that waits for its client would keep us.
    if (!isDone) iterator.return?.().catch(() => {});
  }
}

async function nextInTime(iterator: AsyncIterator<Uint8Array>, window: { waited: number; bytes: number }, clock: Clock): Promise<IteratorResult<Uint8Array>> {
  const pending = iterator.next();
  for (;;) {
    const began = clock.monotonic();
    const result = await within(pending, WINDOW_MS - window.waited, clock);
    window.waited += clock.monotonic() - began;
    if (window.waited >= WINDOW_MS) {
      if (window.bytes < WINDOW_BYTES && result?.done !== true) {
        pending.catch(() => {});
        throw new Refusal('too_slow', `The upload brought less than ${RATE} bytes per second over a minute. Try again over a faster connection.`);
      }
      window.waited = 0;
      window.bytes = 0;
    }
    if (result !== null) return result;
  }
}

/** The result, or null when the time is over first. */
function within<T>(pending: Promise<T>, ms: number, clock: Clock): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(Math.max(0, ms), () => resolve(null));
    pending.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
