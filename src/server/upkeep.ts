// What becomes too old or unwanted goes, what is stored in small pieces is put together: beside the sweeps, in pieces, one server at a time.
import { compact, forgetAgents, forgetUnused, pruneAll, purgeExperiments, removeOrphans } from './pruning.ts';
import type { ServerContext } from './context.ts';
import { guarded } from './guarded.ts';

/** Rounds (one per sweep) between two prunings of old things, and between two searches of everything there is (a day). */
const PRUNE_EVERY = 24;
const DAILY = 17_280;

export class Upkeep {
  readonly #context: ServerContext;
  readonly #stop = new AbortController();
  #rounds = 0;
  #running: Promise<void> | null = null;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  /** Begins a round, unless one still runs. */
  begin(): void {
    if (this.#stop.signal.aborted) return;
    this.#running ??= this.#round().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when no round runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #round(): Promise<void> {
    const parts: [string, (context: ServerContext, signal: AbortSignal) => Promise<unknown>][] = [
      ['purge', purgeExperiments],
      ['compact', compact],
    ];
    if (this.#rounds % PRUNE_EVERY === 0) parts.push(['prune', pruneAll]);
    if (this.#rounds % DAILY === 1) parts.push(['orphans', removeOrphans], ['agents', forgetAgents], ['unused', forgetUnused]);
    this.#rounds += 1;
    for (const [what, work] of parts) {
      if (this.#stop.signal.aborted) return;
      await guarded(this.#context, what, () => this.#context.store.exclusively(() => work(this.#context, this.#stop.signal), 'upkeep'));
    }
  }
}
