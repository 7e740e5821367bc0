// SQLite through libsql: one writer connection with WAL and synchronous=FULL, read-only connections beside it.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

import LibsqlDatabase from 'libsql';

import { StoreRefused } from './migrate.ts';
import type { Row, Sql, SqlValue } from './sql.ts';

interface Statement {
  readonly reader: boolean;
  run(...values: unknown[]): { changes: number };
  all(...values: unknown[]): Row[];
  raw(on: boolean): Statement;
}

export interface SqliteConnection extends Sql {
  readonly path: string;
  exec(text: string): void;
  close(): void;
}

const CACHE_KIB = 64 * 1024;

/** `path` is a file or `:memory:`. */
export function openSqlite(path: string, options: { readonly readonly?: boolean } = {}): SqliteConnection {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new LibsqlDatabase(path, options.readonly === true ? { readonly: true } : {});
  database.exec(`pragma busy_timeout = 5000; pragma cache_size = -${CACHE_KIB}; pragma foreign_keys = off; pragma temp_store = memory;`);
  if (options.readonly !== true) {
    database.exec(`pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 67108864; pragma wal_autocheckpoint = 4000;`);
  }
  const statements = new Map<string, Statement>();
  const prepare = (text: string): Statement => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = database.prepare(text) as unknown as Statement;
      statements.set(text, statement);
    }
    return statement;
  };
  return {
    dialect: 'sqlite',
    path,
    all: async <R>(text: string, values: readonly SqlValue[] = []) => prepare(text).all(...values) as R[],
    run: async (text: string, values: readonly SqlValue[] = []) => prepare(text).run(...values).changes,
    exec: (text) => void database.exec(text),
    close: () => database.close(),
  };
}

/** One server per data directory: a second one would judge leases that it does not know. */
export function lockDirectory(path: string, processId: number): () => void {
  const file = `${path}/server.lock`;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const holder = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : Number.NaN;
  if (holder !== processId && isRunning(holder)) {
    throw new StoreRefused(`The data directory ${path} is in use by process ${holder}. Stop that server first, or choose another directory with --data-dir.`);
  }
  const descriptor = openSync(file, 'w', 0o600);
  writeSync(descriptor, `${processId}\n`);
  return () => closeSync(descriptor);
}

function isRunning(processId: number): boolean {
  if (!Number.isInteger(processId) || processId <= 0) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** File system types on which SQLite's locks and fsync cannot be trusted (Linux magic numbers). */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x0bd00bd0]);

export function isNetworkFileSystem(path: string): boolean {
  return NETWORK_FILE_SYSTEMS.has(Number(statfsSync(path).type) >>> 0);
}
