// The database of a run as its driver sees it, past the server: to break its connections and to recount.
import LibsqlDatabase from 'libsql';
import pg from 'pg';

import { startPostgres } from '../support/postgres.ts';

export interface Engine {
  /** Null: the SQLite file of the server. */
  readonly url: string | null;
  /** Ends all connections of others; how many there were. */
  breakConnections(): Promise<number>;
  /** Jobs per status, counted one by one. */
  count(dataDirectory: string): Promise<Record<string, number>>;
  close(): Promise<void>;
}

const COUNT = 'select status, count(*) as jobs from job group by status';

interface CountRow {
  readonly status: string;
  readonly jobs: number | string;
}

function counts(rows: readonly CountRow[]): Record<string, number> {
  return Object.fromEntries(rows.map(({ status, jobs }) => [status, Number(jobs)]));
}

export function sqliteEngine(): Engine {
  return {
    url: null,
    breakConnections: async () => 0,
    async count(directory) {
      const database = new LibsqlDatabase(`${directory}/drover.db`, { readonly: true });
      try {
        return counts(database.prepare(COUNT).all() as CountRow[]);
      } finally {
        database.close();
      }
    },
    close: async () => {},
  };
}

/** A database of its own on the server of the tests; null when there is none to be had. */
export async function postgresEngine(name: string): Promise<Engine | null> {
  const server = await startPostgres();
  if (server === null) return null;
  const admin = new pg.Client(server.url);
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async breakConnections() {
      const { rowCount } = await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      return rowCount ?? 0;
    },
    async count() {
      const client = new pg.Client(url.href);
      await client.connect();
      try {
        return counts((await client.query<CountRow>(COUNT)).rows);
      } finally {
        await client.end();
      }
    },
    async close() {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
      await server.stop();
    },
  };
}
