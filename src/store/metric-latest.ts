// The latest values of some metrics of many jobs, in one statement: columns of a table. They are those of the newest attempt's first rank.
import type { NumberRange } from '../core/identifiers.ts';
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';

import { filterWhere } from './job-search.ts';
import { rowSet } from './sql.ts';
import type { Reader } from './store.ts';

export interface MeasuredJob {
  readonly id: number;
  /** The newest one counts. */
  readonly attempts: number;
}

/** Null: the job has none. */
export type LatestValue = number | 'not_finite' | null;

/** The values of each job by its id, in the order of the names. */
export async function readLatestMetrics({ sql }: Reader, jobs: readonly MeasuredJob[], names: readonly string[]): Promise<Map<number, LatestValue[]>> {
  const values = new Map(jobs.map((job) => [job.id, names.map((): LatestValue => null)]));
  const tried = jobs.filter((job) => job.attempts > 0);
  if (tried.length === 0 || names.length === 0) return values;
  const stored = 'from metric_chunk m where m.job_id = pair.id and m.attempt = pair.attempt and m.rank = 0 and m.name = pair.name';
  const rows = await sql.all<{ id: number; place: number; last: number | null; is_there: number | null }>(
    `select id, place, last, case when last is null then (select 1 ${stored} limit 1) end as is_there from (
        select id, attempt, place, name, (select m.last ${stored} order by m.id desc limit 1) as last from (
          select id, attempt, place, name from ${rowSet(sql.dialect, { id: 'int', attempt: 'int' })} as tried
          cross join ${rowSet(sql.dialect, { place: 'int', name: 'text' })} as asked) as pair) as pair`,
    [JSON.stringify(tried.map((job) => [job.id, job.attempts])), JSON.stringify(names.map((name, place) => [place, name]))],
  );
  for (const { id, place, last, is_there } of rows) values.get(Number(id))![Number(place)] = last ?? (is_there === null ? null : 'not_finite');
  return values;
}

export interface NumberedJob extends MeasuredJob {
  readonly number: number;
}

/** The jobs with these numbers, as far as they exist. */
export async function findMeasured(reader: Reader, experimentId: number, ranges: readonly NumberRange[]): Promise<NumberedJob[]> {
  const most = LIMITS.page_items.value;
  const where = await filterWhere(reader, experimentId, { ranges });
  const jobs = await reader.sql.all<NumberedJob>(`select id, number, attempts from job where ${where.text} order by number limit ?`, [
    ...where.values,
    most + 1,
  ]);
  if (jobs.length > most) throw new Refusal('too_many', `Metrics are read of at most ${most.toLocaleString('en-US')} jobs at once.`);
  return jobs.map((job) => ({ id: Number(job.id), number: Number(job.number), attempts: Number(job.attempts) }));
}
