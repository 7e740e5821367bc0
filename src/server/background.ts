// Work that was accepted and is done after the reply, chunk by chunk: large matrices are expanded, large bulk actions are gone on with.
// All of it is rows in the store, so a restarted server goes on where the last commit was.
import { expandNextChunk } from '../store/matrices.ts';
import { advanceOperation, waitingOperations } from '../store/operations.ts';

import type { ServerContext } from './context.ts';
import { guarded } from './guarded.ts';
import { inPieces } from './pacing.ts';

const CHUNK = { least: 250, most: 5_000 };

export class Background {
  readonly #context: ServerContext;
  #unsubscribe: () => void = () => {};
  #asked = false;
  #stopped = false;
  #running: Promise<void> | null = null;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  start(): void {
    this.#unsubscribe = this.#context.store.onChange(({ background }) => {
      if (background) this.soon();
    });
    this.soon();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    await this.#running;
  }

  /** Looks whether there is something to do; also what follows a fault, with the next sweep. */
  soon(): void {
    this.#asked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  async #run(): Promise<void> {
    while (this.#asked && !this.#stopped) {
      this.#asked = false;
      // Both a little at a time: an operation may wait for the jobs that a matrix has still to make.
      for (let more = true; more && !this.#stopped;) {
        const expanded = await this.#guarded('expand', () => this.#context.store.write(expandNextChunk));
        more = (await this.#advanceAll()) || expanded;
        await this.#context.clock.sleep(0);
      }
    }
  }

  async #advanceAll(): Promise<boolean> {
    const { store } = this.#context;
    let moved = false;
    let waiting: number[] = [];
    await guarded(this.#context, 'operations', async () => void (waiting = await waitingOperations(store)));
    for (const id of waiting) moved = (await this.#guarded('operation', () => this.#advance(id))) || moved;
    return moved;
  }

  #advance(id: number): Promise<boolean> {
    const { store, clock } = this.#context;
    return advanceOperation(store, id, async (total, commit) => {
      let from = 0;
      if (total === 0) return;
      await inPieces(clock, CHUNK, async (rows) => {
        await commit(from, rows);
        from += rows;
        return from < total && !this.#stopped;
      });
    });
  }

  /** What failed is not tried again at once. */
  async #guarded(what: string, work: () => Promise<boolean>): Promise<boolean> {
    let moved = false;
    await guarded(this.#context, what, async () => void (moved = await work()));
    return moved;
  }
}
