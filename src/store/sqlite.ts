// SQLite through libsql: one writer connection with WAL and synchronous=FULL, read-only connections beside it.
import { existsSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import LibsqlDatabase from 'libsql';

import { makeDirectories } from '../runtime/make-directories.ts';
import { StoreRefused } from './migrate.ts';
import type { Row, SqlValue, WriteSql } from './sql.ts';

interface Statement {
  readonly reader: boolean;
  run(...values: unknown[]): { changes: number };
  all(...values: unknown[]): Row[];
  raw(on: boolean): Statement;
}

export interface SqliteConnection extends WriteSql {
  readonly path: string;
  exec(text: string): void;
  close(): void;
}

/** Readers have small ones: each has its own, and what they miss is in the memory of the system. */
const CACHE_KIB = { writer: 64 * 1024, reader: 16 * 1024 };
/** Prepared statements kept; searches make new texts. */
const KEPT_STATEMENTS = 500;

/** `path` is a file or `:memory:`. */
export function openSqlite(path: string, options: { readonly readonly?: boolean } = {}): SqliteConnection {
  if (path !== ':memory:') makeDirectories(dirname(path), 0o700);
  const database = new LibsqlDatabase(path, options.readonly === true ? { readonly: true } : {});
  database.exec(
    `pragma busy_timeout = 5000; pragma cache_size = -${options.readonly === true ? CACHE_KIB.reader : CACHE_KIB.writer}; pragma foreign_keys = off; pragma temp_store = memory;`,
  );
  if (options.readonly !== true) {
    database.exec(`pragma journal_mode = wal; pragma synchronous = full; pragma journal_size_limit = 67108864; pragma wal_autocheckpoint = 4000;`);
  }
  const statements = new Map<string, Statement>();
  const prepare = (text: string): Statement => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = database.prepare(text) as unknown as Statement;
      if (statements.size >= KEPT_STATEMENTS) statements.delete(statements.keys().next().value!);
      statements.set(text, statement);
    }
    return statement;
  };
  return {
    dialect: 'sqlite',
    path,
    all: async <R>(text: string, values: readonly SqlValue[] = []) => prepare(text).all(...values) as R[],
    run: async (text: string, values: readonly SqlValue[] = []) => prepare(text).run(...values).changes,
    send: (text, values = []) => void prepare(text).run(...values),
    exec: (text) => void database.exec(text),
    close: () => database.close(),
  };
}

/**
 * One server per data directory: a second one would judge leases that it does not know. The lock is SQLite's own, on a file of its
 * own, so the system gives it back when the process ends, however it ends.
 */
export function lockDirectory(path: string, processId: number): () => void {
  makeDirectories(path, 0o700);
  const database = new LibsqlDatabase(`${path}/server.lock`);
  try {
    database.exec('pragma busy_timeout = 0; begin exclusive;');
  } catch {
    database.close();
    const holder = existsSync(`${path}/server.pid`) ? `process ${readFileSync(`${path}/server.pid`, 'utf8').trim()}` : 'another server';
    throw new StoreRefused(`The data directory ${path} is in use by ${holder}. Stop that server first, or choose another directory with --data-dir.`);
  }
  writeFileSync(`${path}/server.pid`, `${processId}\n`, { mode: 0o600 });
  return () => database.close();
}

/** File system types on which SQLite's locks and fsync cannot be trusted (Linux magic numbers). */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x517b, 0x0bd00bd0]);

export function isNetworkFileSystem(path: string): boolean {
  return NETWORK_FILE_SYSTEMS.has(Number(statfsSync(path).type) >>> 0);
}
