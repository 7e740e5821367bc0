// A few jobs side by side: what they were given, what they measured, and the curves of one metric over each other.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { ExperimentParams, Job, Moment } from '../schemas.ts';
import { exampleJob } from './jobs.ts';

const Numbers = z.string().max(400).describe(`ranges of job numbers, e.g. 1-3,7; at most ${LIMITS.compared_jobs.value} jobs`);
const Missing = z.array(z.int()).describe('numbers that no job has (any more)');
const query = { numbers: '1,4' };
const params = { experiment: 'digits-tune' };

export const compare = {
  jobs: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/compare',
    summary: 'A few jobs with the last values of all their metrics',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({ numbers: Numbers }),
    reply: z.object({
      jobs: z.array(Job),
      missing: Missing,
      metrics: z
        .array(z.object({ name: z.string(), last: z.array(z.number().nullable()).describe('one for each job, in their order; null: none, or not finite') }))
        .describe(`those that most of the jobs have come first; at most ${LIMITS.compared_metrics.value}`),
    }),
    errors: ['experiment_not_found', 'too_many'],
    example: { params, query, reply: { jobs: [exampleJob], missing: [1], metrics: [{ name: 'validation_accuracy', last: [0.96] }] } },
  }),
  curves: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/compare/curves',
    summary: 'Points of one metric of a few jobs, of the newest attempt of each that has it',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({
      numbers: Numbers,
      metric: z.string().min(1).max(LIMITS.name_characters.value),
      points: z.coerce.number().int().min(4).max(LIMITS.compared_points.value).default(400).describe('most points of each job; first, last and extremes stay'),
    }),
    reply: z.object({
      metric: z.string(),
      curves: z.array(
        z.object({
          number: z.int(),
          attempt: z.int(),
          total: z.int().describe('points before thinning'),
          points: z.array(z.object({ step: z.number().nullable(), value: z.number().nullable().describe('null: not a finite number'), at: Moment })),
        }),
      ),
    }),
    errors: ['experiment_not_found', 'too_many'],
    example: {
      params,
      query: { ...query, metric: 'validation_accuracy' },
      reply: {
        metric: 'validation_accuracy',
        curves: [{ number: 4, attempt: 1, total: 1, points: [{ step: 0, value: 0.41, at: '2026-11-21T08:30:01.000Z' }] }],
      },
    },
  }),
};
