// The three engines that every store suite runs on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '../../src/runtime/clock.ts';
import { openPool } from '../../src/store/postgres.ts';
import { openStore, type Store } from '../../src/store/store.ts';

import { startPostgres, type TestPostgres } from './postgres.ts';

export const TEST_KEY = 'dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdA';

/** Opens a new, empty store of one engine; `close` removes it. */
export interface StoreMaker {
  readonly name: string;
  open(clock: Clock): Promise<Store>;
  close(): Promise<void>;
}

export function memoryStores(): StoreMaker {
  const opened: Store[] = [];
  return {
    name: 'SQLite in memory',
    async open(clock) {
      const store = await openStore({ engine: { kind: 'sqlite', directory: ':memory:', clock, read_threads: 0 }, directory: null, clock, key: TEST_KEY });
      opened.push(store);
      return store;
    },
    close: async () => void (await Promise.all(opened.map((store) => store.close()))),
  };
}

export function diskStores(): StoreMaker {
  const root = mkdtempSync(join(tmpdir(), 'drover-store-'));
  const opened: Store[] = [];
  return {
    name: 'SQLite on disk',
    async open(clock) {
      const directory = mkdtempSync(join(root, 'store-'));
      const store = await openStore({ engine: { kind: 'sqlite', directory, clock, read_threads: 0 }, directory, clock });
      opened.push(store);
      return store;
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Null when there is no PostgreSQL and nobody insists on one. Each store gets a schema of its own. */
export async function postgresStores(): Promise<StoreMaker | null> {
  const server: TestPostgres | null = await startPostgres();
  if (server === null) return null;
  const opened: Store[] = [];
  return {
    name: 'PostgreSQL',
    async open(clock) {
      const schema = `test_${process.pid}_${opened.length}_${Math.floor(performance.now())}`;
      const pool = openPool(server.url, null);
      await pool.query(`create schema ${schema}`);
      await pool.end();
      const store = await openStore({ engine: { kind: 'postgres', url: server.url, schema, clock }, directory: null, clock, key: TEST_KEY });
      opened.push(store);
      return store;
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()));
      await server.stop();
    },
  };
}
