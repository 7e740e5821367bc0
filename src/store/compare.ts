// What a few jobs measured: last values of all their metrics, and the curves of one.
import { readMetricSeries, type SeriesPoint } from './metric-reading.ts';
import { valueSet } from './sql.ts';
import type { Reader } from './store.ts';

export interface LastValue {
  readonly job_id: number;
  readonly name: string;
  /** Null when it is not a finite number. */
  readonly last: number | null;
}

/** Of the newest attempt that has the metric, and its first rank. */
export async function readLastValues(reader: Reader, jobIds: readonly number[]): Promise<LastValue[]> {
  const rows = await reader.sql.all<LastValue>(
    `select job_id, name, last from (
       select job_id, name, last, row_number() over (partition by job_id, name order by attempt desc, rank, id desc) as place
       from metric_chunk where job_id in ${valueSet(reader.sql.dialect, 'int')}) as c
     where place = 1 order by name, job_id`,
    [JSON.stringify(jobIds)],
  );
  return rows.map((row) => ({ ...row, job_id: Number(row.job_id) }));
}

export interface Curve {
  readonly job_id: number;
  readonly attempt: number;
  readonly total: number;
  readonly points: readonly SeriesPoint[];
}

export interface CurvesQuestion {
  readonly job_ids: readonly number[];
  readonly name: string;
  /** Most points of each. */
  readonly points: number;
}

/** The first rank of the newest attempt that has the metric; jobs that never had it are left out. */
export async function readCurves(reader: Reader, { job_ids, name, points }: CurvesQuestion): Promise<Curve[]> {
  const newest = await reader.sql.all<{ job_id: number; attempt: number }>(
    `select job_id, max(attempt) as attempt from metric_chunk
     where job_id in ${valueSet(reader.sql.dialect, 'int')} and rank = 0 and name = ? group by job_id order by job_id`,
    [JSON.stringify(job_ids), name],
  );
  const curves: Curve[] = [];
  for (const row of newest) {
    const [job_id, attempt] = [Number(row.job_id), Number(row.attempt)];
    const { total, series } = await readMetricSeries(reader, { job_id, name, attempt, rank: 0, points });
    if (series[0] !== undefined) curves.push({ job_id, attempt, total, points: series[0].points });
  }
  return curves;
}
