// Reads of the charts page and of jobs that are compared. Their keys begin with `chart`, which no event makes stale by itself: see use-live-charts.ts.
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { api } from '../api.ts';

type Query<Name extends keyof typeof api.charts> = NonNullable<Parameters<(typeof api.charts)[Name]>[0]> extends { query?: infer Q } ? NonNullable<Q> : never;
export type ChartReply<Name extends keyof typeof api.charts> = Awaited<ReturnType<(typeof api.charts)[Name]>>;

const kept = { placeholderData: keepPreviousData, staleTime: 10_000 } as const;

export const chartQueries = {
  compared: (experiment: string, numbers: string) =>
    queryOptions({
      queryKey: ['chart', experiment, 'compared', numbers],
      queryFn: ({ signal }) => api.compare.jobs({ params: { experiment }, query: { numbers } }, { signal }),
      ...kept,
    }),
  curves: (experiment: string, query: { readonly numbers: string; readonly metric: string }) =>
    queryOptions({
      queryKey: ['chart', experiment, 'curves', query],
      queryFn: ({ signal }) => api.compare.curves({ params: { experiment }, query }, { signal }),
      ...kept,
    }),
  fields: (experiment: string) =>
    queryOptions({ queryKey: ['chart', experiment, 'fields'], queryFn: ({ signal }) => api.charts.fields({ params: { experiment } }, { signal }), ...kept }),
  activity: (experiment: string, query: Omit<Query<'activity'>, 'offset_minutes'>) =>
    queryOptions({
      queryKey: ['chart', experiment, 'activity', query],
      // Days begin at the viewer's midnight.
      queryFn: ({ signal }) =>
        api.charts.activity({ params: { experiment }, query: { ...query, offset_minutes: -new Date().getTimezoneOffset() } }, { signal }),
      ...kept,
    }),
  machines: (experiment: string, query: Query<'machines'>) =>
    queryOptions({
      queryKey: ['chart', experiment, 'machines', query],
      queryFn: ({ signal }) => api.charts.machines({ params: { experiment }, query }, { signal }),
      ...kept,
    }),
  failures: (experiment: string, query: Query<'failures'>) =>
    queryOptions({
      queryKey: ['chart', experiment, 'failures', query],
      queryFn: ({ signal }) => api.charts.failures({ params: { experiment }, query }, { signal }),
      ...kept,
    }),
  results: (experiment: string, query: Query<'results'>) =>
    queryOptions({
      queryKey: ['chart', experiment, 'results', query],
      queryFn: ({ signal }) => api.charts.results({ params: { experiment }, query }, { signal }),
      ...kept,
    }),
  replicates: (experiment: string, query: Query<'replicates'>) =>
    queryOptions({
      queryKey: ['chart', experiment, 'replicates', query],
      queryFn: ({ signal }) => api.charts.replicates({ params: { experiment }, query }, { signal }),
      ...kept,
    }),
};
