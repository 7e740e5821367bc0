// The jobs that a chart looks at: all of them while they are few, else a fixed share chosen by a hash of their numbers. A share by
// every k-th number would meet always the same values of a matrix; by the hash it meets all of them alike, and the same jobs each time,
// so that a chart does not flicker.
import { type JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';

import { readCounts } from './experiments.ts';
import { filterWhere, type JobFilter, type Where } from './job-search.ts';
import { smallSet } from './job-sets.ts';
import { chosenNumbers, type DialectName, type Sql, type SqlValue } from './sql.ts';
import type { Reader } from './store.ts';

export interface Sampled {
  /** Jobs that the chart is about, and how many of them were looked at. */
  readonly of: number;
  readonly taken: number;
}

export interface Sample extends Sampled {
  /** A JSON list, given back to the database as it came from there. */
  readonly numbers: string;
}

export interface SampleRequest {
  readonly experiment_id: number;
  readonly statuses: readonly JobStatus[];
  readonly filter: JobFilter;
}

const HASH_RANGE = 2 ** 32;

/** Spreads consecutive numbers evenly over 0 … 2³² − 1. */
export const HASHED_NUMBER = '((job.number * 2654435761) & 4294967295)';

/** Numbers below this hash are a sample of the size that a chart may look at. */
export function hashLimit(of: number): number {
  return of <= LIMITS.chart_jobs.value ? HASH_RANGE : Math.floor((LIMITS.chart_jobs.value / of) * HASH_RANGE);
}

export async function sampleJobs(reader: Reader, { experiment_id, statuses, filter }: SampleRequest): Promise<Sample> {
  const wanted = { ...filter, statuses: filter.statuses === undefined ? statuses : filter.statuses.filter((status) => statuses.includes(status)) };
  const isFiltered = Object.keys(filter).length > 0;
  const set = isFiltered ? await smallSet(reader.sql, experiment_id, wanted) : null;
  if (set !== null) {
    const where = await filterWhere(reader, experiment_id, set.filter, true);
    const { taken, numbers } = await among(reader.sql, experiment_id, { numbers: JSON.stringify(set.numbers), where });
    return { of: taken, taken, numbers };
  }
  const counts = (await readCounts(reader, [experiment_id])).get(experiment_id)!;
  const of = wanted.statuses.reduce((sum, status) => sum + counts[status], 0);
  const base = await numbersWhere(reader.sql, {
    text: `job.experiment_id = ? and job.status in (${wanted.statuses.map(() => '?').join(', ') || 'null'}) and ${HASHED_NUMBER} < ?`,
    values: [experiment_id, ...wanted.statuses, hashLimit(of)],
  });
  // The counters and the index are read one after the other: jobs may have ended in between.
  const looked = { of: Math.max(of, base.taken), taken: base.taken };
  if (!isFiltered) return { ...looked, numbers: base.numbers };
  const { numbers } = await among(reader.sql, experiment_id, { numbers: base.numbers, where: await filterWhere(reader, experiment_id, filter, true) });
  return { ...looked, numbers };
}

/** The numbers of the jobs that fit, as one text: thousands of rows would keep the thread busy that also hands out jobs. */
export async function numbersWhere(sql: Sql, where: Where): Promise<{ numbers: string; taken: number }> {
  return packed(sql, `select job.number from job where ${where.text}`, where.values);
}

/** Those of some numbers that fit. */
async function among(sql: Sql, experimentId: number, { numbers, where }: { numbers: string; where: Where }): Promise<{ numbers: string; taken: number }> {
  return packed(sql, `select job.number from ${ofSample(sql.dialect)} and ${where.text}`, [numbers, experimentId, ...where.values]);
}

async function packed(sql: Sql, select: string, values: readonly SqlValue[]): Promise<{ numbers: string; taken: number }> {
  const list = sql.dialect === 'sqlite' ? 'json_group_array(number)' : `coalesce(json_agg(number)::text, '[]')`;
  const [row] = await sql.all<{ numbers: string; taken: number }>(`select ${list} as numbers, count(*) as taken from (${select}) as found`, values);
  return { numbers: row!.numbers, taken: Number(row!.taken) };
}

/**
 * What comes after `from` for the jobs of a sample; its values are the numbers and the experiment. Each job is looked up by its number: left to
 * themselves, planners find reasons to look for each number in another index, or through all jobs when their statistics are old.
 */
export function ofSample(dialect: DialectName, joined = ''): string {
  const numbers = chosenNumbers(dialect);
  return dialect === 'sqlite'
    ? `${numbers} job indexed by job_number ${joined} where job.number = chosen and job.experiment_id = ?`
    : `${numbers} lateral (select * from job where job.number = chosen and job.experiment_id = ? offset 0) as job ${joined} where true`;
}

/** The JSON text of a param (`?`: see paramPath), null where a job does not have it. */
export function paramText(dialect: DialectName): string {
  return dialect === 'sqlite' ? 'job.params_json -> ?' : '(job.params_json::jsonb -> ?)::text';
}

/** Names of params hold no quotes: core/identifiers. */
export function paramPath(dialect: DialectName, name: string): string {
  return dialect === 'sqlite' ? `$."${name}"` : name;
}

export type Grouping = 'machine' | 'worker';

/** What a worker belongs to: see WORKER_ID in core/identifiers. */
export function workerGroup(dialect: DialectName, grouping: Grouping, column: string): string {
  if (grouping === 'worker') return `coalesce(${column}, '')`;
  return dialect === 'sqlite' ? `substr(${column}, 1, instr(${column} || '_', '_') - 1)` : `split_part(${column}, '_', 1)`;
}
