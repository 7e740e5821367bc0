// Large lists, read in lanes: the jobs of one status lie in order in an index, so several statuses are merged as they come, and none is
// looked for among the others. A page looks at a bounded number of jobs; the next one goes on where it stopped.
import type { JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';

import { hasStarted, JOB_COLUMNS, JOB_JOINS, type JobRecord, toJobRecord } from './job-rows.ts';
import type { Where } from './job-search.ts';
import { chosenNumbers, type Sql, type SqlValue } from './sql.ts';

export type Order = 'asc' | 'desc';
export type IndexedColumn = 'started_at' | 'finished_at' | 'duration_ms';

/** Behind this number, or behind this value and number of the sorted column. */
export interface Position {
  readonly number: number;
  readonly value: SqlValue;
}

export interface LaneRequest {
  readonly experiment_id: number;
  /** A lane for each; null: one lane of all jobs, by number only. */
  readonly statuses: readonly JobStatus[] | null;
  /** In order of this column, jobs without a value left out; null: in order of the numbers. */
  readonly column: IndexedColumn | null;
  readonly order: Order;
  /** What else must hold; null: nothing. */
  readonly rest: Where | null;
  readonly position: Position | null;
  /** Rows that are enough. */
  readonly limit: number;
}

export interface Lanes {
  readonly rows: readonly JobRecord[];
  /** All jobs before this were looked at; null: all there are. */
  readonly frontier: Position | null;
}

export async function readLanes(sql: Sql, request: LaneRequest): Promise<Lanes> {
  const lanes = await Promise.all((request.statuses ?? [null]).map((status) => readLane(sql, request, status)));
  const before = inOrder(request);
  const frontiers = lanes.flatMap((lane) => (lane.frontier === null ? [] : [lane.frontier])).sort(before);
  const frontier = frontiers[0] ?? null;
  const rows = lanes
    .flatMap((lane) => lane.rows)
    .filter((job) => frontier === null || before(positionOf(job, request.column), frontier) <= 0)
    .sort((a, b) => before(positionOf(a, request.column), positionOf(b, request.column)));
  return { rows, frontier };
}

export function positionOf(job: JobRecord, column: IndexedColumn | null): Position {
  return { number: job.number, value: column === null ? null : job[column] };
}

function inOrder({ column, order }: LaneRequest): (a: Position, b: Position) => number {
  const sign = order === 'desc' ? -1 : 1;
  return (a, b) => sign * ((column === null ? 0 : Number(a.value) - Number(b.value)) || a.number - b.number);
}

const LONGEST_STEP = 5_000;
/** In the order of moments, neighbours lie far apart in the file: fewer can be looked at in the same time. */
const MOMENT_ROWS = LIMITS.walked_rows.value / 3;

async function readLane(sql: Sql, request: LaneRequest, status: JobStatus | null): Promise<Lanes> {
  if (request.rest === null) return readDirectly(sql, request, status);
  const rows: JobRecord[] = [];
  let at = request.position;
  const most = Math.ceil((request.column === null ? LIMITS.walked_rows.value : MOMENT_ROWS) / (request.statuses?.length ?? 1));
  for (let walked = 0, step = request.limit; walked < most; step = Math.min(step * 4, LONGEST_STEP)) {
    const keys = await nextKeys(sql, { request, status, at, step });
    walked += keys.length;
    const found = await rowsOf(sql, { request, rest: request.rest, status, keys });
    rows.push(...found);
    // There may be more among these keys than were asked for.
    if (found.length === request.limit) return { rows, frontier: positionOf(found.at(-1)!, request.column) };
    if (keys.length < step) return { rows, frontier: null };
    at = keys.at(-1)!;
    if (rows.length >= request.limit) break;
  }
  return { rows, frontier: at };
}

/** Every job of the lane fits. */
async function readDirectly(sql: Sql, request: LaneRequest, status: JobStatus | null): Promise<Lanes> {
  const lane = laneWhere(request, status, request.position);
  const rows = await sql.all<Parameters<typeof toJobRecord>[0]>(
    `select ${JOB_COLUMNS} from job ${JOB_JOINS} where ${lane.text} order by ${orderOf(request)} limit ?`,
    [...lane.values, request.limit],
  );
  const jobs = rows.map(toJobRecord);
  return { rows: jobs, frontier: jobs.length < request.limit ? null : positionOf(jobs.at(-1)!, request.column) };
}

function laneWhere({ experiment_id, column, order }: LaneRequest, status: JobStatus | null, at: Position | null): Where {
  const side = order === 'desc' ? '<' : '>';
  const parts: Where[] = [{ text: 'job.experiment_id = ?', values: [experiment_id] }];
  if (status !== null) parts.push({ text: 'job.status = ?', values: [status] });
  if (column === 'started_at' && status !== null) parts.push({ text: hasStarted(status, 'job.'), values: [] });
  else if (column !== null) parts.push({ text: `job.${column} is not null`, values: [] });
  if (at !== null && column === null) parts.push({ text: `job.number ${side} ?`, values: [at.number] });
  if (at !== null && column !== null) parts.push({ text: `(job.${column}, job.number) ${side} (?, ?)`, values: [at.value, at.number] });
  return { text: parts.map((part) => part.text).join(' and '), values: parts.flatMap((part) => part.values) };
}

function orderOf({ column, order }: LaneRequest): string {
  return column === null ? `job.number ${order}` : `job.${column} ${order}, job.number ${order}`;
}

interface Step {
  readonly request: LaneRequest;
  readonly status: JobStatus | null;
  readonly at: Position | null;
  readonly step: number;
}

/** The next places of a lane, from its index alone. */
async function nextKeys(sql: Sql, { request, status, at, step }: Step): Promise<Position[]> {
  const lane = laneWhere(request, status, at);
  const value = request.column === null ? 'null' : `job.${request.column}`;
  const rows = await sql.all<{ number: number; value: number | null }>(
    `select job.number, ${value} as value from job where ${lane.text} order by ${orderOf(request)} limit ?`,
    [...lane.values, step],
  );
  return rows.map((row) => ({ number: Number(row.number), value: row.value === null ? null : Number(row.value) }));
}

interface Found {
  readonly request: LaneRequest;
  readonly rest: Where;
  readonly status: JobStatus | null;
  readonly keys: readonly Position[];
}

/** The jobs at these places that fit. */
async function rowsOf(sql: Sql, { request, rest, status, keys }: Found): Promise<JobRecord[]> {
  if (keys.length === 0) return [];
  const is = status === null ? { text: '', values: [] } : { text: ` and (job.status || '') = ?`, values: [status] };
  const rows = await sql.all<Parameters<typeof toJobRecord>[0]>(
    `select ${JOB_COLUMNS} from ${chosenNumbers(sql.dialect)} job ${JOB_JOINS} where job.number = chosen and ${rest.text}${is.text}
      order by ${request.column === null ? 'job.number' : `job.${request.column} + 0 ${request.order}, job.number`} ${request.order} limit ?`,
    [JSON.stringify(keys.map((key) => key.number)), ...rest.values, ...is.values, request.limit],
  );
  return rows.map(toJobRecord);
}
