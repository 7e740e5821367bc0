// The periodic task: judges agents, readies retries, expands large matrices, prunes. One server does it at a time; the guards in
// the store make it harmless should two.
import { SWEEP_PERIOD_MS } from '../core/liveness.ts';
import type { Timer } from '../runtime/clock.ts';
import { purgeDeleted } from '../store/experiments.ts';
import { expandNextChunk } from '../store/matrices.ts';
import { readyDelayed, reserveForStarved, sweepLiveness } from '../store/sweep.ts';

import type { ServerContext } from './context.ts';
import { compact, pruneAll, removeOrphans } from './pruning.ts';

export interface Sweeper {
  /** Runs one sweep now; also what the timer calls. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

/** Sweeps between two prunings of old things, and between two searches for orphaned blobs (a day). */
const PRUNE_EVERY = 24;
const ORPHANS_EVERY = 17_280;

export function startSweeper(context: ServerContext): Sweeper {
  const { store, clock, log } = context;
  let timer: Timer | null = null;
  let retryTimer: Timer | null = null;
  let lastSweep: number | null = null;
  let sweeps = 0;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let expanding: Promise<void> = Promise.resolve();

  async function sweepOnce(): Promise<void> {
    const at = clock.monotonic();
    const elapsed = lastSweep === null ? null : at - lastSweep;
    const swept = await store.exclusively(() => store.write((tx) => sweepLiveness(tx, elapsed)).then(() => true));
    // Another server sweeps: should it go away, this one starts with full terms.
    lastSweep = swept === null ? null : at;
    await ready();
    await store.write(reserveForStarved);
    await store.exclusively(purge);
    await store.exclusively(() => compact(context));
    if (sweeps % PRUNE_EVERY === 0) await store.exclusively(() => pruneAll(context));
    if (sweeps % ORPHANS_EVERY === 1) await store.exclusively(() => removeOrphans(context));
    sweeps += 1;
  }

  async function ready(): Promise<void> {
    const next = await store.write(readyDelayed);
    retryTimer?.cancel();
    if (next !== null && !stopped) retryTimer = clock.after(Math.min(SWEEP_PERIOD_MS, Math.max(0, next - clock.now())), () => void guarded('ready', ready));
  }

  async function purge(): Promise<void> {
    const blobs = await store.write(purgeDeleted);
    for (const key of blobs ?? []) await store.blobs.remove(key);
    if (blobs !== null && !stopped) await purge();
  }

  /** Chunk after chunk, each its own commit, so that claims go on in between. */
  async function expand(): Promise<void> {
    while (!stopped && (await store.write(expandNextChunk))) await clock.sleep(0);
  }

  async function guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.error({ err: error, what }, 'sweep failed');
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = clock.after(SWEEP_PERIOD_MS, () => {
      running = guarded('sweep', sweepOnce).then(schedule);
    });
  }

  let expandAgain = false;
  let isExpanding = false;
  function expandSoon(): void {
    expandAgain = true;
    if (isExpanding || stopped) return;
    isExpanding = true;
    expanding = (async () => {
      while (expandAgain && !stopped) {
        expandAgain = false;
        await guarded('expand', expand);
      }
      isExpanding = false;
    })();
  }

  const unsubscribe = store.onChange(({ wake }) => {
    if (wake === 'all') expandSoon();
  });
  running = guarded('sweep', sweepOnce).then(schedule);
  expandSoon();

  return {
    sweep: () => guarded('sweep', sweepOnce),
    async stop() {
      stopped = true;
      unsubscribe();
      timer?.cancel();
      retryTimer?.cancel();
      await running;
      await expanding;
    },
  };
}
