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
  const sweeping = new Sweeping(context);
  const expansion = new Expansion(context);
  sweeping.start();
  expansion.start();
  return {
    sweep: () => sweeping.sweep(),
    async stop() {
      await sweeping.stop();
      await expansion.stop();
    },
  };
}

type Context = Pick<ServerContext, 'log'>;

/** A fault of one part is logged and does not end the others: the next sweep tries again. */
async function guarded({ log }: Context, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error({ err: error, what }, 'sweep failed');
  }
}

class Sweeping {
  readonly #context: ServerContext;
  #timer: Timer | null = null;
  #retryTimer: Timer | null = null;
  #lastSweep: number | null = null;
  #sweeps = 0;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(context: ServerContext) {
    this.#context = context;
  }

  start(): void {
    this.#running = this.sweep().then(() => this.#schedule());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#retryTimer?.cancel();
    await this.#running;
  }

  async sweep(): Promise<void> {
    const { store } = this.#context;
    const parts: [string, () => Promise<unknown>][] = [
      ['liveness', () => this.#judgeAgents()],
      ['ready', () => this.#readyRetries()],
      ['reserve', () => store.write(reserveForStarved)],
      ['purge', () => store.exclusively(() => this.#purge())],
      ['compact', () => store.exclusively(() => compact(this.#context))],
    ];
    if (this.#sweeps % PRUNE_EVERY === 0) parts.push(['prune', () => store.exclusively(() => pruneAll(this.#context))]);
    if (this.#sweeps % ORPHANS_EVERY === 1) parts.push(['orphans', () => store.exclusively(() => removeOrphans(this.#context))]);
    for (const [what, work] of parts) await guarded(this.#context, what, work);
    this.#sweeps += 1;
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#context.clock.after(SWEEP_PERIOD_MS, () => {
      this.#running = this.sweep().then(() => this.#schedule());
    });
  }

  async #judgeAgents(): Promise<void> {
    const { store, clock } = this.#context;
    const at = clock.monotonic();
    const elapsed = this.#lastSweep === null ? null : at - this.#lastSweep;
    const swept = await store.exclusively(() => store.write((tx) => sweepLiveness(tx, elapsed)).then(() => true));
    // Null: another server sweeps. Should it go away, this one starts with full terms.
    this.#lastSweep = swept === null ? null : at;
  }

  /** Retries enter the queue when their time has come, not with the next sweep. */
  async #readyRetries(): Promise<void> {
    const { store, clock } = this.#context;
    const next = await store.write(readyDelayed);
    this.#retryTimer?.cancel();
    if (next === null || this.#stopped) return;
    const wait = Math.min(SWEEP_PERIOD_MS, Math.max(0, next - clock.now()));
    this.#retryTimer = clock.after(wait, () => void guarded(this.#context, 'ready', () => this.#readyRetries()));
  }

  async #purge(): Promise<void> {
    const { store } = this.#context;
    for (;;) {
      const blobs = await store.write(purgeDeleted);
      for (const key of blobs ?? []) await store.blobs.remove(key);
      if (blobs === null || this.#stopped) return;
    }
  }
}

/** Expands large matrices as soon as there are some: chunk after chunk, each its own commit, so that claims go on in between. */
class Expansion {
  readonly #context: ServerContext;
  #unsubscribe: () => void = () => {};
  #asked = false;
  #stopped = false;
  #running: Promise<void> | null = null;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  start(): void {
    this.#unsubscribe = this.#context.store.onChange(({ matrices }) => {
      if (matrices) this.#soon();
    });
    this.#soon();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    await this.#running;
  }

  #soon(): void {
    this.#asked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  async #run(): Promise<void> {
    while (this.#asked && !this.#stopped) {
      this.#asked = false;
      await guarded(this.#context, 'expand', async () => {
        while (!this.#stopped && (await this.#context.store.write(expandNextChunk))) await this.#context.clock.sleep(0);
      });
    }
  }
}
