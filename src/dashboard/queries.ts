// Every read of the dashboard: its key and how it is fetched. A key is [topic, experiment, job number, …], so that an
// event can name what it makes stale (live/event-topics.ts).
import { keepPreviousData, queryOptions } from '@tanstack/react-query';

import type { AttemptShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
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
  'variables',
  'tags',
  'workers',
  'history',
  'artifacts',
  'metrics',
  'charts',
  'log',
  'pin',
  'keys',
] as const;
export type Topic = (typeof TOPICS)[number];

export interface JobKey {
  readonly experiment: string;
  readonly number: number;
}

type MeasuredAttempt = Pick<AttemptShape, 'attempt' | 'worker_id' | 'claimed_at' | 'started_at' | 'finished_at'>;

/** Two samples of a machine are about so far apart. */
const SAMPLE_MS = 15_000;
const MACHINE_POINTS = 180;

export const queries = {
  session: () => queryOptions({ queryKey: ['session'], queryFn: ({ signal }) => api.access.whoami({}, { signal }), staleTime: Infinity }),
  experiments: () => queryOptions({ queryKey: ['experiments'], queryFn: ({ signal }) => api.experiments.list({}, { signal }) }),
  /** Under `workers`: what workers and machines do is what changes it. */
  machines: () => queryOptions({ queryKey: ['workers', null, 'machines'], queryFn: ({ signal }) => api.machines.list({}, { signal }) }),
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
  /** Under `job`: whatever happens to the job may be news of its attempts. */
  execution: ({ experiment, number }: JobKey, { attempt, rank }: { readonly attempt: number; readonly rank: number }) =>
    queryOptions({
      queryKey: ['job', experiment, number, 'execution', attempt, rank],
      queryFn: ({ signal }) => api.results.execution({ params: { experiment, number, attempt }, query: { rank } }, { signal }),
    }),
  /** From a sample before its start to one after its end; read by the clock, because a machine is measured all the time. */
  machine: ({ experiment, number }: JobKey, { attempt, worker_id, claimed_at, started_at, finished_at }: MeasuredAttempt) =>
    queryOptions({
      queryKey: ['machine', experiment, worker_id, number, attempt, finished_at],
      queryFn: ({ signal }) => {
        const from = new Date(Date.parse(started_at ?? claimed_at) - SAMPLE_MS).toISOString();
        const until = finished_at === null ? null : new Date(Math.max(Date.parse(from) + SAMPLE_MS, Date.parse(finished_at) + SAMPLE_MS)).toISOString();
        const query = { from, points: MACHINE_POINTS, ...(until === null ? {} : { until }) };
        return api.machines.series({ params: { experiment, worker: worker_id }, query }, { signal });
      },
      placeholderData: keepPreviousData,
      retry: false,
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
  /** The jobs of a matrix that a heat map shows: the first, of a large one. */
  matrixJobs: (experiment: string, id: number) =>
    queryOptions({
      queryKey: ['matrices', experiment, 'jobs', id],
      queryFn: ({ signal }) => api.jobs.list({ params: { experiment }, query: { matrix_id: id, order: 'asc', limit: LIMITS.page_items.value } }, { signal }),
      placeholderData: keepPreviousData,
    }),
  tags: (experiment: string) =>
    queryOptions({ queryKey: ['tags', experiment], queryFn: ({ signal }) => api.jobs.tags({ params: { experiment } }, { signal }) }),
  views: (experiment: string) =>
    queryOptions({ queryKey: ['views', experiment], queryFn: ({ signal }) => api.views.list({ params: { experiment } }, { signal }) }),
  variables: (experiment: string) =>
    queryOptions({ queryKey: ['variables', experiment], queryFn: ({ signal }) => api.variables.list({ params: { experiment } }, { signal }) }),
  /** Of an experiment with a thousand workers it is long, and something happens to one of them all the time. */
  workers: (experiment: string) =>
    queryOptions({
      queryKey: ['worker_list', experiment],
      staleTime: 0,
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
  /** Costs nothing and is made stale by everything of this topic: what follows it decides how often to read (see live/use-paced-reading.ts). */
  pulse: (topic: 'charts' | 'workers' | 'metrics', experiment: string) =>
    queryOptions({ queryKey: [topic, experiment, 'pulse'], queryFn: () => Date.now(), staleTime: Infinity }),
  keys: (experiment: string) =>
    queryOptions({ queryKey: ['keys', experiment], queryFn: ({ signal }) => api.keys.list({ params: { experiment } }, { signal }) }),
  pin: (experiment: string) =>
    queryOptions({
      queryKey: ['pin', experiment],
      queryFn: ({ signal }) => api.experiments.pin({ params: { experiment } }, { signal }),
      staleTime: 0,
      gcTime: 0,
    }),
};
