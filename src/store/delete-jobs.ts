// Deleting jobs that are pending, with all that earlier attempts of them left.
import { LIMITS } from '../core/limits.ts';
import type { Params } from '../core/params.ts';

import { rememberDeletedJobs } from './deletions.ts';
import { readCounts } from './experiments.ts';
import { unindexJobs, unindexTags } from './search-index.ts';
import { lockOf, valueSet } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

export interface PendingJob {
  readonly id: number;
  readonly number: number;
  readonly attempts: number;
}

/** Removes the rows; the caller moves the counter and tells the event. */
export async function deletePending(tx: Transaction, experimentId: number, jobs: readonly PendingJob[]): Promise<void> {
  const ours = valueSet(tx.sql.dialect, 'int');
  const ids = JSON.stringify(jobs.map((job) => job.id));
  await rememberDeletedJobs(tx, { text: `id in ${ours}`, values: [ids] });
  const rows = await tx.sql.all<{ number: number; params_json: string; tags_json: string | null }>(
    `select number, params_json, tags_json from job where id in ${ours}`,
    [ids],
  );
  await unindexJobs(
    tx.sql,
    experimentId,
    rows.map((row) => ({ number: row.number, params: JSON.parse(row.params_json) as Params })),
  );
  await unindexTags(
    tx.sql,
    experimentId,
    rows.flatMap((row) => (row.tags_json === null ? [] : [{ number: row.number, tags: JSON.parse(row.tags_json) as string[] }])),
  );
  const tried = jobs.filter((job) => job.attempts > 0).map((job) => job.id);
  if (tried.length > 0) {
    // A pending job may have earlier attempts (retried, requeued): what they left goes with it.
    for (const table of ['attempt', 'door_assignment', 'execution', 'metric_chunk', 'log_chunk', 'artifact']) {
      await tx.sql.run(`delete from ${table} where job_id in ${ours}`, [JSON.stringify(tried)]);
    }
  }
  await tx.sql.run(`delete from job where id in ${ours}`, [ids]);
}

/** What `replace_pending` deletes: pending jobs with numbers up to here. */
export interface Replacement {
  readonly experiment_id: number;
  readonly up_to: number;
  readonly actor: string;
}

/** What is pending now is replaced; jobs that others create meanwhile are not. */
export async function startReplacement(reader: Pick<Reader, 'sql'>, experimentId: number, actor: string): Promise<Replacement> {
  const [row] = await reader.sql.all<{ next_number: number }>('select next_number from experiment where id = ?', [experimentId]);
  return { experiment_id: experimentId, up_to: Number(row?.next_number ?? 1) - 1, actor };
}

/** Whether so many jobs are to be replaced that they go in pieces, before the commit that creates the new ones. */
export async function isLargeReplacement(reader: Pick<Reader, 'query'>, experimentId: number): Promise<boolean> {
  return ((await readCounts(reader, [experimentId])).get(experimentId)?.pending ?? 0) > LIMITS.bulk_jobs.value;
}

/** Deletes at most `limit` of the pending jobs; what a matrix has still to make is not made any more. Returns how many there were. */
export async function replaceSome(tx: Transaction, { experiment_id, up_to, actor }: Replacement, limit: number): Promise<number> {
  await endExpansions(tx, experiment_id, up_to);
  const jobs = await tx.sql.all<PendingJob>(
    `select id, number, attempts from job where experiment_id = ? and status = 'pending' and number <= ? order by number limit ?${lockOf(tx.sql)}`,
    [experiment_id, up_to, limit],
  );
  if (jobs.length === 0) return 0;
  await deletePending(tx, experiment_id, jobs);
  tx.count(experiment_id, 'pending', -jobs.length);
  const numbers = jobs.map((job) => job.number);
  tx.event({ kind: 'jobs_deleted', experiment_id, actor, numbers, ...(jobs.length === 1 ? { job_id: jobs[0]!.id } : {}), data: { reason: 'replaced' } });
  return jobs.length;
}

async function endExpansions(tx: Transaction, experimentId: number, upTo: number): Promise<void> {
  const unfinished = await tx.sql.all<{ id: number; size: number; expanded: number }>(
    `select id, size, expanded from matrix where experiment_id = ? and expanded < size and first_number <= ?${lockOf(tx.sql)}`,
    [experimentId, upTo],
  );
  for (const matrix of unfinished) {
    await tx.sql.run('update matrix set size = expanded where id = ?', [matrix.id]);
    tx.count(experimentId, 'expanding', matrix.expanded - matrix.size);
  }
}
