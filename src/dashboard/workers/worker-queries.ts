// Reads of one worker. Under `workers`, so that whatever a worker does makes them stale; its machine is measured all the time, so that is read by the clock.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';

import { api } from '../api.ts';
import { RANGES, type Range } from './workers-search.ts';

export type WorkerDetails = Awaited<ReturnType<typeof api.workers.get>>;

const PAGE = 20;
const POINTS = 180;
const HOUR_MS = 3_600_000;
const MEASURED_EVERY_MS = 15_000;

interface WorkerKey {
  readonly experiment: string;
  readonly worker: string;
}

export const workerQueries = {
  details: ({ experiment, worker }: WorkerKey) =>
    queryOptions({
      queryKey: ['workers', experiment, 'details', worker],
      queryFn: ({ signal }) => api.workers.get({ params: { experiment, worker } }, { signal }),
      retry: false,
    }),
  history: ({ experiment, worker }: WorkerKey) =>
    infiniteQueryOptions({
      queryKey: ['workers', experiment, 'history', worker],
      queryFn: ({ pageParam, signal }) =>
        api.workers.history({ params: { experiment, worker }, query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } }, { signal }),
      initialPageParam: null as string | null,
      getNextPageParam: (page) => page.next_cursor,
    }),
  /** `until`: of one that is gone, its last word; null: now. */
  machine: ({ experiment, worker }: WorkerKey, { range, until }: { range: Range; until: string | null }) =>
    queryOptions({
      queryKey: ['machine', experiment, worker, range, until],
      queryFn: ({ signal }) => {
        const end = until === null ? Date.now() : Date.parse(until);
        const from = new Date(end - RANGES[range] * HOUR_MS).toISOString();
        const query = { from, points: POINTS, ...(until === null ? {} : { until }) };
        return api.machines.series({ params: { experiment, worker }, query }, { signal });
      },
      placeholderData: keepPreviousData,
      staleTime: MEASURED_EVERY_MS,
    }),
  measuredEvery: MEASURED_EVERY_MS,
};
