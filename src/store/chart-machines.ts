// What each machine (or worker) did, and where jobs fail: by machine and by the value of a param. Added up in the database; only one row
// per group comes back.
import { LIMITS } from '../core/limits.ts';

import { type Grouping, ofSample, paramPath, paramText, type Sample, type Sampled, sampleJobs, workerGroup } from './chart-sample.ts';
import type { JobFilter } from './job-search.ts';
import type { Reader } from './store.ts';

/** Failures of the job; what a person cancelled is none. */
const FAILED = `job.status = 'aborted' and job.outcome in ('failed', 'timed_out', 'lost')`;

export interface DurationSpread {
  readonly count: number;
  readonly least: number;
  readonly lower_quartile: number;
  readonly median: number;
  readonly upper_quartile: number;
  readonly greatest: number;
  readonly mean: number;
}

export interface MachineRecord {
  readonly name: string;
  readonly workers: number;
  readonly jobs: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Attempts, also of jobs that were done in the end, perhaps elsewhere. */
  readonly attempts: { readonly failed: number; readonly timed_out: number; readonly lost: number };
  /** Sum of the durations of the jobs that ended. */
  readonly busy_ms: number;
  /** Of jobs that are done. */
  readonly durations: DurationSpread | null;
  readonly first_started_at: number | null;
  readonly last_finished_at: number | null;
}

export interface MachineStatistics {
  readonly machines: readonly MachineRecord[];
  readonly left_out: number;
  readonly sampled: Sampled;
}

export interface MachineRequest {
  readonly experiment_id: number;
  readonly grouping: Grouping;
  readonly filter: JobFilter;
}

interface Looked {
  readonly experiment_id: number;
  readonly grouping: Grouping;
  readonly sample: Sample;
}

export async function readMachines(reader: Reader, { experiment_id, grouping, filter }: MachineRequest): Promise<MachineStatistics> {
  const sample = await sampleJobs(reader, { experiment_id, statuses: ['running', 'done', 'aborted'], filter });
  const looked = { experiment_id, grouping, sample };
  const [totals, durations, attempts] = await Promise.all([readTotals(reader, looked), readDurations(reader, looked), readAttempts(reader, looked)]);
  const names = new Set([...totals.keys(), ...attempts.keys()]);
  const machines = [...names]
    .map((name): MachineRecord => {
      return { name, ...(totals.get(name) ?? NOTHING), attempts: attempts.get(name) ?? NO_ATTEMPTS, durations: durations.get(name) ?? null };
    })
    .sort((a, b) => b.jobs - a.jobs || a.name.localeCompare(b.name));
  const shown = machines.slice(0, LIMITS.chart_groups.value);
  return { machines: shown, left_out: machines.length - shown.length, sampled: { of: sample.of, taken: sample.taken } };
}

type Totals = Omit<MachineRecord, 'name' | 'attempts' | 'durations'>;
const NO_ATTEMPTS = { failed: 0, timed_out: 0, lost: 0 };
const NOTHING: Totals = { workers: 0, jobs: 0, running: 0, done: 0, failed: 0, cancelled: 0, busy_ms: 0, first_started_at: null, last_finished_at: null };

async function readTotals({ sql }: Reader, { experiment_id, grouping, sample }: Looked): Promise<Map<string, Totals>> {
  const rows = await sql.all<Record<keyof Totals, number | null> & { name: string }>(
    `select ${workerGroup(sql.dialect, grouping, 'job.worker_id')} as name, count(distinct job.worker_id) as workers, count(*) as jobs,
        count(case when job.status = 'running' then 1 end) as running, count(case when job.status = 'done' then 1 end) as done,
        count(case when ${FAILED} then 1 end) as failed,
        count(case when job.status = 'aborted' then 1 end) - count(case when ${FAILED} then 1 end) as cancelled,
        cast(sum(case when job.status <> 'running' then job.duration_ms end) as bigint) as busy_ms,
        min(job.started_at) as first_started_at, max(job.finished_at) as last_finished_at
      from ${ofSample(sql.dialect)} and job.worker_id is not null group by 1`,
    [sample.numbers, experiment_id],
  );
  const amount = (value: number | null): number => Number(value ?? 0);
  const moment = (value: number | null): number | null => (value === null ? null : Number(value));
  return new Map(
    rows.map(({ name, ...row }) => [
      name,
      {
        workers: amount(row.workers),
        jobs: amount(row.jobs),
        running: amount(row.running),
        done: amount(row.done),
        failed: amount(row.failed),
        cancelled: amount(row.cancelled),
        busy_ms: amount(row.busy_ms),
        first_started_at: moment(row.first_started_at),
        last_finished_at: moment(row.last_finished_at),
      },
    ]),
  );
}

async function readDurations({ sql }: Reader, { experiment_id, grouping, sample }: Looked): Promise<Map<string, DurationSpread>> {
  const at = (rank: string): string => `max(case when place = ${rank} then ms end)`;
  const rows = await sql.all<DurationSpread & { name: string }>(
    `select name, max(n) as count, min(ms) as least, ${at('(n + 3) / 4')} as lower_quartile, ${at('(n + 1) / 2')} as median,
        ${at('(3 * n + 3) / 4')} as upper_quartile, max(ms) as greatest, cast(avg(ms) as double precision) as mean
      from (select name, ms, row_number() over (partition by name order by ms) as place, count(*) over (partition by name) as n
        from (select ${workerGroup(sql.dialect, grouping, 'job.worker_id')} as name, job.duration_ms as ms from ${ofSample(sql.dialect)}
          and job.status = 'done' and job.worker_id is not null and job.duration_ms is not null) as durations) as placed
      group by name`,
    [sample.numbers, experiment_id],
  );
  return new Map(rows.map(({ name, ...spread }) => [name, numbersOf(spread)]));
}

function numbersOf(spread: DurationSpread): DurationSpread {
  return Object.fromEntries(Object.entries(spread).map(([field, value]) => [field, Number(value)])) as unknown as DurationSpread;
}

async function readAttempts({ sql }: Reader, { experiment_id, grouping, sample }: Looked): Promise<Map<string, MachineRecord['attempts']>> {
  const rows = await sql.all<{ name: string; outcome: 'failed' | 'timed_out' | 'lost'; n: number }>(
    `select ${workerGroup(sql.dialect, grouping, 'attempt.worker_id')} as name, attempt.outcome, count(*) as n from ${ofSample(sql.dialect, 'cross join attempt')}
      and attempt.job_id = job.id and attempt.outcome in ('failed', 'timed_out', 'lost') group by 1, 2`,
    [sample.numbers, experiment_id],
  );
  const found = new Map<string, { failed: number; timed_out: number; lost: number }>();
  for (const row of rows) {
    const known = found.get(row.name) ?? { ...NO_ATTEMPTS };
    known[row.outcome] += Number(row.n);
    found.set(row.name, known);
  }
  return found;
}

export interface ValueRecord {
  /** JSON, cut if it is long; null for jobs without the param. */
  readonly value: string | null;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
}

export interface FailuresByValue {
  readonly values: readonly ValueRecord[];
  readonly left_out: number;
  readonly sampled: Sampled;
}

export interface FailureRequest {
  readonly experiment_id: number;
  readonly param: string;
  readonly filter: JobFilter;
}

/** The values with the most jobs. */
export async function readFailuresByValue(reader: Reader, { experiment_id, param, filter }: FailureRequest): Promise<FailuresByValue> {
  const { sql } = reader;
  const sample = await sampleJobs(reader, { experiment_id, statuses: ['done', 'aborted'], filter });
  const rows = await sql.all<ValueRecord & { groups: number }>(
    `select value, count(case when status = 'done' then 1 end) as done, count(case when failed = 1 then 1 end) as failed,
        count(case when status = 'aborted' and failed = 0 then 1 end) as cancelled, count(*) over () as groups
      from (select substr(${paramText(sql.dialect)}, 1, ${LIMITS.chart_text_characters.value + 2}) as value, job.status, case when ${FAILED} then 1 else 0 end as failed
        from ${ofSample(sql.dialect)}) as ends
      group by value order by count(*) desc, value limit ?`,
    [paramPath(sql.dialect, param), sample.numbers, experiment_id, LIMITS.chart_groups.value],
  );
  return {
    values: rows.map((row) => ({ value: row.value, done: Number(row.done), failed: Number(row.failed), cancelled: Number(row.cancelled) })),
    left_out: Math.max(0, Number(rows[0]?.groups ?? 0) - rows.length),
    sampled: { of: sample.of, taken: sample.taken },
  };
}
