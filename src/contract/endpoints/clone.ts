// Copies of jobs, and restarts, which are copies of jobs that are cancelled.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { JobFilter } from '../job-filter.ts';
import { ExperimentParams } from '../schemas.ts';

export const cloneJobs = endpoint({
  method: 'POST',
  path: '/experiments/:experiment/jobs/clone',
  summary: 'Add copies of jobs at the end of the queue, in one commit',
  description:
    'A copy has the command, params, class, resources, priority, limits, tags, matrix and directory for results of its job, and is not held. With `restart` the jobs themselves are cancelled in the same commit, as far as they have not ended; an ended one stays as it is.',
  access: 'operator',
  idempotent: true,
  params: ExperimentParams,
  body: z.strictObject({
    filter: JobFilter,
    times: z.int().min(1).max(LIMITS.cloned_jobs.value).default(1).describe('copies of each job'),
    restart: z.boolean().default(false).describe('cancel the jobs that have not ended'),
    force: z.boolean().default(false).describe('with restart: do not wait for the agents'),
  }),
  reply: z.object({
    created: z.int(),
    from: z.int().nullable().describe('number of the first copy; the copies of the first job come first'),
    to: z.int().nullable(),
    cloned: z.string().describe('numbers of the jobs that were copied, as ranges'),
    cancelled: z.string().describe('with restart: those of them that had not ended, as ranges'),
  }),
  success: 201,
  errors: ['experiment_not_found', 'job_not_found', 'too_many'],
  example: {
    params: { experiment: 'digits-tune' },
    body: { filter: { numbers: '4,9-10' }, times: 2 },
    reply: { created: 6, from: 28, to: 33, cloned: '4,9-10', cancelled: '' },
  },
});
