// What the jobs page keeps in its URL, read back with care: people edit URLs by hand.
import { SORTS } from '../../contract/index.ts';
import { JOB_STATUSES, type JobStatus } from '../../core/job.ts';
import type { JobsQuery } from '../queries.ts';

export const PAGE_SIZES = [25, 50, 100, 250] as const;
const DEFAULT_PAGE_SIZE = 50;

export interface JobsSearch {
  readonly status?: JobStatus;
  readonly search?: string;
  readonly sort?: (typeof SORTS)[number];
  readonly order?: 'asc' | 'desc';
  readonly size?: number;
  /** Where the page begins, and its number for people. */
  readonly cursor?: string;
  readonly page?: number;
  /** The dialog to add jobs is open. */
  readonly add?: boolean;
}

export function readJobsSearch(raw: Record<string, unknown>): JobsSearch {
  const status = JOB_STATUSES.find((known) => known === raw['status']);
  const sort = SORTS.find((known) => known === raw['sort']);
  const size = PAGE_SIZES.find((known) => known === Number(raw['size']));
  const page = Number(raw['page']);
  const text = (name: string): string | undefined => (typeof raw[name] === 'string' && raw[name] !== '' ? raw[name] : undefined);
  const search = text('search');
  const cursor = text('cursor');
  return {
    ...(status === undefined ? {} : { status }),
    ...(search === undefined ? {} : { search }),
    ...(sort === undefined ? {} : { sort }),
    ...(raw['order'] === 'asc' || raw['order'] === 'desc' ? { order: raw['order'] } : {}),
    ...(size === undefined || size === DEFAULT_PAGE_SIZE ? {} : { size }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(cursor === undefined || !Number.isInteger(page) || page < 2 ? {} : { page }),
    ...(raw['add'] === true || raw['add'] === 'true' ? { add: true } : {}),
  };
}

export function jobsQuery(search: JobsSearch): JobsQuery {
  return {
    status: search.status,
    search: search.search,
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
