// Every read of the dashboard: its key and how it is fetched. A key is [topic, experiment, job number, …], so that an
// event can name what it makes stale (live/event-topics.ts).
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import { api } from './api.ts';
import { readJobsPage } from './jobs/jobs-page.ts';
import type { JobsQuery } from './jobs/jobs-search.ts';

export const TOPICS = [
  'session',
  'experiments',
  'experiment',
  'jobs',
  'job',
  'operations',
  'matrices',
  'views',
  'tags',
  'workers',
  'history',
  'artifacts',
  'metrics',
  'charts',
  'log',
  'pin',
] as const;
export type Topic = (typeof TOPICS)[number];

export interface JobKey {
  readonly experiment: string;
  readonly number: number;
}

export const queries = {
  session: () => queryOptions({ queryKey: ['session'], queryFn: ({ signal }) => api.access.whoami({}, { signal }), staleTime: Infinity }),
  experiments: () => queryOptions({ queryKey: ['experiments'], queryFn: ({ signal }) => api.experiments.list({}, { signal }) }),
  experiment: (experiment: string) =>
    queryOptions({ queryKey: ['experiment', experiment], queryFn: ({ signal }) => api.experiments.get({ params: { experiment } }, { signal }) }),
  jobs: (experiment: string, query: JobsQuery) =>
    queryOptions({
      queryKey: ['jobs', experiment, query],
      queryFn: ({ signal }) => readJobsPage(query, (next) => api.jobs.list({ params: { experiment }, query: next }, { signal })),
      placeholderData: keepPreviousData,
    }),
  job: ({ experiment, number }: JobKey) =>
    queryOptions({ queryKey: ['job', experiment, number], queryFn: ({ signal }) => api.jobs.get({ params: { experiment, number } }, { signal }) }),
  /** Under `workers`: what workers do is what changes it. */
  wait: ({ experiment, number }: JobKey) =>
    queryOptions({
      queryKey: ['workers', experiment, 'wait', number],
      queryFn: ({ signal }) => api.jobs.wait({ params: { experiment, number } }, { signal }),
      placeholderData: keepPreviousData,
    }),
  operations: (experiment: string) =>
    queryOptions({ queryKey: ['operations', experiment], queryFn: ({ signal }) => api.jobs.operations({ params: { experiment } }, { signal }) }),
  matrices: (experiment: string, before: number | undefined) =>
    queryOptions({
      queryKey: ['matrices', experiment, before ?? null],
      queryFn: ({ signal }) => api.matrices.list({ params: { experiment }, query: before === undefined ? {} : { before } }, { signal }),
      placeholderData: keepPreviousData,
    }),
  /** It never changes but in how far it is expanded. */
  matrix: (experiment: string, id: number) =>
    queryOptions({
      queryKey: ['matrix', experiment, id],
      queryFn: ({ signal }) => api.matrices.get({ params: { experiment, matrix_id: id } }, { signal }),
      staleTime: Infinity,
    }),
  tags: (experiment: string) =>
    queryOptions({ queryKey: ['tags', experiment], queryFn: ({ signal }) => api.jobs.tags({ params: { experiment } }, { signal }) }),
  views: (experiment: string) =>
    queryOptions({ queryKey: ['views', experiment], queryFn: ({ signal }) => api.views.list({ params: { experiment } }, { signal }) }),
  workers: (experiment: string) =>
    queryOptions({
      queryKey: ['workers', experiment],
      queryFn: ({ signal }) => api.workers.list({ params: { experiment }, query: { state: 'all' } }, { signal }),
    }),
  history: ({ experiment, number }: JobKey, limit: number) =>
    queryOptions({
      queryKey: ['history', experiment, number, limit],
      queryFn: ({ signal }) => api.server.history({ params: { experiment }, query: { number, limit } }, { signal }),
      placeholderData: keepPreviousData,
    }),
  artifacts: ({ experiment, number }: JobKey) =>
    queryOptions({
      queryKey: ['artifacts', experiment, number],
      queryFn: ({ signal }) => api.results.artifacts({ params: { experiment, number } }, { signal }),
    }),
  metricNames: ({ experiment, number }: JobKey) =>
    queryOptions({
      queryKey: ['metrics', experiment, number],
      queryFn: ({ signal }) => api.results.metricNames({ params: { experiment, number } }, { signal }),
    }),
  metricSeries: ({ experiment, number }: JobKey, name: string) =>
    queryOptions({
      queryKey: ['metrics', experiment, number, name],
      queryFn: ({ signal }) => api.results.metricSeries({ params: { experiment, number }, query: { name, points: 800 } }, { signal }),
    }),
  /** Their key names no job: a metric of any job makes them stale. */
  latestMetrics: (experiment: string, numbers: string, names: readonly string[]) =>
    queryOptions({
      queryKey: ['metrics', experiment, 'latest', numbers, names],
      queryFn: ({ signal }) => api.results.latestMetrics({ params: { experiment }, query: { numbers, metric: [...names] } }, { signal }),
      placeholderData: keepPreviousData,
    }),
  /** Costs nothing and is made stale by everything that charts show: what follows it decides how often to read (see use-live-charts.ts). */
  chartPulse: (experiment: string) => queryOptions({ queryKey: ['charts', experiment], queryFn: () => Date.now(), staleTime: Infinity }),
  pin: (experiment: string) =>
    queryOptions({
      queryKey: ['pin', experiment],
      queryFn: ({ signal }) => api.experiments.pin({ params: { experiment } }, { signal }),
      staleTime: 0,
      gcTime: 0,
    }),
};
