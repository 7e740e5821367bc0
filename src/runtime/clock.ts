// Time, handed in everywhere. Tests and the simulator bring their own clock.
import { performance } from 'node:perf_hooks';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970; may jump. For moments that are stored. */
  now(): number;
  /** Milliseconds from any beginning; never jumps. For durations. */
  monotonic(): number;
  /** Calls back once after `ms`. The timer does not keep the process alive. */
  after(ms: number, callback: () => void): Timer;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    });
  },
};

export function toIso(ms: number): string {
  return new Date(ms).toISOString();
}

export function fromIso(text: string): number {
  return Date.parse(text);
}
