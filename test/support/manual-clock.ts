// A clock that tests move. Timers run when time passes them.
import type { Clock, Timer } from '../../src/runtime/clock.ts';

export interface ManualClock extends Clock {
  /** Lets both clocks run by this many milliseconds, calling the timers on the way. */
  advance(ms: number): void;
  /** Moves only the wall clock, as when somebody sets it. */
  jump(ms: number): void;
}

export function manualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let wall = start;
  let monotonic = 0;
  const timers = new Set<{ at: number; callback: () => void }>();
  const after = (ms: number, callback: () => void): Timer => {
    const timer = { at: monotonic + ms, callback };
    timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  };
  return {
    now: () => wall,
    monotonic: () => monotonic,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const timer = after(ms, resolve);
        signal?.addEventListener('abort', () => {
          timer.cancel();
          resolve();
        });
      }),
    jump: (ms) => {
      wall += ms;
    },
    advance(ms) {
      const end = monotonic + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers.delete(due);
        wall += due.at - monotonic;
        monotonic = due.at;
        due.callback();
      }
      wall += end - monotonic;
      monotonic = end;
    },
  };
}
