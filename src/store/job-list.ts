// One page of jobs. Paging is by key, so page 20,000 costs what page 1 costs; a search walks its own index in order.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';

import { filterWhere, type JobFilter, type Where } from './job-search.ts';
import { startWalk, type Walk } from './job-walk.ts';
import { JOB_COLUMNS, JOB_JOINS, type JobRecord, toJobRecord } from './job-rows.ts';
import { type Sql, type SqlValue, valueSet } from './sql.ts';
import type { Reader } from './store.ts';

export type JobSort = 'number' | 'created_at' | 'started_at' | 'finished_at' | 'duration_ms' | 'status' | 'priority' | 'worker_id' | 'attempts';

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

/** Where a page begins: after this number, or after this value and number of the sorted column. */
interface Position {
  readonly number: number;
  readonly value: SqlValue;
}

const INDEXED: ReadonlySet<JobSort> = new Set(['started_at', 'finished_at', 'duration_ms']);
/** Numbers that one page of a search looks at; the next page goes on where it stopped. */
const WALK_LIMIT = 20_000;
/** Steps of a walk that a count takes before it says "at least". */
const COUNT_STEPS = 10;

export async function listJobs(reader: Reader, experimentId: number, request: JobPageRequest): Promise<JobPage> {
  const position = readCursor(request.cursor);
  if (request.sort === 'number' || request.sort === 'created_at') {
    const walk = await startWalk(reader.sql, experimentId, request.filter.terms ?? [], request.order);
    if (walk !== null) return walkPage(reader, { request, position, walk, rest: await filterWhere(reader, experimentId, withoutTerm(request.filter, walk)) });
  }
  const where = await filterWhere(reader, experimentId, request.filter);
  if (request.sort === 'number' || request.sort === 'created_at') return numberPage(reader, where, request, position);
  if (INDEXED.has(request.sort)) return momentPage(reader, where, request, position);
  return smallPage(reader, where, request, position);
}

/** The page in order of numbers. */
async function numberPage(reader: Reader, where: Where, request: JobPageRequest, position: Position | null): Promise<JobPage> {
  const down = request.order === 'desc';
  const after = position === null ? '' : ` and job.number ${down ? '<' : '>'} ?`;
  const rows = await selectJobs(reader.sql, {
    text: `${where.text}${after} order by job.number ${request.order} limit ?`,
    values: [...where.values, ...(position === null ? [] : [position.number]), request.limit + 1],
  });
  return toPage(rows, request, (job) => ({ number: job.number, value: null }));
}

/** The page in order of a column with an index; jobs without a value come last, by number. */
async function momentPage(reader: Reader, where: Where, request: JobPageRequest, position: Position | null): Promise<JobPage> {
  const { sort, order, limit } = request;
  const side = order === 'desc' ? '<' : '>';
  const rows: JobRecord[] = [];
  if (position === null || position.value !== null) {
    const after = position === null ? '' : ` and (job.${sort}, job.number) ${side} (?, ?)`;
    rows.push(
      ...(await selectJobs(reader.sql, {
        text: `${where.text} and job.${sort} is not null${after} order by job.${sort} ${order}, job.number ${order} limit ?`,
        values: [...where.values, ...(position === null ? [] : [position.value, position.number]), limit + 1],
      })),
    );
  }
  if (rows.length <= limit) {
    const inTail = position !== null && position.value === null;
    rows.push(
      ...(await selectJobs(reader.sql, {
        text: `${where.text} and job.${sort} is null${inTail ? ` and job.number ${side} ?` : ''} order by job.number ${order} limit ?`,
        values: [...where.values, ...(inTail ? [position.number] : []), limit + 1 - rows.length],
      })),
    );
  }
  return toPage(rows, request, (job) => ({ number: job.number, value: job[sort as 'started_at'] }));
}

/** The page in order of a column without an index: only as many rows as can be sorted at once. */
async function smallPage(reader: Reader, where: Where, request: JobPageRequest, position: Position | null): Promise<JobPage> {
  const limit = LIMITS.sorted_rows.value;
  if ((await countUpTo(reader.sql, where, limit + 1)) > limit) {
    throw new Refusal(
      'too_many',
      `Sorting by ${request.sort} works for up to ${limit.toLocaleString('en-US')} jobs. Filter first, or sort by number, started, finished or duration.`,
    );
  }
  const column = request.sort === 'worker_id' ? `coalesce(job.worker_id, '')` : `job.${request.sort}`;
  const side = request.order === 'desc' ? '<' : '>';
  const after = position === null ? '' : ` and (${column}, job.number) ${side} (?, ?)`;
  const rows = await selectJobs(reader.sql, {
    text: `${where.text}${after} order by ${column} ${request.order}, job.number ${request.order} limit ?`,
    values: [...where.values, ...(position === null ? [] : [position.value, position.number]), request.limit + 1],
  });
  return toPage(rows, request, (job) => ({ number: job.number, value: job[request.sort as 'worker_id'] ?? '' }));
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
  for (let walked = 0; walked < WALK_LIMIT && rows.length <= request.limit;) {
    const numbers = await walk.next(at);
    if (numbers.length === 0) return toPage(rows, request, numberPosition);
    at = numbers.at(-1)!;
    walked += numbers.length;
    rows.push(...(await selectJobs(reader.sql, among(reader.sql, rest, { numbers, order: request.order, limit: request.limit + 1 - rows.length }))));
  }
  if (rows.length > request.limit) return toPage(rows, request, numberPosition);
  // Enough was looked at for one page: the next one goes on from here.
  return { jobs: rows, next_cursor: writeCursor({ number: at, value: null }) };
}

function numberPosition(job: JobRecord): Position {
  return { number: job.number, value: null };
}

/** The jobs of a step of a walk that fit the rest of the filter. */
function among(sql: Sql, rest: Where, { numbers, order, limit }: { numbers: readonly number[]; order: 'asc' | 'desc'; limit: number }): Where {
  return {
    text: `${rest.text} and job.number in ${valueSet(sql.dialect, 'int')} order by job.number ${order} limit ?`,
    values: [...rest.values, JSON.stringify(numbers), limit],
  };
}

function withoutTerm(filter: JobFilter, walk: Walk): JobFilter {
  return { ...filter, terms: (filter.terms ?? []).filter((term) => term !== walk.term) };
}

/** How many jobs a filter names: exact up to the limit, and as far as it may be looked. */
export async function countJobs(reader: Reader, experimentId: number, filter: JobFilter, limit: number): Promise<{ count: number; exact: boolean }> {
  const walk = await startWalk(reader.sql, experimentId, filter.terms ?? [], 'asc');
  if (walk === null) {
    const count = await countUpTo(reader.sql, await filterWhere(reader, experimentId, filter), limit + 1);
    return { count: Math.min(count, limit), exact: count <= limit };
  }
  const rest = await filterWhere(reader, experimentId, withoutTerm(filter, walk));
  let count = 0;
  let at = 0;
  for (let steps = 0; steps < COUNT_STEPS && count <= limit; steps += 1) {
    const numbers = await walk.next(at);
    if (numbers.length === 0) return { count: Math.min(count, limit), exact: count <= limit };
    at = numbers.at(-1)!;
    count += await countUpTo(
      reader.sql,
      { text: `${rest.text} and job.number in ${valueSet(reader.sql.dialect, 'int')}`, values: [...rest.values, JSON.stringify(numbers)] },
      limit + 1,
    );
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

function readCursor(cursor: string | null): Position | null {
  if (cursor === null) return null;
  try {
    const parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    if (Array.isArray(parsed) && Number.isSafeInteger(parsed[0]) && (parsed[1] === null || typeof parsed[1] === 'number' || typeof parsed[1] === 'string')) {
      return { number: parsed[0] as number, value: parsed[1] as SqlValue };
    }
  } catch {
    // Told below.
  }
  throw new Refusal('invalid_input', 'The cursor is not one that this server gave out. Start again from the first page, without a cursor.');
}
