// Repeats a call that hit an operating fault (network, busy database), with growing, spread-out delays.
import type { Clock } from './clock.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly first_delay_ms: number;
  readonly longest_delay_ms: number;
  /** Give up after this long; Infinity to go on until the signal is aborted. */
  readonly total_ms: number;
  /** Whether to try again, and if the other side asked for it, after how many milliseconds. */
  readonly retryable: (error: unknown) => boolean | { readonly after_ms: number };
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  readonly onRetry?: (error: unknown, delayMs: number) => void;
}

export async function retry<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const started = options.clock.monotonic();
  for (let tries = 0; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const verdict = options.retryable(error);
      const delay = typeof verdict === 'object' ? verdict.after_ms : spread(options, tries);
      const over = options.clock.monotonic() - started + delay > options.total_ms;
      if (verdict === false || over || stopped(options)) throw error;
      options.onRetry?.(error, delay);
      await options.clock.sleep(delay, options.signal);
      if (stopped(options)) throw error;
    }
  }
}

function stopped(options: RetryOptions): boolean {
  return options.signal?.aborted === true;
}

function spread(options: RetryOptions, tries: number): number {
  const delay = Math.min(options.longest_delay_ms, options.first_delay_ms * 2 ** Math.min(tries, 30));
  return delay * (0.5 + options.random() / 2);
}
