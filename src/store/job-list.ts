// One page of jobs. Paging is by key, so page 20,000 costs what page 1 costs. A filter that names few jobs is looked at whole; else a
// search walks its own index in order, or the jobs of the statuses are read in lanes.
import { JOB_STATUSES, type JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';

import { readCounts } from './experiments.ts';
import { type IndexedColumn, type Lanes, type Position, positionOf, readLanes } from './job-lanes.ts';
import { filterWhere, type JobFilter, type Where } from './job-search.ts';
import { type SmallSet, smallSet } from './job-sets.ts';
import { startWalk, type Walk } from './job-walk.ts';
import { JOB_COLUMNS, JOB_JOINS, type JobRecord, toJobRecord } from './job-rows.ts';
import { chosenNumbers, type Sql, type SqlValue, valueSet } from './sql.ts';
import type { Reader } from './store.ts';

export type JobSort =
  'number' | 'created_at' | 'started_at' | 'finished_at' | 'duration_ms' | 'status' | 'priority' | 'worker_id' | 'attempts' | 'progress' | `metric:${string}`;

export interface JobPageRequest {
  readonly filter: JobFilter;
  readonly sort: JobSort;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  /** From the page before; opaque to callers. */
  readonly cursor: string | null;
}

export interface JobPage {
  readonly jobs: readonly JobRecord[];
  readonly next_cursor: string | null;
}

const INDEXED: ReadonlySet<string> = new Set(['started_at', 'finished_at', 'duration_ms'] satisfies IndexedColumn[]);
/** Steps of a walk that a count takes before it says "at least". */
const COUNT_STEPS = 3;
/** Steps of a walk that one page takes. */
const PAGE_STEPS = 40;

export async function listJobs(reader: Reader, experimentId: number, request: JobPageRequest): Promise<JobPage> {
  const { filter, sort } = request;
  const position = readCursor(request.cursor, sort);
  const byNumber = sort === 'number' || sort === 'created_at';
  const set = await smallSet(reader.sql, experimentId, filter);
  if (!byNumber && !INDEXED.has(sort)) {
    const where = await filterWhere(reader, experimentId, set === null ? filter : { ...set.filter, numbers: set.numbers });
    const value = computedValue(sort);
    if (value !== null) return computedPage(reader, { request, position, where, value, experimentId });
    return smallPage(reader, where, request, position);
  }
  if (set !== null) {
    const rest = await filterWhere(reader, experimentId, set.filter, true);
    return byNumber ? setPage(reader, { request, position, set, rest }) : sortedSetPage(reader, { request, position, set, rest });
  }
  const walk = byNumber ? await startWalk(reader.sql, experimentId, filter.terms ?? [], request.order) : null;
  if (walk !== null && !(await areFewer(reader, { experimentId, filter, walk }))) {
    return walkPage(reader, { request, position, walk, rest: await filterWhere(reader, experimentId, withoutTerm(filter, walk), true) });
  }
  return lanesPage(reader, experimentId, request, position);
}

/** Jobs of a walk that are counted to compare them with those of some statuses. */
const COMPARED = 200_000;

/** Whether there are fewer jobs with these statuses than jobs that the walk meets. */
async function areFewer(reader: Reader, { experimentId, filter, walk }: { experimentId: number; filter: JobFilter; walk: Walk }): Promise<boolean> {
  if (filter.statuses === undefined || (filter.terms ?? []).some((term) => term.kind === 'text')) return false;
  const counts = (await readCounts(reader, [experimentId])).get(experimentId)!;
  const jobs = filter.statuses.reduce((sum, status) => sum + counts[status], 0);
  if (jobs > COMPARED) return false;
  return (await countMet(reader.sql, walk, jobs + 1)) > jobs;
}

/** How many jobs a walk meets, up to a limit. */
async function countMet(sql: Sql, walk: Walk, limit: number): Promise<number> {
  const [row] = await sql.all<{ n: number }>(
    `select count(*) as n from (select 1 from job_param where value_id in ${valueSet(sql.dialect, 'int')} limit ?) as met`,
    [JSON.stringify(walk.values), limit],
  );
  return Number(row!.n);
}

/** A page of a large list: see job-lanes. Jobs without a value of the sorted column come last, by number. */
async function lanesPage(reader: Reader, experimentId: number, request: JobPageRequest, position: Position | null): Promise<JobPage> {
  const { statuses, ...others } = request.filter;
  const column = INDEXED.has(request.sort) ? (request.sort as IndexedColumn) : null;
  const rest = Object.keys(others).length === 0 ? null : await filterWhere(reader, experimentId, others, true);
  const lanes = {
    ...{ experiment_id: experimentId, order: request.order, limit: request.limit + 1 },
    statuses: statuses === undefined ? (column === null ? null : JOB_STATUSES) : [...new Set(statuses)],
  };
  let rows: readonly JobRecord[] = [];
  if (column !== null && position?.value !== null) {
    const found = await readLanes(reader.sql, { ...lanes, column, rest, position });
    if (found.frontier !== null || found.rows.length > request.limit) return lanePage(found, request, column);
    rows = found.rows;
  }
  const withTail = column === null ? lanes.statuses : await lanesWithTail(reader, { experimentId, statuses: lanes.statuses ?? JOB_STATUSES, column });
  const without = column === null ? rest : await tailWhere(reader, experimentId, others, column);
  const tail = await readLanes(reader.sql, { ...lanes, statuses: withTail, column: null, rest: without, position: position?.value === null ? position : null });
  return lanePage({ rows: [...rows, ...tail.rows], frontier: tail.frontier }, request, column);
}

async function tailWhere(reader: Reader, experimentId: number, others: JobFilter, column: IndexedColumn): Promise<Where> {
  const where = await filterWhere(reader, experimentId, others, true);
  return { text: `${where.text} and job.${column} is null`, values: where.values };
}

/** A lane this short is walked without asking first. */
const SHORT_LANE = 1_000;

/** Statuses of which there may be jobs without a value: mostly all that ended have one, and walking them all would find nothing. */
async function lanesWithTail(
  reader: Reader,
  { experimentId, statuses, column }: { experimentId: number; statuses: readonly JobStatus[]; column: IndexedColumn },
): Promise<JobStatus[]> {
  const counts = (await readCounts(reader, [experimentId])).get(experimentId)!;
  const kept: JobStatus[] = [];
  for (const status of statuses) {
    if (counts[status] > SHORT_LANE) {
      const [row] = await reader.sql.all<{ n: number }>(`select count(*) as n from job where experiment_id = ? and status = ? and ${column} is not null`, [
        experimentId,
        status,
      ]);
      if (Number(row!.n) >= counts[status]) continue;
    }
    kept.push(status);
  }
  return kept;
}

function lanePage({ rows, frontier }: Lanes, request: JobPageRequest, column: IndexedColumn | null): JobPage {
  if (rows.length > request.limit) return toPage(rows, request, (job) => positionOf(job, column));
  return { jobs: rows, next_cursor: frontier === null ? null : writeCursor(frontier) };
}

/** Jobs of a set that are looked at in one step. */
const SET_STEP = 1_000;

/** The page of a small set in order of numbers. */
async function setPage(
  reader: Reader,
  { request, position, set, rest }: { request: JobPageRequest; position: Position | null; set: SmallSet; rest: Where },
): Promise<JobPage> {
  const down = request.order === 'desc';
  const numbers = set.numbers
    .filter((number) => position === null || (down ? number < position.number : number > position.number))
    .sort((a, b) => (down ? b - a : a - b));
  const rows: JobRecord[] = [];
  for (let from = 0; from < numbers.length && rows.length <= request.limit; from += SET_STEP) {
    const step = numbers.slice(from, from + SET_STEP);
    rows.push(...(await among(reader.sql, rest, { numbers: step, order: request.order, limit: request.limit + 1 - rows.length })));
  }
  return toPage(rows, request, numberPosition);
}

/** The page of a small set in order of a moment: all its places are sorted here. Jobs without a value come last, by number. */
async function sortedSetPage(
  reader: Reader,
  { request, position, set, rest }: { request: JobPageRequest; position: Position | null; set: SmallSet; rest: Where },
): Promise<JobPage> {
  const column = request.sort as IndexedColumn;
  const places = await reader.sql.all<Place>(
    `select job.number, job.${column} as value from ${chosenNumbers(reader.sql.dialect)} job where job.number = chosen and ${rest.text}`,
    [JSON.stringify(set.numbers), ...rest.values],
  );
  return placedPage(reader, { request, position, places, rest });
}

interface Place {
  readonly number: number;
  readonly value: number | null;
}

/** The page among all places of a list, which are sorted here. */
async function placedPage(
  reader: Reader,
  { request, position, places, rest }: { request: JobPageRequest; position: Position | null; places: readonly Place[]; rest: Where },
): Promise<JobPage> {
  const sign = request.order === 'desc' ? -1 : 1;
  const compare = (a: Position, b: Position): number => {
    if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null) || sign * (a.number - b.number);
    return sign * (Number(a.value) - Number(b.value) || a.number - b.number);
  };
  const sorted = places.filter((place) => position === null || compare(place, position) > 0).sort(compare);
  const page = sorted.slice(0, request.limit + 1).map((place) => Number(place.number));
  const found = await among(reader.sql, rest, { numbers: page, order: request.order, limit: page.length });
  const rows = found.sort((a, b) => page.indexOf(a.number) - page.indexOf(b.number));
  const valueOf = new Map(sorted.slice(0, page.length).map((place) => [Number(place.number), place.value]));
  return toPage(rows, request, (job) => ({ number: job.number, value: valueOf.get(job.number) ?? null }));
}

interface ComputedPage {
  readonly request: JobPageRequest;
  readonly position: Position | null;
  readonly where: Where;
  readonly value: Where;
  readonly experimentId: number;
}

/** The page in order of what is worked out for each job: only as many jobs as can be looked at for one page. */
async function computedPage(reader: Reader, { request, position, where, value, experimentId }: ComputedPage): Promise<JobPage> {
  await refuseMany(reader.sql, where, request);
  const places = await reader.sql.all<Place>(`select job.number, ${value.text} as value from job where ${where.text}`, [...value.values, ...where.values]);
  return placedPage(reader, { request, position, places, rest: await filterWhere(reader, experimentId, {}, true) });
}

/** What is sorted by where it is no column of the job: null for columns. Values of a metric are those that a table shows. */
function computedValue(sort: JobSort): Where | null {
  if (sort === 'progress') return { text: 'case when job.progress_total > 0 then job.progress_done / job.progress_total end', values: [] };
  if (!sort.startsWith('metric:')) return null;
  return {
    text: `(select m.last from metric_chunk m where m.job_id = job.id and m.attempt = job.attempts and m.rank = 0 and m.name = ? order by m.id desc limit 1)`,
    values: [sort.slice('metric:'.length)],
  };
}

/** The page in order of a column without an index: only as many rows as can be sorted at once. */
async function smallPage(reader: Reader, where: Where, request: JobPageRequest, position: Position | null): Promise<JobPage> {
  await refuseMany(reader.sql, where, request);
  const column = request.sort === 'worker_id' ? `coalesce(job.worker_id, '')` : `job.${request.sort}`;
  const side = request.order === 'desc' ? '<' : '>';
  const after = position === null ? '' : ` and (${column}, job.number) ${side} (?, ?)`;
  const rows = await selectJobs(reader.sql, {
    text: `${where.text}${after} order by ${column} ${request.order}, job.number ${request.order} limit ?`,
    values: [...where.values, ...(position === null ? [] : [position.value, position.number]), request.limit + 1],
  });
  return toPage(rows, request, (job) => ({ number: job.number, value: job[request.sort as 'worker_id'] ?? '' }));
}

async function refuseMany(sql: Sql, where: Where, request: JobPageRequest): Promise<void> {
  const limit = LIMITS.sorted_rows.value;
  if ((await countUpTo(sql, where, limit + 1)) <= limit) return;
  throw new Refusal(
    'too_many',
    `Sorting by ${request.sort} works for up to ${limit.toLocaleString('en-US')} jobs. Filter first, or sort by number, started, finished or duration.`,
  );
}

interface WalkedPage {
  readonly request: JobPageRequest;
  readonly position: Position | null;
  readonly walk: Walk;
  /** What else must hold. */
  readonly rest: Where;
}

/** The page in order of numbers, found by walking the jobs that have a value. */
async function walkPage(reader: Reader, { request, position, walk, rest }: WalkedPage): Promise<JobPage> {
  const rows: JobRecord[] = [];
  let at = position?.number ?? (request.order === 'desc' ? Number.MAX_SAFE_INTEGER : 0);
  for (let walked = 0, steps = 0; walked < LIMITS.walked_rows.value && steps < PAGE_STEPS && rows.length <= request.limit; steps += 1) {
    const numbers = await walk.next(at);
    if (numbers.length === 0) return toPage(rows, request, numberPosition);
    at = numbers.at(-1)!;
    walked += numbers.length;
    rows.push(...(await among(reader.sql, rest, { numbers, order: request.order, limit: request.limit + 1 - rows.length })));
  }
  if (rows.length > request.limit) return toPage(rows, request, numberPosition);
  // Enough was looked at for one page: the next one goes on from here.
  return { jobs: rows, next_cursor: writeCursor({ number: at, value: null }) };
}

function numberPosition(job: JobRecord): Position {
  return { number: job.number, value: null };
}

/** The jobs of a step that fit the rest of the filter. */
async function among(
  sql: Sql,
  rest: Where,
  { numbers, order, limit }: { numbers: readonly number[]; order: 'asc' | 'desc'; limit: number },
): Promise<JobRecord[]> {
  const rows = await sql.all<Parameters<typeof toJobRecord>[0]>(
    `select ${JOB_COLUMNS} from ${chosenNumbers(sql.dialect)} job ${JOB_JOINS} where job.number = chosen and ${rest.text} order by job.number ${order} limit ?`,
    [JSON.stringify(numbers), ...rest.values, limit],
  );
  return rows.map(toJobRecord);
}

async function countAmong(sql: Sql, rest: Where, numbers: readonly number[]): Promise<number> {
  const [row] = await sql.all<{ n: number }>(`select count(*) as n from ${chosenNumbers(sql.dialect)} job where job.number = chosen and ${rest.text}`, [
    JSON.stringify(numbers),
    ...rest.values,
  ]);
  return Number(row!.n);
}

function withoutTerm(filter: JobFilter, walk: Walk): JobFilter {
  return { ...filter, terms: (filter.terms ?? []).filter((term) => term !== walk.term) };
}

function isEmpty({ terms, ...others }: JobFilter): boolean {
  return (terms ?? []).length === 0 && Object.values(others).every((part) => part === undefined);
}

/** How many jobs a filter names: exact up to the limit, and as far as it may be looked. */
export async function countJobs(reader: Reader, experimentId: number, filter: JobFilter, limit: number): Promise<{ count: number; exact: boolean }> {
  const set = await smallSet(reader.sql, experimentId, filter);
  if (set !== null) {
    const count = await countAmong(reader.sql, await filterWhere(reader, experimentId, set.filter, true), set.numbers);
    return { count: Math.min(count, limit), exact: count <= limit };
  }
  const walk = await startWalk(reader.sql, experimentId, filter.terms ?? [], 'asc');
  if (walk === null) {
    const count = await countUpTo(reader.sql, await filterWhere(reader, experimentId, filter), limit + 1);
    return { count: Math.min(count, limit), exact: count <= limit };
  }
  const others = withoutTerm(filter, walk);
  if (walk.term.kind !== 'text' && isEmpty(others)) {
    // A job has at most one value of a name: the search index alone knows how many there are.
    const count = await countMet(reader.sql, walk, limit + 1);
    return { count: Math.min(count, limit), exact: count <= limit };
  }
  const rest = await filterWhere(reader, experimentId, others, true);
  let count = 0;
  let at = 0;
  for (let steps = 0; steps < COUNT_STEPS && count <= limit; steps += 1) {
    const numbers = await walk.next(at);
    if (numbers.length === 0) return { count: Math.min(count, limit), exact: count <= limit };
    at = numbers.at(-1)!;
    count += await countAmong(reader.sql, rest, numbers);
  }
  return { count: Math.min(count, limit), exact: false };
}

async function countUpTo(sql: Sql, where: Where, limit: number): Promise<number> {
  const [row] = await sql.all<{ n: number }>(`select count(*) as n from (select 1 from job where ${where.text} limit ?) as matched`, [...where.values, limit]);
  return Number(row!.n);
}

async function selectJobs(sql: Sql, where: Where): Promise<JobRecord[]> {
  const rows = await sql.all<Parameters<typeof toJobRecord>[0]>(`select ${JOB_COLUMNS} from job ${JOB_JOINS} where ${where.text}`, where.values);
  return rows.map(toJobRecord);
}

function toPage(rows: readonly JobRecord[], request: JobPageRequest, positionOf: (job: JobRecord) => Position): JobPage {
  const jobs = rows.slice(0, request.limit);
  return { jobs, next_cursor: rows.length > request.limit ? writeCursor(positionOf(jobs.at(-1)!)) : null };
}

function writeCursor(position: Position): string {
  return Buffer.from(JSON.stringify([position.number, position.value])).toString('base64url');
}

const TEXTUAL: ReadonlySet<JobSort> = new Set(['status', 'worker_id']);

/** What the order compares: a value of another kind is of a page in another order, and PostgreSQL would fail at it. */
function isValueOf(sort: JobSort, value: unknown): value is SqlValue {
  if (value === null) return true;
  if (TEXTUAL.has(sort)) return typeof value === 'string';
  return computedValue(sort) === null ? Number.isSafeInteger(value) : typeof value === 'number';
}

function readCursor(cursor: string | null, sort: JobSort): Position | null {
  if (cursor === null) return null;
  try {
    const parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    const [number, value] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
    if (Number.isSafeInteger(number) && isValueOf(sort, value)) return { number: number as number, value };
  } catch {
    // Told below.
  }
  throw new Refusal('invalid_input', 'The cursor is not one that this server gave out. Start again from the first page, without a cursor.', {
    fields: [{ path: 'cursor', message: 'It is not a cursor of this list and order.' }],
  });
}
