// What there is to chart: params with the spread of their values, from the index of params alone, and metrics, from some of the jobs.
import { LIMITS } from '../core/limits.ts';

import { ofSample } from './chart-sample.ts';
import { hasStarted } from './job-rows.ts';
import { TAG_NAME } from './search-index.ts';
import type { Sql } from './sql.ts';
import type { Reader } from './store.ts';

export interface ParamField {
  readonly name: string;
  /** Different values, counted up to one more than a chart shows. */
  readonly values: number;
  /** All counted values are numbers. */
  readonly is_numeric: boolean;
  readonly least: number | null;
  readonly greatest: number | null;
}

export interface ChartFields {
  readonly params: readonly ParamField[];
  readonly metrics: readonly string[];
}

/** Jobs of each status, newest and oldest, whose metrics are offered. */
const ASKED_JOBS = 60;
/** Stored rows of metrics that are looked through for names. */
const ASKED_ROWS = 20_000;

export async function readChartFields(reader: Reader, experimentId: number): Promise<ChartFields> {
  const [params, metrics] = await Promise.all([readParamFields(reader.sql, experimentId), readMetricFields(reader.sql, experimentId)]);
  return { params, metrics };
}

/** Names of params, as a table `names(name)` for twice the id of the experiment; jumps from name to name in the index, however many values each has. */
const NAMES = `with recursive names(name) as (
        select min(name) from param_value where experiment_id = ?
        union all
        select (select min(name) from param_value where experiment_id = ? and param_value.name > names.name) from names where names.name is not null)`;

/** In order; of jobs that were deleted too. */
export async function readParamNames({ sql }: Reader, experimentId: number, limit: number): Promise<string[]> {
  const rows = await sql.all<{ name: string }>(`${NAMES} select name from names where name <> ? limit ?`, [experimentId, experimentId, TAG_NAME, limit]);
  return rows.map((row) => row.name);
}

async function readParamFields(sql: Sql, experimentId: number): Promise<ParamField[]> {
  const counted = LIMITS.chart_groups.value + 1;
  const some = `(select number from param_value p where p.experiment_id = ? and p.name = names.name limit ${counted}) as first_values`;
  const extreme = (which: 'min' | 'max'): string =>
    `(select ${which}(number) from param_value p where p.experiment_id = ? and p.name = names.name and p.number is not null)`;
  const rows = await sql.all<{ name: string; counted: number; numbers: number; least: number | null; greatest: number | null }>(
    `${NAMES}
      select name, (select count(*) from ${some}) as counted, (select count(number) from ${some}) as numbers, ${extreme('min')} as least, ${extreme('max')} as greatest
      from names where name <> ? limit ${LIMITS.chart_fields.value}`,
    [...Array.from({ length: 6 }, () => experimentId), TAG_NAME],
  );
  return rows.map((row) => ({
    name: row.name,
    values: Number(row.counted),
    is_numeric: Number(row.counted) > 0 && Number(row.numbers) === Number(row.counted),
    least: row.least === null ? null : Number(row.least),
    greatest: row.greatest === null ? null : Number(row.greatest),
  }));
}

async function readMetricFields(sql: Sql, experimentId: number): Promise<string[]> {
  const lanes = (['running', 'done', 'aborted'] as const).flatMap((status) =>
    (['asc', 'desc'] as const).map(
      (order) => `select number from (select number from job where experiment_id = ? and status = '${status}' and ${hasStarted(status)}
        order by started_at ${order}, number ${order} limit ${ASKED_JOBS}) as ${status}_${order}`,
    ),
  );
  const jobs = await sql.all<{ number: number }>(
    lanes.join(' union '),
    lanes.map(() => experimentId),
  );
  const rows = await sql.all<{ name: string }>(
    `select distinct name from (select m.name from ${ofSample(sql.dialect, 'cross join metric_chunk m')}
          and m.job_id = job.id and m.attempt = job.attempts and m.rank = 0 limit ${ASKED_ROWS}) as stored
      order by name limit ${LIMITS.chart_fields.value}`,
    [JSON.stringify(jobs.map((job) => Number(job.number))), experimentId],
  );
  return rows.map((row) => row.name);
}
