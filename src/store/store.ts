// The store: one database, one set of blobs, one key. Everything else in this zone is functions in domain words that take a
// Transaction (to write) or a Reader (to read), so that a handler can put several into one commit.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Clock } from '../runtime/clock.ts';
import { randomId } from '../runtime/ids.ts';

import { type Blobs, openBlobDirectory } from './blobs.ts';
import { type Engine, type EngineOptions, markDirectory, openEngine } from './engine.ts';
import type { Query } from './kysely-dialect.ts';
import { newServerKeyText, readKeyFile, type ServerKey, serverKey } from './server-key.ts';
import type { DialectName, Sql } from './sql.ts';
import type { Transaction, Unit } from './writer.ts';

/** Committed data, for reads that may take long. */
export interface Reader {
  readonly sql: Sql;
  readonly query: Query;
}

export interface Store extends Reader {
  /** Names this store for ever; agents remember it. */
  readonly id: string;
  readonly dialect: DialectName;
  readonly key: ServerKey;
  readonly blobs: Blobs;
  /** Runs a unit in the next commit; resolves after it. */
  write<T>(unit: Unit<T>): Promise<T>;
  onChange: Engine['onChange'];
  exclusively: Engine['exclusively'];
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly engine: EngineOptions;
  /** Where blobs and the server's key live; null only for stores in memory, whose blobs are kept in a directory of the system's until they close. */
  readonly directory: string | null;
  readonly clock: Clock;
  /** For stores in memory and for tests: the key as text. */
  readonly key?: string;
}

export async function openStore(options: StoreOptions): Promise<Store> {
  const engine = await openEngine(options.engine);
  try {
    const { id, isNew } = await engine.writer.write((tx) => readIdentity(tx));
    if (options.directory !== null) markDirectory(options.directory, id);
    const keyText = options.key ?? (await readKey(engine, options, isNew));
    // The blobs of a store in memory go with it.
    const passing = options.directory === null ? await mkdtemp(join(tmpdir(), 'drover-blobs-')) : null;
    return {
      id,
      dialect: engine.dialect,
      key: serverKey(keyText),
      blobs: await openBlobDirectory(passing ?? `${options.directory}/blobs`, options.clock.now()),
      sql: engine.readSql,
      query: engine.read,
      write: (unit) => engine.writer.write(unit),
      onChange: engine.onChange,
      exclusively: engine.exclusively,
      async close() {
        await engine.close();
        if (passing !== null) await rm(passing, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function readIdentity(tx: Transaction): Promise<{ id: string; isNew: boolean }> {
  const known = await readSetting(tx, 'store_id');
  if (known !== null) return { id: known, isNew: false };
  const id = randomId();
  await writeSetting(tx, 'store_id', id);
  return { id, isNew: true };
}

/** A key file beside a SQLite store; for PostgreSQL the key is in the database, so that all servers have it. */
async function readKey(engine: Engine, options: StoreOptions, isNew: boolean): Promise<string> {
  if (options.engine.kind === 'sqlite') return options.directory === null ? newServerKeyText() : readKeyFile(options.directory, isNew);
  return engine.writer.write(async (tx) => {
    const known = await readSetting(tx, 'server_key');
    if (known !== null) return known;
    const text = newServerKeyText();
    await writeSetting(tx, 'server_key', text);
    return text;
  });
}

export async function readSetting(reader: Pick<Transaction, 'query'>, key: string): Promise<string | null> {
  const row = await reader.query.selectFrom('setting').select('value').where('key', '=', key).executeTakeFirst();
  return row?.value ?? null;
}

export async function writeSetting(tx: Transaction, key: string, value: string): Promise<void> {
  await tx.query
    .insertInto('setting')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute();
}
