// PostgreSQL through pg: a pool for reads, one connection for this server's writes, one that listens.
import pg from 'pg';

import { numberedPlaceholders, type Row, type Sql, type SqlValue } from './sql.ts';

// Our integers are moments, ids and counts, all below 2^53.
const types = new pg.TypeOverrides();
types.setTypeParser(20, Number);

const STATEMENT_TIMEOUT_MS = 60_000;

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

/** Statements of the hot paths are prepared on the connection under a name made from their text. */
export function postgresSql(connection: Queryable): Sql {
  const prepared = new Map<string, { text: string; name: string }>();
  const query = (text: string, values: readonly SqlValue[]): Promise<pg.QueryResult<Row>> => {
    let entry = prepared.get(text);
    if (entry === undefined) {
      entry = { text: numberedPlaceholders(text), name: `s${prepared.size}` };
      prepared.set(text, entry);
    }
    return connection.query({ text: entry.text, values: values.map(toPg) });
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
