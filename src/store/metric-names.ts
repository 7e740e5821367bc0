// A job may have so many metric names and no more: a script that makes a name of every step must not fill the store.
import { LIMITS } from '../core/limits.ts';

import type { KnownSeries } from './metric-chunks.ts';
import { valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

const MOST_NAMES = LIMITS.metric_names.value;

export interface LimitedSeries {
  readonly kept: readonly KnownSeries[];
  /** Jobs that reached the limit just now: it is told once. */
  readonly full: ReadonlySet<number>;
}

/** Leaves out names beyond the limit. Costs nothing while no series is new. */
export async function limitNames(tx: Transaction, series: readonly KnownSeries[]): Promise<LimitedSeries> {
  const fresh = new Map<number, number>();
  for (const one of series) if (one.newest === null) fresh.set(one.owner.job_id, (fresh.get(one.owner.job_id) ?? 0) + 1);
  if (fresh.size === 0) return { kept: series, full: new Set() };
  const counts = await tx.sql.all<{ job_id: number; count: number }>(
    `select job_id, count(distinct name) as count from metric_chunk where job_id in ${valueSet(tx.sql.dialect, 'int')} group by job_id`,
    [JSON.stringify([...fresh.keys()])],
  );
  const known = new Map(counts.map((row) => [row.job_id, row.count]));
  const near = [...fresh].filter(([job, count]) => (known.get(job) ?? 0) + count >= MOST_NAMES).map(([job]) => job);
  return near.length === 0 ? { kept: series, full: new Set() } : limitJobs(tx, series, near);
}

/** Another attempt of the job may have had the same names, so near the limit the names themselves are compared. */
async function limitJobs(tx: Transaction, series: readonly KnownSeries[], jobIds: readonly number[]): Promise<LimitedSeries> {
  const rows = await tx.sql.all<{ job_id: number; name: string }>(
    `select distinct job_id, name from metric_chunk where job_id in ${valueSet(tx.sql.dialect, 'int')}`,
    [JSON.stringify(jobIds)],
  );
  const names = new Map(jobIds.map((id) => [id, new Set<string>()]));
  for (const row of rows) names.get(row.job_id)?.add(row.name);
  const open = jobIds.filter((id) => names.get(id)!.size < MOST_NAMES);
  const kept = series.filter((one) => {
    const ofJob = names.get(one.owner.job_id);
    if (ofJob === undefined || ofJob.has(one.name)) return true;
    if (ofJob.size >= MOST_NAMES) return false;
    ofJob.add(one.name);
    return true;
  });
  return { kept, full: new Set(open.filter((id) => names.get(id)!.size >= MOST_NAMES)) };
}
