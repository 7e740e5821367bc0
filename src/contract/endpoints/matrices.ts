// Matrices: grids of params that were added as one, remembered so that their jobs can be seen and exported together.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { ExperimentParams, Moment, ParamsShape } from '../schemas.ts';

const Count = z.int().min(0);

const common = {
  id: z.int(),
  size: z.int().describe('combinations'),
  expanded: z.int().describe('combinations that are jobs already'),
  from: z.int().nullable().describe('number of the first job'),
  to: z.int().nullable().describe('number of the last job'),
  command: z.string().nullable().describe('null: the script of the workers'),
  machine_class: z.string().nullable(),
  results_dir: z.string().nullable().default(null).describe('where results of its jobs are to be copied to'),
  created_at: Moment,
  created_by: z.string().nullable(),
};

const example = {
  ...{ id: 1, size: 6, expanded: 6, from: 1, to: 6, command: 'python3 train.py --lr {learning_rate} --units {hidden_units}' },
  ...{ machine_class: null, results_dir: null, created_at: '2026-11-21T08:30:00.000Z', created_by: 'key:ci' },
};

export const matrices = {
  list: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/matrices',
    summary: 'Matrices, newest first, with the statuses of their jobs',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({
      limit: z.coerce.number().int().min(1).max(LIMITS.matrix_page.value).default(20),
      before: z.coerce.number().int().min(1).optional().describe('only matrices with a smaller id: `next_before` of the page before'),
    }),
    reply: z.object({
      matrices: z.array(
        z.object({
          ...common,
          axes: z.array(
            z.object({
              name: z.string(),
              count: z.int(),
              first: z.array(z.string()).describe(`the first values as JSON, at most ${LIMITS.matrix_values_shown.value}; long ones are cut`),
            }),
          ),
          statuses: z.object({
            ...{ pending: Count, running: Count, done: Count, aborted: Count },
            held: Count.default(0).describe('of the pending ones'),
            cancelled: Count.default(0).describe('of the aborted ones'),
            looked_at: Count.describe('jobs that were looked at: all of a small matrix, of a large one a share that is spread evenly, the same one each time'),
            of: Count.describe('jobs that the matrix has made; deleted and forgotten ones are among them and have no status here'),
            copies: Count.default(0).describe('of these, jobs that were cloned from its jobs later'),
          }),
        }),
      ),
      next_before: z.int().nullable(),
    }),
    errors: ['experiment_not_found'],
    example: {
      params: { experiment: 'digits-tune' },
      reply: {
        matrices: [
          {
            ...example,
            axes: [
              { name: 'learning_rate', count: 3, first: ['0.1', '0.01', '0.001'] },
              { name: 'hidden_units', count: 2, first: ['16', '32'] },
            ],
            statuses: { pending: 2, running: 1, done: 3, aborted: 0, held: 0, cancelled: 0, looked_at: 6, of: 6, copies: 0 },
          },
        ],
        next_before: null,
      },
    },
  }),
  get: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/matrices/:matrix_id',
    summary: 'One matrix: what it expands to and how far that is',
    access: 'viewer',
    params: ExperimentParams.extend({ matrix_id: z.coerce.number().int().min(1) }),
    reply: z.object({
      ...common,
      spec: ParamsShape,
      ...{ priority: z.int(), max_attempts: z.int().nullable(), timeout_seconds: z.number().nullable() },
    }),
    errors: ['experiment_not_found', 'not_found'],
    example: {
      params: { experiment: 'digits-tune', matrix_id: 1 },
      reply: {
        ...{ ...example, spec: { learning_rate: [0.1, 0.01, 0.001], hidden_units: [16, 32] } },
        ...{ priority: 0, max_attempts: null, timeout_seconds: 3_600 },
      },
    },
  }),
};
