// Kysely on top of our own connections: it compiles, we run. It never opens a transaction itself: the writer does.
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

import type { Database } from './schema.ts';
import type { DialectName, SqlValue } from './sql.ts';

export type Query = Kysely<Database>;

/** Runs a compiled statement: rows for a select or a `returning`, else the number of changed rows. */
export type RunCompiled = (text: string, values: readonly SqlValue[]) => Promise<{ rows: unknown[]; changed: number }>;

export function kyselyOver(dialect: DialectName, run: RunCompiled): Query {
  return new Kysely<Database>({ dialect: plainDialect(dialect, run) });
}

function plainDialect(name: DialectName, run: RunCompiled): Dialect {
  const postgres = name === 'postgres';
  return {
    createAdapter: () => (postgres ? new PostgresAdapter() : new SqliteAdapter()),
    createDriver: () => new PlainDriver(run),
    createIntrospector: (db) => (postgres ? new PostgresIntrospector(db) : new SqliteIntrospector(db)),
    createQueryCompiler: () => (postgres ? new PostgresQueryCompiler() : new SqliteQueryCompiler()),
  };
}

class PlainDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(run: RunCompiled) {
    this.#connection = {
      async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
        const { rows, changed } = await run(query.sql, query.parameters as SqlValue[]);
        return { rows: rows as R[], numAffectedRows: BigInt(changed) };
      },
      streamQuery() {
        throw new Error('Pages are read by key, not streamed.');
      },
    };
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }
  async beginTransaction(): Promise<void> {
    throw new Error('Transactions are opened by the writer.');
  }
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
