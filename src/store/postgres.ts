// PostgreSQL through pg: a pool for reads, one connection for this server's writes, one that listens.
import pg from 'pg';

import type { Clock } from '../runtime/clock.ts';

import { preparation } from './postgres-preparation.ts';
import { numberedPlaceholders, type Row, type Sql, type SqlValue, type WriteSql } from './sql.ts';

// Our integers are moments, ids and counts, all below 2^53.
const types = new pg.TypeOverrides();
types.setTypeParser(20, Number);

const STATEMENT_TIMEOUT_MS = 60_000;
/** Statements whose placeholders are kept numbered. */
const KEPT_TEXTS = 1_000;

export function openPool(url: string, schema: string | null): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    types,
    // Only the one that writes ever sends more than one statement at a time.
    pipeline: true,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'drover',
    ...(schema === null ? {} : { options: `-c search_path=${schema}` }),
  });
  // A connection that breaks while idle, or on its way out, is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  return pool;
}

export interface Queryable {
  query(config: { text: string; values: unknown[]; name?: string }): Promise<pg.QueryResult<Row>>;
}

/**
 * One connection of the pool for itself. When it breaks, what was under way fails, and so does every further statement until `renew`:
 * a transaction that went on in a new connection would be stored without its beginning.
 */
export interface SteadyConnection extends Queryable {
  /** Between transactions: a new connection if the last one broke, or in any case. */
  renew(always?: boolean): Promise<void>;
  /** Names the connection in notifications; null while there is none. */
  pid(): number | null;
  release(): void;
}

export function steadyConnection(pool: pg.Pool): SteadyConnection {
  let current: BreakableClient | null = null;
  return {
    async renew(always = false) {
      if (always) current?.discard();
      if (current === null || current.broken()) current = await breakableClient(pool, () => {});
    },
    async query(config) {
      if (current === null || current.broken()) throw new Error('The database connection ended within a transaction.');
      return current.client.query(config);
    },
    pid: () => (current === null || current.broken() ? null : current.pid),
    release: () => current?.discard(),
  };
}

interface BreakableClient {
  readonly client: pg.PoolClient;
  readonly pid: number | null;
  broken(): boolean;
  discard(): void;
}

async function breakableClient(pool: pg.Pool, onBroken: () => void): Promise<BreakableClient> {
  const client = await pool.connect();
  let broken = false;
  // A pool throws when a client is released twice, and a connection that breaks may say so twice.
  const discard = (): void => {
    if (!broken) client.release(true);
    broken = true;
  };
  client.on('error', () => {
    const known = broken;
    discard();
    if (!known) onBroken();
  });
  const { processID } = client as unknown as { readonly processID?: number | null };
  return { client, pid: processID ?? null, broken: () => broken, discard };
}

export interface Listening {
  readonly channel: string;
  readonly clock: Clock;
  /** Somebody notified; or the connection was renewed, and nobody knows what was missed (`pid` null). */
  readonly onNotice: (pid: number | null) => void;
}

const LONGEST_PAUSE_MS = 10_000;

/** Listens on a connection of its own and, when that breaks, on a new one. */
export async function steadyListener(pool: pg.Pool, { channel, clock, onNotice }: Listening): Promise<{ close(): void }> {
  let current: BreakableClient | null = null;
  let closed = false;
  let failures = 0;
  const listen = async (): Promise<void> => {
    let listens = false;
    const opened = await breakableClient(pool, () => (listens ? void renew() : undefined));
    current = opened;
    if (closed) return opened.discard();
    opened.client.on('notification', (message) => onNotice(message.processId));
    await opened.client.query(`listen ${channel}`);
    listens = true;
    failures = 0;
  };
  const renew = async (): Promise<void> => {
    if (closed) return;
    try {
      await listen();
      onNotice(null);
    } catch {
      current?.discard();
      clock.after(Math.min(LONGEST_PAUSE_MS, 100 * 2 ** failures), () => void renew());
      failures = Math.min(10, failures + 1);
    }
  };
  await listen();
  return {
    close() {
      closed = true;
      current?.discard();
    },
  };
}

/** The numbered form of each text is made once. */
export function postgresSql(connection: Queryable): Sql {
  const numbered = new Map<string, string>();
  const query = (text: string, values: readonly SqlValue[]): Promise<pg.QueryResult<Row>> => {
    let numberedText = numbered.get(text);
    if (numberedText === undefined) {
      if (numbered.size >= KEPT_TEXTS) numbered.delete(numbered.keys().next().value!);
      numberedText = numberedPlaceholders(text);
      numbered.set(text, numberedText);
    }
    return connection.query({ text: numberedText, values: values.map(toPg) });
  };
  return {
    dialect: 'postgres',
    all: async <R>(text: string, values: readonly SqlValue[] = []) => (await query(text, values)).rows as R[],
    run: async (text: string, values: readonly SqlValue[] = []) => (await query(text, values)).rowCount ?? 0,
  };
}

/** The connection that writes: statements in a row without waiting, prepared. */
export interface PostgresWriteSql extends WriteSql {
  /** Between transactions: everything that must not become old is made new. */
  refresh(): Promise<void>;
  /** Fails if anything before it did. */
  commit(): Promise<void>;
}

/** Whoever fails because an earlier statement of the transaction did. */
const ABORTED = '25P02';

export function postgresWriteSql(connection: SteadyConnection, clock: Clock): PostgresWriteSql {
  const prepared = preparation(clock);
  let cause: Error | null = null;
  /** Statements that were sent together fail together: what is told is why the first of them did. */
  const failed = (error: Error & { readonly code?: string }): never => {
    prepared.noticeFailure(error.code);
    if (error.code !== ABORTED) cause = error;
    throw cause ?? error;
  };
  const query = (text: string, values: readonly SqlValue[]): Promise<pg.QueryResult<Row>> =>
    connection.query({ ...prepared.statement(text), values: values.map(toPg) }).catch(failed);
  const ignore = (): void => {};
  return {
    dialect: 'postgres',
    all: async <R>(text: string, values: readonly SqlValue[] = []) => (await query(text, values)).rows as R[],
    run: async (text: string, values: readonly SqlValue[] = []) => (await query(text, values)).rowCount ?? 0,
    // Its failure is told by whatever is waited for next.
    send: (text, values = []) => void query(text, values).catch(ignore),
    async refresh() {
      await connection.renew(prepared.isOutdated());
      if (prepared.plansAreOld()) void query('discard plans', []).catch(ignore);
    },
    async commit() {
      const { command } = await query('commit', []);
      // PostgreSQL says so, and no more, when it was asked to commit what had failed.
      if (command !== 'COMMIT') throw cause ?? new Error('The database did not commit.');
    },
  };
}

function toPg(value: SqlValue): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
