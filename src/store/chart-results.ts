// Metrics of many jobs beside their params: the best jobs, a share of the others for the eye, and means over replicates. The value of a
// metric is that of the newest attempt's first rank.
import { type Confidence, confidence95 } from '../core/confidence.ts';
import type { JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';

import { HASHED_NUMBER, ofSample, paramPath, paramText, type Sample, type Sampled, sampleJobs } from './chart-sample.ts';
import type { JobFilter } from './job-search.ts';
import { type DialectName, type SqlValue } from './sql.ts';
import type { Reader } from './store.ts';

export const REDUCTIONS = ['last', 'min', 'max'] as const;
export type Reduction = (typeof REDUCTIONS)[number];

export const GOALS = ['minimise', 'maximise'] as const;
export type Goal = (typeof GOALS)[number];

export interface MeasuredRequest {
  readonly experiment_id: number;
  readonly reduction: Reduction;
  readonly goal: Goal;
  readonly filter: JobFilter;
  /** Names of params to bring along. */
  readonly params: readonly string[];
}

export interface ResultsRequest extends MeasuredRequest {
  /** The first one decides what is best. */
  readonly metrics: readonly string[];
}

export interface ResultRecord {
  readonly number: number;
  readonly status: JobStatus;
  /** From 1: its rank among the jobs that were looked at. */
  readonly place: number;
  readonly duration_ms: number | null;
  readonly worker_id: string | null;
  /** JSON texts in the order asked for, cut if long; null for what a job does not have. */
  readonly params: readonly (string | null)[];
  readonly values: readonly (number | null)[];
}

export interface Results {
  /** By place. */
  readonly jobs: readonly ResultRecord[];
  /** Jobs that have a finite value of the first metric. */
  readonly measured: number;
  readonly sampled: Sampled;
}

const MEASURED = ['running', 'done', 'aborted'] as const;

export async function readResults(reader: Reader, request: ResultsRequest): Promise<Results> {
  const { sql } = reader;
  const { experiment_id, metrics, reduction, goal, filter } = request;
  const sample = await sampleJobs(reader, { experiment_id, statuses: MEASURED, filter });
  const rows = await sql.all<{ number: number; place: number; n: number }>(
    `select number, place, n from (
        select number, row_number() over (order by value ${goal === 'minimise' ? 'asc' : 'desc'}, number) as place,
          row_number() over (order by hash) as spread, count(*) over () as n
        from (select job.number, ${HASHED_NUMBER} as hash, ${metricValue(reduction)} as value from ${ofSample(sql.dialect)}) as measured where value is not null) as placed
      where place <= ? or spread <= ?`,
    [metrics[0]!, sample.numbers, experiment_id, LIMITS.chart_best.value, LIMITS.chart_points.value],
  );
  const places = new Map(rows.map((row) => [Number(row.number), Number(row.place)]));
  const jobs = await readJobs(reader, request, places);
  return { jobs, measured: Number(rows[0]?.n ?? 0), sampled: { of: sample.of, taken: sample.taken } };
}

/** Its only value is the name of the metric. */
function metricValue(reduction: Reduction): string {
  const of = 'from metric_chunk m where m.job_id = job.id and m.attempt = job.attempts and m.rank = 0 and m.name = ?';
  if (reduction === 'last') return `(select m.last ${of} order by m.id desc limit 1)`;
  return reduction === 'min' ? `(select min(m.least) ${of})` : `(select max(m.greatest) ${of})`;
}

async function readJobs({ sql }: Reader, request: ResultsRequest, places: ReadonlyMap<number, number>): Promise<ResultRecord[]> {
  const { experiment_id, metrics, params, reduction } = request;
  const picked = shownParams(sql.dialect, params);
  const rows = await sql.all<Record<string, SqlValue> & { number: number; status: JobStatus }>(
    `select job.number, job.status, job.duration_ms, job.worker_id ${picked.columns} ${metrics.map((_, index) => `, ${metricValue(reduction)} as value_${index}`).join('')}
      from ${ofSample(sql.dialect)}`,
    [...picked.values, ...metrics, JSON.stringify([...places.keys()]), experiment_id],
  );
  const numeric = (value: SqlValue | undefined): number | null => (value === null || value === undefined ? null : Number(value));
  return rows
    .map((row) => ({
      number: Number(row.number),
      status: row.status,
      place: places.get(Number(row.number))!,
      duration_ms: numeric(row['duration_ms']),
      worker_id: row['worker_id'] as string | null,
      params: picked.read(row),
      values: metrics.map((_, index) => numeric(row[`value_${index}`])),
    }))
    .sort((a, b) => a.place - b.place);
}

/** Columns with the JSON texts of params, cut if long. */
function shownParams(dialect: DialectName, params: readonly string[]) {
  const text = `substr(${paramText(dialect)}, 1, ${LIMITS.chart_text_characters.value + 2})`;
  return {
    columns: params.map((_, index) => `, ${text} as param_${index}`).join(''),
    values: params.map((name) => paramPath(dialect, name)),
    read: (row: Record<string, SqlValue>) => params.map((_, index) => (row[`param_${index}`] ?? null) as string | null),
  };
}

export interface ReplicateRequest extends MeasuredRequest {
  readonly metric: string;
  /** The param that makes replicates of jobs that are otherwise equal. */
  readonly seed: string;
}

export interface ReplicateGroup {
  /** Of its first job. */
  readonly number: number;
  readonly params: readonly (string | null)[];
  readonly count: number;
  readonly mean: number;
  readonly least: number;
  readonly greatest: number;
  /** Null for a single value. */
  readonly confidence: Confidence | null;
}

export interface Replicates {
  /** Best mean first. */
  readonly groups: readonly ReplicateGroup[];
  readonly left_out: number;
  readonly measured: number;
  readonly sampled: Sampled;
}

export async function readReplicates(reader: Reader, request: ReplicateRequest): Promise<Replicates> {
  const { experiment_id, filter } = request;
  const sample = await sampleJobs(reader, { experiment_id, statuses: MEASURED, filter });
  const rows = await readGroups(reader, request, sample);
  const params = await readFirstParams(reader, request, rows);
  const groups = rows.map(({ number, mean, least, greatest, ...row }): ReplicateGroup => {
    const count = Number(row.count);
    const known = params.get(Number(number)) ?? [];
    return { number: Number(number), params: known, count, mean, least, greatest, confidence: confidence95({ count, squares: row.squares }) };
  });
  return {
    groups,
    left_out: Math.max(0, Number(rows[0]?.groups ?? 0) - rows.length),
    measured: Number(rows[0]?.measured ?? 0),
    sampled: { of: sample.of, taken: sample.taken },
  };
}

interface GroupRow {
  readonly number: number;
  readonly count: number;
  readonly mean: number;
  readonly least: number;
  readonly greatest: number;
  readonly squares: number;
  readonly groups: number;
  readonly measured: number;
}

/** Two passes, mean first: the square of the mean taken from the mean of the squares loses all digits when values differ little. */
function readGroups({ sql }: Reader, { experiment_id, metric, reduction, goal, seed }: ReplicateRequest, sample: Sample): Promise<GroupRow[]> {
  const others = sql.dialect === 'sqlite' ? 'json_remove(job.params_json, ?)' : '(job.params_json::jsonb - ?)::text';
  return sql.all<GroupRow>(
    `with measured as materialized (select * from (select job.number, ${others} as others, ${metricValue(reduction)} as value from ${ofSample(sql.dialect)}) as looked
        where value is not null),
      means as (select others, avg(value) as mean from measured group by others)
      select min(number) as number, count(*) as count, min(mean) as mean, min(value) as least, max(value) as greatest,
        sum((value - mean) * (value - mean)) as squares, count(*) over () as groups, sum(count(*)) over () as measured
      from measured join means on means.others = measured.others group by measured.others
      order by min(mean) ${goal === 'minimise' ? 'asc' : 'desc'}, min(number) limit ?`,
    [paramPath(sql.dialect, seed), metric, sample.numbers, experiment_id, LIMITS.chart_groups.value],
  );
}

async function readFirstParams({ sql }: Reader, request: ReplicateRequest, groups: readonly GroupRow[]): Promise<Map<number, (string | null)[]>> {
  const picked = shownParams(sql.dialect, request.params);
  const rows = await sql.all<Record<string, SqlValue>>(`select job.number ${picked.columns} from ${ofSample(sql.dialect)}`, [
    ...picked.values,
    JSON.stringify(groups.map(({ number }) => Number(number))),
    request.experiment_id,
  ]);
  return new Map(rows.map((row) => [Number(row['number']), picked.read(row)]));
}
