// PostgreSQL through pg: a pool for reads, one connection for this server's writes, one that listens.
import pg from 'pg';

import { numberedPlaceholders, type Row, type Sql, type SqlValue } from './sql.ts';

// Our integers are moments, ids and counts, all below 2^53.
const types = new pg.TypeOverrides();
types.setTypeParser(20, Number);

const STATEMENT_TIMEOUT_MS = 60_000;
/** Statements whose placeholders are kept numbered. */
const KEPT_TEXTS = 1_000;

export function openPool(url: string, schema: string | null): pg.Pool {
  return new pg.Pool({
    connectionString: url,
    max: 8,
    types,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'drover',
    ...(schema === null ? {} : { options: `-c search_path=${schema}` }),
  });
}

interface Queryable {
  query(config: { text: string; values: unknown[]; name?: string }): Promise<pg.QueryResult<Row>>;
}

/** One connection of the pool for itself; when it breaks, the next statement gets a new one. What was under way in it fails. */
export function steadyConnection(pool: pg.Pool): Queryable & { release(): void } {
  let client: pg.PoolClient | null = null;
  const open = async (): Promise<pg.PoolClient> => {
    const opened = await pool.connect();
    opened.on('error', () => {
      if (client === opened) client = null;
      opened.release(true);
    });
    return opened;
  };
  return {
    async query(config) {
      client ??= await open();
      return client.query(config);
    },
    release: () => client?.release(),
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

function toPg(value: SqlValue): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
