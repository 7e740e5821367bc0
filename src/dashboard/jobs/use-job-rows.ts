// The rows of one page of jobs, kept in place: what changes is shown where it stands; what would come or go waits until it is asked for.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { formatRanges, toRanges } from '../../core/identifiers.ts';
import type { api } from '../api.ts';
import { usePacedReading } from '../live/use-paced-reading.ts';
import { queries } from '../queries.ts';
import type { JobsQuery } from './jobs-search.ts';
import { movedRows } from './moved-rows.ts';
import { AHEAD_MS } from './use-ahead.ts';

export interface JobRow {
  readonly job: JobShape;
  /** It no longer fits the filter, or stands on another page now. */
  readonly left: boolean;
}

export type WorkerMachines = Awaited<ReturnType<typeof api.jobs.list>>['workers'];

export interface JobRows {
  readonly rows: readonly JobRow[];
  /** By the ids of workers. */
  readonly machines: WorkerMachines;
  /** Rows that would come if the page were loaded anew, rows that would go, and rows that would stand in another place. */
  readonly news: { readonly added: number; readonly left: number; readonly moved: number };
  readonly showNews: () => void;
  readonly nextCursor: string | null;
  /** The next page is wanted soon, it seems: it is fetched. */
  readonly fetchNext: () => void;
  readonly total: { readonly count: number; readonly exact: boolean } | null;
  /** Answers of the server that were joined for this page because each found too little. */
  readonly shortAnswers: number;
  /** The page is not full, although not all jobs were looked at. */
  readonly short: boolean;
  readonly pending: boolean;
  /** Rows of the page before are shown while these are fetched. */
  readonly stale: boolean;
  readonly error: unknown;
  readonly retry: () => void;
}

const ORDER_REST_MS = 2_000;

interface Shown {
  readonly key: string;
  readonly numbers: readonly number[];
}

export function useJobRows(experiment: string, query: JobsQuery): JobRows {
  const client = useQueryClient();
  const page = useQuery(queries.jobs(experiment, query));
  // A value that arrives is no news of the job itself, but of its place in this order.
  usePacedReading({ topic: 'metrics', experiment, reads: 'jobs', least_rest_ms: ORDER_REST_MS, every: null, on: query.sort.startsWith('metric:') });
  const key = `${experiment} ${JSON.stringify(query)}`;
  const [shown, setShown] = useState<Shown>({ key: '', numbers: [] });
  const fresh = page.data?.jobs ?? [];
  const numbers = fresh.map((job) => job.number);
  const current = page.data !== undefined && !page.isPlaceholderData;
  const adopt = current && (shown.key !== key || isGrown(shown.numbers, numbers));
  if (adopt) setShown({ key, numbers });
  const kept = adopt || !current ? numbers : shown.numbers;

  const byNumber = new Map(fresh.map((job) => [job.number, job]));
  const missing = kept.filter((number) => !byNumber.has(number));
  const others = useQuery({
    ...queries.jobs(experiment, { numbers: formatRanges(toRanges(missing)), sort: 'number', order: 'asc', limit: Math.max(1, missing.length) }),
    enabled: missing.length > 0,
  });
  const leftJobs = new Map((missing.length === 0 ? [] : (others.data?.jobs ?? [])).map((job) => [job.number, job]));
  const rows = kept.flatMap((number): JobRow[] => {
    const job = byNumber.get(number);
    if (job !== undefined) return [{ job, left: false }];
    const gone = leftJobs.get(number);
    return gone === undefined ? [] : [{ job: gone, left: true }];
  });
  const keptSet = new Set(kept);
  return {
    rows,
    machines: { ...page.data?.workers, ...(missing.length === 0 ? {} : others.data?.workers) },
    news: { added: numbers.filter((number) => !keptSet.has(number)).length, left: leftJobs.size, moved: current ? movedRows(kept, numbers) : 0 },
    showNews: () => setShown({ key, numbers }),
    nextCursor: page.data?.next_cursor ?? null,
    fetchNext() {
      const cursor = page.data?.next_cursor ?? null;
      if (cursor !== null && current) void client.prefetchQuery({ ...queries.jobs(experiment, { ...query, cursor }), staleTime: AHEAD_MS });
    },
    total: page.data?.total ?? null,
    shortAnswers: page.isPlaceholderData ? 0 : (page.data?.short_answers ?? 0),
    short: page.data !== undefined && page.data.next_cursor !== null && fresh.length < query.limit,
    pending: page.isPending,
    stale: page.isPlaceholderData,
    error: page.error,
    retry: () => void page.refetch(),
  };
}

/** Only new rows at the end: nothing that is being read moves. */
function isGrown(before: readonly number[], after: readonly number[]): boolean {
  return after.length > before.length && before.every((number, index) => number === after[index]);
}
