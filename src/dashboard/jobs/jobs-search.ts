// What the jobs page keeps in its URL, read back with care: people edit URLs by hand.
import { type JobSort, Sort } from '../../contract/index.ts';
import { JOB_STATUSES, type JobStatus } from '../../core/job.ts';
import { readColumns, writeColumns } from './columns.ts';

export const PAGE_SIZES = [25, 50, 100, 250] as const;
const DEFAULT_PAGE_SIZE = 50;

export interface JobsQuery {
  readonly status?: JobStatus | undefined;
  readonly search?: string | undefined;
  readonly numbers?: string | undefined;
  readonly matrix_id?: number | undefined;
  readonly sort: JobSort;
  readonly order: 'asc' | 'desc';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface JobsSearch {
  readonly status?: JobStatus;
  readonly search?: string;
  /** Only the jobs of this matrix. */
  readonly matrix?: number;
  readonly sort?: JobSort;
  readonly order?: 'asc' | 'desc';
  readonly size?: number;
  /** Where the page begins, and its number for people. */
  readonly cursor?: string;
  readonly page?: number;
  /** Rows on the pages before, when not all of them were full. */
  readonly before?: number;
  /** Jobs that pages before looked at in vain, at least. */
  readonly searched?: number;
  /** Columns of the table, as columns.ts writes them; left out: those that this browser remembers. */
  readonly columns?: string;
  /** The job that is open beside the list. */
  readonly job?: number;
  /** The dialog to add jobs is open. */
  readonly add?: boolean;
  /** It begins with what this matrix was made of. */
  readonly like?: number;
}

export function readJobsSearch(raw: Record<string, unknown>): JobsSearch {
  const status = JOB_STATUSES.find((known) => known === raw['status']);
  const sort = Sort.safeParse(raw['sort']).data;
  const size = PAGE_SIZES.find((known) => known === Number(raw['size']));
  const page = Number(raw['page']);
  const id = (name: 'matrix' | 'like' | 'job'): Partial<JobsSearch> => {
    const value = Number(raw[name]);
    return Number.isSafeInteger(value) && value > 0 ? { [name]: value } : {};
  };
  const amount = (name: 'before' | 'searched'): Partial<JobsSearch> => {
    const value = Number(raw[name]);
    return cursor === undefined || raw[name] === undefined || !Number.isSafeInteger(value) || value < 0 ? {} : { [name]: value };
  };
  const text = (name: string): string | undefined => (typeof raw[name] === 'string' && raw[name] !== '' ? raw[name] : undefined);
  const search = text('search');
  const cursor = text('cursor');
  const columns = readColumns(raw['columns']);
  return {
    ...(status === undefined ? {} : { status }),
    ...(search === undefined ? {} : { search }),
    ...id('matrix'),
    ...id('job'),
    ...(sort === undefined ? {} : { sort }),
    ...(raw['order'] === 'asc' || raw['order'] === 'desc' ? { order: raw['order'] } : {}),
    ...(size === undefined || size === DEFAULT_PAGE_SIZE ? {} : { size }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(cursor === undefined || !Number.isInteger(page) || page < 2 ? {} : { page }),
    ...amount('before'),
    ...amount('searched'),
    ...(raw['add'] === true || raw['add'] === 'true' ? { add: true, ...id('like') } : {}),
    ...(columns === undefined ? {} : { columns: writeColumns(columns) }),
  };
}

export function jobsQuery(search: JobsSearch): JobsQuery {
  return {
    status: search.status,
    search: search.search,
    matrix_id: search.matrix,
    sort: search.sort ?? 'number',
    order: search.order ?? 'desc',
    limit: search.size ?? DEFAULT_PAGE_SIZE,
    cursor: search.cursor,
  };
}

/** A change of filter or order begins at the first page again. */
export function withFilter(search: JobsSearch, change: Partial<Record<keyof JobsSearch, unknown>>): JobsSearch {
  return readJobsSearch({ ...search, cursor: undefined, page: undefined, ...change });
}

/** Rows on the pages before this one. */
export function rowsBefore(search: JobsSearch): number {
  return search.before ?? ((search.page ?? 1) - 1) * jobsQuery(search).limit;
}

export interface FoundPage {
  readonly rows: number;
  readonly next_cursor: string;
  /** Jobs looked at in vain, pages before included. */
  readonly searched: number | null;
}

export function nextPage(search: JobsSearch, { rows, next_cursor, searched }: FoundPage): JobsSearch {
  const page = search.page ?? 1;
  const before = rowsBefore(search) + rows;
  const full = before === page * jobsQuery(search).limit;
  return readJobsSearch({
    ...search,
    cursor: next_cursor,
    page: page + 1,
    before: full ? undefined : before,
    searched: searched === null || searched === 0 ? undefined : searched,
  });
}
