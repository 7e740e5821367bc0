// A new, empty data directory with one admin key in it, made once and copied for every run.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';

import LibsqlDatabase from 'libsql';

import type { Clock } from '../../src/runtime/clock.ts';
import { createKey } from '../../src/store/access.ts';
import { openStore } from '../../src/store/store.ts';

export interface Template {
  readonly directory: string;
  readonly files: readonly string[];
  readonly api_key: string;
}

/** Nothing in it may depend on when it is made. */
const STILL: Clock = {
  now: () => Date.UTC(2026, 0, 1),
  monotonic: () => 0,
  after: () => ({ cancel: () => undefined }),
  sleep: () => new Promise(() => undefined),
};

export async function makeTemplate(directory: string): Promise<Template> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const store = await openStore({ engine: { kind: 'sqlite', directory, clock: STILL, read_threads: 0 }, directory, clock: STILL });
  const { key } = await store.write((tx) => createKey(tx, { name: 'user', role: 'admin', experiments: null, expires_at: null, actor: 'server' }));
  await store.close();
  // All of it in one file, nothing in a write-ahead log.
  const database = new LibsqlDatabase(`${directory}/drover.db`);
  database.exec('pragma wal_checkpoint(truncate)');
  database.close();
  const files = readdirSync(directory).filter((name) => /^(drover\.db|server\.key|store\.json)$/.test(name));
  return { directory, files, api_key: key };
}
