// Forgets what nobody names any more: demands and command texts of jobs, places of executions. There is no index on them, so all jobs are read, on a connection that
// only reads; what is found is first taken out of reach of new jobs, and removed only if then still no job names it.
import { valueSet } from './sql.ts';
import type { Store } from './store.ts';

const KINDS = {
  demand: { key: 'key', column: 'demand_id', of: 'job' },
  command: { key: 'hash', column: 'command_id', of: 'job' },
  execution_place: { key: 'hash', column: 'place_id', of: 'execution' },
} as const;

const AT_ONCE = 2_000;

/** Returns how many were removed. */
export async function pruneUnused(store: Store, table: keyof typeof KINDS): Promise<number> {
  const { key, column, of } = KINDS[table];
  const set = valueSet(store.dialect, 'int');
  const unused = async (among: string, values: readonly string[]): Promise<string | null> => {
    const rows = await store.sql.all<{ id: number }>(
      `select id from (select id from ${table} ${among} except select ${column} from ${of} where ${column} is not null) as unused limit ${AT_ONCE}`,
      values,
    );
    return rows.length === 0 ? null : JSON.stringify(rows.map((row) => Number(row.id)));
  };
  const found = await unused('', []);
  if (found === null) return 0;
  // New jobs find theirs by this key. One that a job has taken just now keeps the new key: it serves on, only nobody shares it any more.
  await store.write((tx) => tx.sql.run(`update ${table} set ${key} = '#' || id where id in ${set}`, [found]));
  const still = await unused(`where id in ${set}`, [found]);
  if (still === null) return 0;
  return store.write(async (tx) => {
    if (table === 'demand') await tx.sql.run(`delete from demand_wait where demand_id in ${set}`, [still]);
    return tx.sql.run(`delete from ${table} where id in ${set}`, [still]);
  });
}
