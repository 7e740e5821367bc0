// Opens the database, whichever it is, and gives the rest of the store three things: a writer, a reader, and a wake-up.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import { systemClock, type Clock } from '../runtime/clock.ts';
import { makeDirectories } from '../runtime/make-directories.ts';

import { kyselyOver, type Query } from './kysely-dialect.ts';
import { migrate, schemaVersion, SCHEMA_VERSION, StoreRefused } from './migrate.ts';
import { openPool, type PostgresWriteSql, postgresSql, postgresWriteSql, type SteadyConnection, steadyConnection, steadyListener } from './postgres.ts';
import { openReadPool } from './read-pool.ts';
import { isNetworkFileSystem, lockDirectory, openSqlite } from './sqlite.ts';
import type { DialectName, Row, Sql, SqlValue } from './sql.ts';
import { type Change, type WriteConnection, Writer } from './writer.ts';

/** Short sweeps and long upkeep go on side by side. */
export type ExclusiveWork = 'sweep' | 'upkeep';

export interface Engine {
  readonly dialect: DialectName;
  readonly writer: Writer;
  /** Reads that may scan; on SQLite in other threads. They see what was committed. */
  readonly read: Query;
  readonly readSql: Sql;
  /** Calls back after each commit that changed something, on this server or another; returns how to stop it. */
  onChange(callback: (change: Change) => void): () => void;
  /** Runs the work if no other server does work of that name; null when one does. */
  exclusively<T>(work: () => Promise<T>, name?: ExclusiveWork): Promise<T | null>;
  close(): Promise<void>;
}

export interface SqliteOptions {
  readonly kind: 'sqlite';
  /** A directory, or `:memory:`. */
  readonly directory: string;
  readonly clock: Clock;
  /** Reading threads; 0 reads on a connection of this thread. */
  readonly read_threads: number;
  readonly allow_network_file_system?: boolean;
}

export interface PostgresOptions {
  readonly kind: 'postgres';
  readonly url: string;
  /** For tests: a schema of their own. */
  readonly schema: string | null;
  readonly clock: Clock;
}

export type EngineOptions = SqliteOptions | PostgresOptions;

export async function openEngine(options: EngineOptions): Promise<Engine> {
  return options.kind === 'sqlite' ? openSqliteEngine(options) : openPostgresEngine(options);
}

/** Ties a kysely to a connection: `returning` and selects give rows, everything else a count. */
function queryOver(sql: Sql): Query {
  return kyselyOver(sql.dialect, async (text, values) => {
    if (/^\s*(select|with)|\breturning\b/i.test(text)) {
      const rows = await sql.all(text, values);
      return { rows, changed: rows.length };
    }
    return { rows: [], changed: await sql.run(text, values) };
  });
}

interface Listeners {
  add(callback: (change: Change) => void): () => void;
  call(change: Change): void;
}

function listeners(): Listeners {
  const callbacks = new Set<(change: Change) => void>();
  return {
    add(callback) {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    call(change) {
      for (const callback of callbacks) callback(change);
    },
  };
}

async function openSqliteEngine(options: SqliteOptions): Promise<Engine> {
  const inMemory = options.directory === ':memory:';
  const path = inMemory ? ':memory:' : `${options.directory}/drover.db`;
  let unlock = (): void => {};
  if (!inMemory) {
    makeDataDirectory(options.directory);
    refuseNetwork(options);
    unlock = lockDirectory(options.directory, process.pid);
    refuseForgotten(options.directory, path);
  }
  const connection = openSqlite(path);
  try {
    await migrateSqlite(connection, options, inMemory ? null : path);
  } catch (error) {
    connection.close();
    unlock();
    throw error;
  }
  const changes = listeners();
  const writer = new Writer(sqliteWriteConnection(connection, options.clock), changes.call);
  const pool = inMemory || options.read_threads === 0 ? null : openReadPool(path, options.read_threads);
  const inline = pool === null && !inMemory ? openSqlite(path, { readonly: true }) : null;
  const readSql = pool === null ? (inline ?? connection) : pooledSql(pool);
  return {
    dialect: 'sqlite',
    writer,
    read: queryOver(readSql),
    readSql,
    onChange: changes.add,
    exclusively: (work) => work(),
    async close() {
      await writer.close();
      await pool?.close();
      inline?.close();
      connection.close();
      unlock();
    },
  };
}

function refuseNetwork(options: SqliteOptions): void {
  if (options.allow_network_file_system === true || !isNetworkFileSystem(options.directory)) return;
  throw new StoreRefused(
    `${options.directory} is on a network file system, where SQLite can lose data. Choose a local --data-dir, use --database postgres://…, or pass --force if you know that only one machine uses it.`,
  );
}

/** A data directory whose database vanished must not start as if it were new: its agents and files belong to the old one. */
function refuseForgotten(directory: string, path: string): void {
  const marker = `${directory}/store.json`;
  if (existsSync(marker) && !existsSync(path)) {
    throw new StoreRefused(
      `The data directory ${directory} belongs to a store whose database file drover.db is missing. Put the file (or a backup of it) back, or move the directory away to start anew.`,
    );
  }
}

/** Remembers beside the database whose directory this is; see refuseForgotten. */
export function markDirectory(directory: string, storeId: string): void {
  const marker = `${directory}/store.json`;
  if (existsSync(marker)) {
    const known = (JSON.parse(readFileSync(marker, 'utf8')) as { store_id?: string }).store_id;
    if (known === storeId) return;
    throw new StoreRefused(
      `The data directory ${directory} holds files of store ${known ?? '(unreadable)'}, but its database is store ${storeId}: it was only half restored. Restore database and directory together.`,
    );
  }
  // With PostgreSQL nothing has made it yet.
  makeDataDirectory(directory);
  writeFileSync(`${marker}.new`, `${JSON.stringify({ store_id: storeId })}\n`, { mode: 0o600 });
  renameSync(`${marker}.new`, marker);
}

function makeDataDirectory(directory: string): void {
  try {
    makeDirectories(directory, 0o700);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new StoreRefused(`The data directory ${directory} cannot be made (${why}). Choose another one with --data-dir or DROVER_DATA_DIR.`);
  }
}

async function migrateSqlite(connection: ReturnType<typeof openSqlite>, options: SqliteOptions, path: string | null): Promise<void> {
  const before = await schemaVersion(connection);
  if (path !== null && before > 0 && before < SCHEMA_VERSION) {
    connection.exec('pragma wal_checkpoint(truncate)');
    copyFileSync(path, `${path}.before-schema-${SCHEMA_VERSION}`);
  }
  connection.exec('begin immediate');
  try {
    await migrate(connection, options.clock.now());
    connection.exec('commit');
  } catch (error) {
    connection.exec('rollback');
    throw error;
  }
}

function sqliteWriteConnection(connection: ReturnType<typeof openSqlite>, clock: Clock): WriteConnection {
  const run = (text: string) => async () => {
    await connection.run(text);
  };
  return {
    sql: connection,
    query: queryOver(connection),
    begin: async () => {
      await connection.run('begin immediate');
      return clock.now();
    },
    monotonic: () => clock.monotonic(),
    commit: run('commit'),
    rollback: run('rollback'),
    savepoint: run('savepoint unit'),
    releaseSavepoint: run('release unit'),
    rollbackToSavepoint: async () => {
      await connection.run('rollback to unit');
      await connection.run('release unit');
    },
    lockEvents: () => {},
    notify: () => {},
  };
}

function pooledSql(pool: { all(text: string, values: readonly SqlValue[]): Promise<unknown[]> }): Sql {
  return {
    dialect: 'sqlite',
    all: async <R = Row>(text: string, values: readonly SqlValue[] = []) => (await pool.all(text, values)) as R[],
    run: () => Promise.reject(new Error('This connection only reads.')),
  };
}

const EVENT_LOCK = 7_346_001;
const WORK_LOCKS: Record<ExclusiveWork, number> = { sweep: 7_346_002, upkeep: 7_346_003 };
const CHANNEL = 'drover_change';
const POLL_MS = 2_000;

async function openPostgresEngine(options: PostgresOptions): Promise<Engine> {
  const pool = openPool(options.url, options.schema);
  const writing = steadyConnection(pool);
  const sql = postgresWriteSql(writing, options.clock);
  try {
    await writing.renew();
    await migratePostgres(sql, options.clock.now());
  } catch (error) {
    writing.release();
    await pool.end();
    throw error;
  }
  const changes = listeners();
  const readSql = postgresSql(pool);
  const writer = new Writer(postgresWriteConnection(writing, sql), changes.call);
  const elsewhere = (): void => changes.call({ wake_all: true, wake: new Set(), events: true, background: true });
  const onNotice = (pid: number | null): void => {
    if (pid === null || pid !== writing.pid()) elsewhere();
  };
  const listener = await steadyListener(pool, { channel: CHANNEL, clock: options.clock, onNotice });
  let polling = true;
  const poll = (): void => {
    if (!polling) return;
    elsewhere();
    options.clock.after(POLL_MS, poll);
  };
  options.clock.after(POLL_MS, poll);
  return {
    dialect: 'postgres',
    writer,
    read: queryOver(readSql),
    readSql,
    onChange: changes.add,
    async exclusively(work, name = 'sweep') {
      const holder = await pool.connect();
      // The pool hands the same connection out again: what is put on it here must come off.
      const onError = (): void => {};
      holder.on('error', onError);
      try {
        const held = await holder.query<{ ok: boolean }>('select pg_try_advisory_lock($1) as ok', [WORK_LOCKS[name]]);
        if (held.rows[0]?.ok !== true) return null;
        try {
          return await work();
        } finally {
          await holder.query('select pg_advisory_unlock($1)', [WORK_LOCKS[name]]);
        }
      } finally {
        holder.off('error', onError);
        holder.release();
      }
    },
    async close() {
      await writer.close();
      polling = false;
      listener.close();
      writing.release();
      await pool.end();
    },
  };
}

async function migratePostgres(sql: Sql, now: number): Promise<void> {
  await sql.run('begin');
  try {
    // Two servers that start at once migrate one after the other.
    await sql.all('select pg_advisory_xact_lock(7346000)');
    await migrate(sql, now);
    await sql.run('commit');
  } catch (error) {
    // On a connection that broke there is nothing to roll back, and the reason is what must be told.
    await sql.run('rollback').catch(() => undefined);
    throw error;
  }
}

function postgresWriteConnection(connection: SteadyConnection, sql: PostgresWriteSql): WriteConnection {
  const run = (text: string) => async () => {
    await sql.run(text);
  };
  const begin = async (): Promise<number> => {
    sql.send('begin');
    const [row] = await sql.all<{ now: number }>(`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`);
    return Number(row!.now);
  };
  return {
    sql,
    query: queryOver(sql),
    async begin() {
      await sql.refresh();
      try {
        return await begin();
      } catch {
        // It broke while nobody looked; nothing was done in it yet.
        await connection.renew(true);
        return begin();
      }
    },
    // The database has a clock of its own, so it is ours by which a jump of that one is told.
    monotonic: () => systemClock.monotonic(),
    commit: () => sql.commit(),
    rollback: run('rollback'),
    savepoint: async () => sql.send('savepoint unit'),
    releaseSavepoint: run('release savepoint unit'),
    rollbackToSavepoint: async () => {
      await sql.run('rollback to savepoint unit');
      await sql.run('release savepoint unit');
    },
    lockEvents: () => sql.send(`select pg_advisory_xact_lock(${EVENT_LOCK})`),
    notify: () => sql.send(`notify ${CHANNEL}`),
  };
}
