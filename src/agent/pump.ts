// One background loop that carries things away as long as there are any, sleeps until woken, and backs off when it cannot.
import type { Clock } from '../runtime/clock.ts';

export interface Pump {
  wake(): void;
  /** Resolves when the step in progress is over. */
  stop(): Promise<void>;
}

export interface PumpOptions {
  readonly clock: Clock;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  /** Carries some of what waits. */
  readonly step: (signal: AbortSignal) => Promise<'more' | 'idle'>;
  readonly onTrouble: (error: unknown, delayMs: number) => void;
}

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

export function createPump(options: PumpOptions): Pump {
  const { clock } = options;
  const stopped = new AbortController();
  let woken = true;
  let wakeUp: (() => void) | null = null;
  let failures = 0;

  async function turn(): Promise<void> {
    woken = false;
    try {
      const result = await options.step(stopped.signal);
      failures = 0;
      if (result === 'more') woken = true;
    } catch (error) {
      if (stopped.signal.aborted) return;
      const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10)) * (0.5 + options.random() / 2);
      failures += 1;
      options.onTrouble(error, delay);
      await clock.sleep(delay, stopped.signal);
      woken = true;
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      if (woken) await turn();
      else await new Promise<void>((resolve) => (wakeUp = resolve));
    }
  }

  const running = run();
  return {
    wake() {
      woken = true;
      wakeUp?.();
      wakeUp = null;
    },
    stop() {
      stopped.abort();
      wakeUp?.();
      return running;
    },
  };
}
