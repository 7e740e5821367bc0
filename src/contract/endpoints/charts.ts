// What the Charts tab shows, added up and thinned on the server: never a row for each job.
import * as z from 'zod';

import { PARAM_NAME } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { BUCKETS } from '../../core/time-buckets.ts';
import { endpoint } from '../endpoint.ts';
import { ExperimentParams, MetricName, Moment, oneOrMore, Status } from '../schemas.ts';

const PATH = '/experiments/:experiment/charts';
const params = { experiment: 'digits-tune' };
const Count = z.int().min(0);

const Sampled = z
  .object({ of: Count.describe('jobs that the chart is about'), taken: Count.describe('jobs that were looked at') })
  .describe(
    'of many jobs a share is looked at, chosen by a hash of their numbers: the same ones each time. Counts are of the jobs looked at unless said otherwise',
  );

const Search = z
  .string()
  .max(LIMITS.search_characters.value)
  .optional()
  .describe('only jobs that fit, as in the list of jobs; where it names more than 10,000 jobs, it is applied to the share that is looked at');

const ParamName = z.string().regex(PARAM_NAME, 'A param name begins with a letter or _ and holds letters, digits, _ . and -.');

const By = z.enum(['machine', 'worker']);

const ParamCell = z
  .union([z.number(), z.string(), z.boolean(), z.null()])
  .describe('lists and objects as JSON text; long texts are cut; null also where the job does not have it');

const Measure = {
  value: z.enum(['last', 'min', 'max']).default('last').describe('which value of the metric counts, of the newest attempt'),
  goal: z.enum(['minimise', 'maximise']).default('minimise').describe('what is best'),
  search: Search,
  param: oneOrMore(ParamName, LIMITS.chart_axes.value).default([]).describe('params to bring along, repeated for several'),
};

const errors = ['experiment_not_found'] as const;

export const charts = {
  fields: endpoint({
    method: 'GET',
    path: `${PATH}/fields`,
    summary: 'Params and metrics that can be charted',
    description: 'Metrics are those of the newest and the oldest jobs of each status.',
    access: 'viewer',
    params: ExperimentParams,
    reply: z.object({
      params: z.array(
        z.object({
          name: z.string(),
          values: Count.describe(`different values, counted up to ${LIMITS.chart_groups.value + 1}`),
          is_numeric: z.boolean().describe('all counted values are numbers'),
          min: z.number().nullable(),
          max: z.number().nullable(),
        }),
      ),
      metrics: z.array(z.string()),
    }),
    errors,
    example: {
      params,
      reply: { params: [{ name: 'learning_rate', values: 3, is_numeric: true, min: 0.001, max: 0.1 }], metrics: ['validation_accuracy'] },
    },
  }),
  activity: endpoint({
    method: 'GET',
    path: `${PATH}/activity`,
    summary: 'Jobs that ended, waited and ran, in stretches of time',
    description:
      '`done`, `aborted`, `waiting` and `running` are exact at any number of jobs; `series` and what is asked of one machine come from a share of the jobs when they are many, and are scaled up to all. Waiting and running are reckoned back from now by the newest attempt of each job: one that was queued again counts as if it had waited all the time.',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({
      bucket: z.enum(BUCKETS).default('minute'),
      buckets: z.coerce.number().int().min(1).max(LIMITS.chart_buckets.value).default(60),
      until: Moment.optional().describe('the last stretch holds this moment; default: now'),
      offset_minutes: z.coerce.number().int().min(-900).max(900).default(0).describe("how far the reader's clock is before UTC: where hours and days begin"),
      split: By.optional().describe('ends by machine or by worker in `series`'),
      machine: z.string().max(40).optional().describe('only the ends of this machine'),
    }),
    reply: z.object({
      from: Moment,
      to: Moment,
      now: Moment,
      bucket_seconds: z.int(),
      buckets: z.array(
        z.object({
          at: Moment.describe('where the stretch begins'),
          done: Count,
          aborted: Count,
          waiting: Count.describe('pending jobs at the end of the stretch, held ones included'),
          running: Count,
        }),
      ),
      series: z.array(z.object({ name: z.string(), ended: z.array(Count).describe('done or aborted, one for each stretch') })),
      left_out: Count.describe('machines or workers beyond those in `series`'),
      sampled: Sampled,
      last_finished_at: Moment.nullable().describe('newest end of a job, in this time or outside of it'),
    }),
    errors,
    example: {
      params,
      query: { bucket: 'hour', buckets: 1, split: 'machine' },
      reply: {
        from: '2026-11-21T08:00:00.000Z',
        to: '2026-11-21T09:00:00.000Z',
        now: '2026-11-21T08:30:00.000Z',
        bucket_seconds: 3600,
        buckets: [{ at: '2026-11-21T08:00:00.000Z', done: 5, aborted: 1, waiting: 19, running: 2 }],
        series: [{ name: 'gpunode', ended: [6] }],
        left_out: 0,
        sampled: { of: 6, taken: 6 },
        last_finished_at: '2026-11-21T08:29:31.000Z',
      },
    },
  }),
  machines: endpoint({
    method: 'GET',
    path: `${PATH}/machines`,
    summary: 'What each machine or worker did: jobs, failures, durations',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({ by: By.default('machine'), search: Search }),
    reply: z.object({
      machines: z.array(
        z.object({
          name: z.string(),
          workers: Count,
          jobs: Count.describe('that ran here last'),
          running: Count,
          done: Count,
          failed: Count.describe('aborted because they failed, timed out or were lost'),
          cancelled: Count,
          failed_attempts: z
            .object({ failed: Count, timed_out: Count, lost: Count })
            .describe('also of jobs that were retried, and done in the end here or elsewhere'),
          busy_seconds: z.number().describe('sum of the durations of the jobs that ended'),
          durations: z
            .object({
              count: Count,
              min: z.number(),
              lower_quartile: z.number(),
              median: z.number(),
              upper_quartile: z.number(),
              max: z.number(),
              mean: z.number(),
            })
            .nullable()
            .describe('of jobs that are done, in milliseconds'),
          first_started_at: Moment.nullable(),
          last_finished_at: Moment.nullable(),
        }),
      ),
      left_out: Count.describe('machines or workers with fewer jobs'),
      sampled: Sampled,
    }),
    errors,
    example: {
      params,
      reply: {
        machines: [
          {
            name: 'gpunode',
            workers: 2,
            jobs: 8,
            running: 2,
            done: 5,
            failed: 1,
            cancelled: 0,
            failed_attempts: { failed: 2, timed_out: 0, lost: 0 },
            busy_seconds: 61.5,
            durations: { count: 5, min: 8_200, lower_quartile: 9_000, median: 10_100, upper_quartile: 12_000, max: 14_000, mean: 10_700 },
            first_started_at: '2026-11-21T08:30:00.000Z',
            last_finished_at: '2026-11-21T08:31:00.000Z',
          },
        ],
        left_out: 0,
        sampled: { of: 8, taken: 8 },
      },
    },
  }),
  failures: endpoint({
    method: 'GET',
    path: `${PATH}/failures`,
    summary: 'How jobs ended by the value of one param',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({ param: ParamName, search: Search }),
    reply: z.object({
      param: z.string(),
      values: z.array(z.object({ value: ParamCell, done: Count, failed: Count, cancelled: Count })),
      left_out: Count.describe('values with fewer jobs'),
      sampled: Sampled,
    }),
    errors,
    example: {
      params,
      query: { param: 'learning_rate' },
      reply: { param: 'learning_rate', values: [{ value: 0.1, done: 7, failed: 2, cancelled: 0 }], left_out: 0, sampled: { of: 9, taken: 9 } },
    },
  }),
  results: endpoint({
    method: 'GET',
    path: `${PATH}/results`,
    summary: 'Metrics of many jobs beside their params: the best ones and a share of the others',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({
      metric: oneOrMore(MetricName, LIMITS.chart_metrics.value).describe('one or several; the first one decides what is best'),
      ...Measure,
    }),
    reply: z.object({
      metrics: z.array(z.string()),
      params: z.array(z.string()),
      jobs: z
        .array(
          z.object({
            number: z.int(),
            status: Status,
            place: z.int().min(1).describe('1 for the best of the jobs that were looked at'),
            duration_ms: z.int().nullable(),
            worker_id: z.string().nullable(),
            params: z.array(ParamCell).describe('in the order of `params`'),
            values: z.array(z.number().nullable()).describe('in the order of `metrics`; null: none, or not finite'),
          }),
        )
        .describe(`best first: the ${LIMITS.chart_best.value} best, and of the others enough to see how they lie`),
      measured: Count.describe('jobs looked at that have a finite value of the first metric'),
      sampled: Sampled,
    }),
    errors,
    example: {
      params,
      query: { metric: 'validation_accuracy', value: 'max', goal: 'maximise', param: 'learning_rate' },
      reply: {
        metrics: ['validation_accuracy'],
        params: ['learning_rate'],
        jobs: [{ number: 17, status: 'done', place: 1, duration_ms: 9_400, worker_id: 'gpunode_egg_0', params: [0.1], values: [0.974] }],
        measured: 24,
        sampled: { of: 27, taken: 27 },
      },
    },
  }),
  replicates: endpoint({
    method: 'GET',
    path: `${PATH}/replicates`,
    summary: 'Mean and 95 % confidence interval of a metric over jobs that differ only in their seed',
    description: "The interval is Student's: mean ± t · deviation / √count. It is null for a single job.",
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({ metric: MetricName, seed: ParamName.describe('the param in which replicates differ'), ...Measure }),
    reply: z.object({
      params: z.array(z.string()),
      groups: z
        .array(
          z.object({
            number: z.int().describe('of the first job of the group'),
            params: z.array(ParamCell),
            count: Count,
            mean: z.number(),
            deviation: z.number().nullable(),
            margin: z.number().nullable().describe('half the width of the interval'),
            min: z.number(),
            max: z.number(),
          }),
        )
        .describe('best mean first'),
      left_out: Count.describe('groups with a worse mean'),
      measured: Count,
      sampled: Sampled,
    }),
    errors,
    example: {
      params,
      query: { metric: 'validation_accuracy', seed: 'seed', goal: 'maximise', param: 'learning_rate' },
      reply: {
        params: ['learning_rate'],
        groups: [{ number: 4, params: [0.1], count: 5, mean: 0.961, deviation: 0.008, margin: 0.01, min: 0.95, max: 0.97 }],
        left_out: 0,
        measured: 15,
        sampled: { of: 15, taken: 15 },
      },
    },
  }),
};
