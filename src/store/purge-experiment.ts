// Removes the rows of deleted experiments, a piece at a time: the experiment itself is hidden already, so nobody waits for it.
import { rememberDeletedJobs } from './deletions.ts';
import { TOMBSTONE } from './experiments.ts';
import { valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

export interface Purged {
  /** Blobs that nobody names any more. */
  readonly blobs: readonly string[];
}

/** Removes about so many jobs or searchable params of one deleted experiment; null when there is nothing left of any. */
export async function purgeSome(tx: Transaction, rows: number): Promise<Purged | null> {
  const [experiment] = await tx.sql.all<{ id: number }>(`select id from experiment where name like '${TOMBSTONE}%' order by id limit 1`);
  if (experiment === undefined) return null;
  const id = Number(experiment.id);
  const jobs = await tx.sql.all<{ id: number; attempts: number }>('select id, attempts from job where experiment_id = ? order by number limit ?', [id, rows]);
  if (jobs.length > 0) return { blobs: await purgeJobs(tx, jobs) };
  if (!(await purgeParams(tx, id, rows))) await purgeRest(tx, id);
  return { blobs: [] };
}

async function purgeJobs(tx: Transaction, jobs: readonly { readonly id: number; readonly attempts: number }[]): Promise<string[]> {
  const ours = `in ${valueSet(tx.sql.dialect, 'int')}`;
  const tried = jobs.filter((job) => job.attempts > 0).map((job) => Number(job.id));
  const blobs: string[] = [];
  const all = JSON.stringify(jobs.map((job) => Number(job.id)));
  await rememberDeletedJobs(tx, { text: `id ${ours}`, values: [all] });
  if (tried.length > 0) {
    const ids = JSON.stringify(tried);
    for (const table of ['artifact', 'log_chunk']) {
      const named = await tx.sql.all<{ blob_key: string }>(`select blob_key from ${table} where job_id ${ours} and blob_key is not null`, [ids]);
      blobs.push(...named.map((row) => row.blob_key));
    }
    for (const table of ['artifact', 'log_chunk', 'metric_chunk', 'execution', 'attempt', 'door_assignment', 'lease'])
      await tx.sql.run(`delete from ${table} where job_id ${ours}`, [ids]);
  }
  await tx.sql.run(`delete from job where id ${ours}`, [all]);
  return blobs;
}

/** Values that are emptied together. */
const VALUES_AT_ONCE = 500;

/** False when the experiment has no params any more. */
async function purgeParams(tx: Transaction, experimentId: number, rows: number): Promise<boolean> {
  const values = await tx.sql.all<{ id: number }>(`select id from param_value where experiment_id = ? order by id limit ${VALUES_AT_ONCE}`, [experimentId]);
  if (values.length === 0) return false;
  const ours = `in ${valueSet(tx.sql.dialect, 'int')}`;
  const ids = JSON.stringify(values.map((value) => Number(value.id)));
  const deleted = await tx.sql.run(
    `delete from job_param where (value_id, number) in (select value_id, number from job_param where value_id ${ours} limit ?)`,
    [ids, rows],
  );
  if (deleted < rows) await tx.sql.run(`delete from param_value where id ${ours}`, [ids]);
  return true;
}

async function purgeRest(tx: Transaction, id: number): Promise<void> {
  for (const table of ['counter', 'demand', 'matrix', 'operation', 'variable', 'saved_view', 'door_worker'])
    await tx.sql.run(`delete from ${table} where experiment_id = ?`, [id]);
  await tx.sql.run('delete from experiment where id = ?', [id]);
}
