// One ticking clock for the whole page: every age on it moves at the same moment, and no row has a timer of its own.
import { useSyncExternalStore } from 'react';

import { serverNow } from '../server-clock.ts';

const TICK_MS = 1_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;
let now = serverNow();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = serverNow();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** What is said of the server's time: a component renders again only when that changes. */
export function useClockText(say: (now: number) => string): string {
  return useSyncExternalStore(subscribe, () => say(now));
}

/** The server's time rounded down to `step` milliseconds: a component renders again only when that changes. */
export function useNow(step: number = TICK_MS): number {
  return useSyncExternalStore(subscribe, () => Math.floor(now / step) * step);
}
