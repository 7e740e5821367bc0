// The periodic task: judges agents, readies retries, removes what is too old. One server does it at a time; the guards in the store make it
// harmless should two.
import { SWEEP_PERIOD_MS } from '../core/liveness.ts';
import type { Timer } from '../runtime/clock.ts';
import { reserveForStarved } from '../store/reserve.ts';
import { readyDelayed, sweepLiveness } from '../store/sweep.ts';

import { Background } from './background.ts';
import type { ServerContext } from './context.ts';
import { guarded } from './guarded.ts';
import { Upkeep } from './upkeep.ts';

export interface Sweeper {
  /** Runs one sweep now; also what the timer calls. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

export function startSweeper(context: ServerContext): Sweeper {
  const sweeping = new Sweeping(context);
  sweeping.start();
  return { sweep: () => sweeping.sweepAll(), stop: () => sweeping.stop() };
}

class Sweeping {
  readonly #context: ServerContext;
  #timer: Timer | null = null;
  #retryTimer: Timer | null = null;
  #lastSweep: { readonly at: number; readonly monotonic: number } | null = null;
  /** When this process last tried to sweep, monotonic. */
  #lastTry = 0;
  readonly #upkeep: Upkeep;
  readonly #background: Background;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(context: ServerContext) {
    this.#context = context;
    this.#upkeep = new Upkeep(context);
    this.#background = new Background(context);
  }

  start(): void {
    this.#background.start();
    this.#running = this.sweep().then(() => this.#schedule());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#retryTimer?.cancel();
    await this.#running;
    await this.#upkeep.stop();
    await this.#background.stop();
  }

  async sweep(): Promise<void> {
    const { store } = this.#context;
    const parts: [string, () => Promise<unknown>][] = [
      ['liveness', () => this.#judgeAgents()],
      ['ready', () => this.#readyRetries()],
      ['reserve', () => store.exclusively(() => store.write(reserveForStarved))],
    ];
    for (const [what, work] of parts) await guarded(this.#context, what, work);
    // Not waited for: however much there is to remove, agents are judged on time.
    this.#upkeep.begin();
    this.#background.soon();
  }

  async sweepAll(): Promise<void> {
    await this.sweep();
    await this.#upkeep.idle();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#context.clock.after(SWEEP_PERIOD_MS, () => {
      this.#running = this.sweep().then(() => this.#schedule());
    });
  }

  async #judgeAgents(): Promise<void> {
    const { store, clock } = this.#context;
    const idle = clock.monotonic() - this.#lastTry;
    this.#lastTry += idle;
    const last = this.#lastSweep;
    const swept = await store.exclusively(() =>
      store.write(async (tx) => {
        const monotonic = clock.monotonic();
        await sweepLiveness(tx, last === null ? null : { swept_at: last.at, monotonic_elapsed: monotonic - last.monotonic, idle });
        return { at: tx.now, monotonic };
      }),
    );
    // Null: another server does it just now.
    if (swept !== null) this.#lastSweep = swept;
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
}
