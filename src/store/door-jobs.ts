// Jobs as JobDistributor's job library asks for them: pages by number, with what happened to each.
import type { JobStatus } from '../core/job.ts';

import type { AttemptTable, JobTable } from './schema.ts';
import { type SqlValue, valueSet } from './sql.ts';
import type { Reader } from './store.ts';

export type DoorJob = Pick<
  JobTable,
  'id' | 'number' | 'status' | 'params_json' | 'message' | 'worker_id' | 'created_at' | 'started_at' | 'finished_at' | 'duration_ms' | 'attempts'
>;

export interface DoorJobQuestion {
  readonly experiment_id: number;
  readonly status: JobStatus | null;
  /** Numbers: nothing else is asked for. */
  readonly numbers: readonly number[] | null;
  /** A worker's id, or the beginning of one up to a `_`; in any case. */
  readonly worker: string | null;
}

function whereOf(reader: Pick<Reader, 'sql'>, { experiment_id, status, numbers, worker }: DoorJobQuestion): { text: string; values: SqlValue[] } {
  const parts = ['experiment_id = ?'];
  const values: SqlValue[] = [experiment_id];
  if (status !== null) {
    parts.push('status = ?');
    values.push(status);
  }
  if (numbers !== null) {
    parts.push(`number in ${valueSet(reader.sql.dialect, 'int')}`);
    values.push(JSON.stringify(numbers));
  }
  if (worker !== null) {
    const id = worker.toLowerCase();
    // The characters behind `_` in the alphabet end the range of what begins with it.
    parts.push('(worker_id = ? or (worker_id >= ? and worker_id < ?))');
    values.push(id, `${id}_`, `${id}\u0060`);
  }
  return { text: parts.join(' and '), values };
}

const COLUMNS = 'id, number, status, params_json, message, worker_id, created_at, started_at, finished_at, duration_ms, attempts';

export async function doorJobs(reader: Pick<Reader, 'sql'>, question: DoorJobQuestion, page: { limit: number; offset: number }): Promise<DoorJob[]> {
  const where = whereOf(reader, question);
  return reader.sql.all<DoorJob>(`select ${COLUMNS} from job where ${where.text} order by number limit ? offset ?`, [...where.values, page.limit, page.offset]);
}

export async function countDoorJobs(reader: Pick<Reader, 'sql'>, question: DoorJobQuestion): Promise<number> {
  const where = whereOf(reader, question);
  const [row] = await reader.sql.all<{ n: number }>(`select count(*) as n from job where ${where.text}`, where.values);
  return Number(row!.n);
}

export type DoorAttempt = Pick<
  AttemptTable,
  'job_id' | 'attempt' | 'agent_id' | 'worker_id' | 'outcome' | 'claimed_at' | 'finished_at' | 'recorded_at' | 'message'
>;

/** The newest attempts of each of these jobs, oldest first. */
export async function doorAttempts(reader: Pick<Reader, 'sql'>, jobs: readonly DoorJob[], most: number): Promise<Map<number, DoorAttempt[]>> {
  const tried = jobs.filter(({ attempts }) => attempts > 0);
  if (tried.length === 0) return new Map();
  const rows = await reader.sql.all<DoorAttempt>(
    `select attempt.job_id, attempt.attempt, attempt.agent_id, attempt.worker_id, attempt.outcome, attempt.claimed_at, attempt.finished_at, attempt.recorded_at, attempt.message
      from attempt join job on job.id = attempt.job_id
      where attempt.job_id in ${valueSet(reader.sql.dialect, 'int')} and attempt.rank = 0 and attempt.attempt > job.attempts - ?
      order by attempt.job_id, attempt.attempt`,
    [JSON.stringify(tried.map(({ id }) => id)), most],
  );
  const found = new Map<number, DoorAttempt[]>();
  for (const row of rows) found.set(row.job_id, [...(found.get(row.job_id) ?? []), row]);
  return found;
}

export interface AgentNow {
  readonly metrics_json: string | null;
  readonly heard_at: number | null;
}

export async function agentsNow(reader: Pick<Reader, 'sql'>, ids: readonly number[]): Promise<Map<number, AgentNow>> {
  if (ids.length === 0) return new Map();
  const rows = await reader.sql.all<AgentNow & { id: number }>(
    `select id, metrics_json, heard_at from agent where id in ${valueSet(reader.sql.dialect, 'int')}`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
