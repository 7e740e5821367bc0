// Jobs: created by list or by matrix, listed, edited while pending, and ended. `bulk` does to many what the others do to one.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { WAIT_REASONS } from '../../core/waiting.ts';
import { endpoint } from '../endpoint.ts';
import { FilterFields, JobFilter, Sort } from '../job-filter.ts';
import { Attempt, ClassName, ExperimentParams, Job, JobParams, PageQuery, ParamsShape, ResourcesShape } from '../schemas.ts';

import { cloneJobs } from './clone.ts';
import { exportJobs } from './export.ts';

export const exampleJob = {
  id: 42,
  experiment: 'digits-tune',
  number: 42,
  status: 'pending',
  params: { learning_rate: 0.1, hidden_units: 16, dropout: 0 },
  command: 'python3 train.py --learning_rate {learning_rate}',
  machine_class: null,
  resources: { cpus: 1, memory_mb: 0, gpus: 0 },
  priority: 0,
  revision: 1,
  matrix_id: 1,
  tags: [],
  created_at: '2026-11-21T08:30:00.000Z',
  held_at: null,
  not_before: null,
  cancel_requested_at: null,
  started_at: null,
  finished_at: null,
  duration_ms: null,
  attempts: 0,
  max_attempts: null,
  timeout_seconds: null,
  grace_seconds: null,
  outcome: null,
  exit_code: null,
  signal: null,
  message: null,
  worker_id: null,
  progress: null,
  results_dir: null,
  forgotten_at: null,
};

const JOB_PATH = '/experiments/:experiment/jobs/:number';
const path = { experiment: 'digits-tune', number: 42 };

const Tags = z
  .array(
    z
      .string()
      .min(1)
      .max(LIMITS.tag_characters.value)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'A tag holds no control characters.'),
  )
  .max(LIMITS.job_tags.value);

const Path = z
  .string()
  .max(LIMITS.results_dir_characters.value)
  .regex(/^\/[^\p{Cc}\p{Cs}]*$/u, 'A directory for results is an absolute path without control characters, such as /data/results.');

/** Settings that a job has beside its params. */
const JobSettings = {
  command: z
    .string()
    .min(1)
    .max(LIMITS.command_characters.value)
    .nullable()
    .optional()
    .describe('template with {name} placeholders for params and variables; none: the script of the worker'),
  machine_class: ClassName.nullable().optional(),
  resources: z.strictObject(ResourcesShape.shape).partial().optional(),
  priority: z.int().min(-1_000_000).max(1_000_000).optional().describe('higher first; default 0'),
  max_attempts: z.int().min(1).max(1000).nullable().optional(),
  timeout_seconds: z.number().positive().max(31_536_000).nullable().optional(),
  grace_seconds: z.number().min(0).max(86_400).nullable().optional(),
  tags: Tags.optional(),
  results_dir: Path.nullable().optional().describe('absolute path; where results of the job are to be copied to'),
  held: z.boolean().optional().describe('create them held'),
};

const FrozenVariables = z
  .record(z.string(), z.string().nullable())
  .default({})
  .describe('variables that the command uses, as they were when it was made: what is changed later does not touch it; null: a secret');

export const CreateJobs = z.strictObject({
  ...JobSettings,
  jobs: z
    .array(z.strictObject({ params: ParamsShape.default({}) }))
    .min(1, 'The list of jobs is empty.')
    .max(LIMITS.create_jobs.value)
    .optional()
    .describe('one entry per job'),
  matrix: z.unknown().optional().describe('{"name": [values]}: one job per combination; names in the order given, the last varying fastest'),
  times: z.int().min(1).max(LIMITS.create_jobs.value).default(1).describe('how many of each job of the list'),
  replace_pending: z
    .boolean()
    .default(false)
    .describe('delete all pending jobs of the experiment first: up to 10,000 in the same commit; of more, the others in commits before it'),
  dry_run: z.boolean().default(false).describe('say what would be created, create nothing'),
});

export const CreatedJobs = z.object({
  dry_run: z.boolean(),
  created: z.int().describe('number of jobs'),
  from: z.int().nullable().describe('number of the first one; null in a dry run'),
  to: z.int().nullable(),
  replaced: z.int().describe('pending jobs that were deleted, or would be'),
  matrix_id: z.int().nullable(),
  expanding: z.boolean().describe('a matrix over 10,000 jobs is expanded in the background; see GET …/matrices/:id'),
  sample: z.array(ParamsShape).describe('params of the first few jobs'),
  variables: FrozenVariables,
});

export const BULK_ACTIONS = [
  'cancel',
  'requeue',
  'hold',
  'unhold',
  'delete',
  'forget',
  'unforget',
  'set_priority',
  'set_timeout',
  'add_tags',
  'remove_tags',
] as const;

const Timeout = z.number().positive().max(31_536_000).nullable();

export const Operation = z.object({
  id: z.int(),
  action: z.enum(BULK_ACTIONS),
  state: z.enum(['running', 'done', 'failed']),
  matched: z.int().describe('jobs that the filter named when it was asked; jobs created later are not meant'),
  done: z.int().describe('how many of them were looked at'),
  changed: z.int(),
  refused: z.record(z.string(), z.int()).describe('refusal code → number of jobs left as they were'),
  created_at: z.string(),
  created_by: z.string(),
  finished_at: z.string().nullable(),
  problem: z.string().nullable().describe('why it failed'),
});

export const BulkReply = z.object({
  action: z.enum(BULK_ACTIONS),
  dry_run: z.boolean(),
  matched: z.int().describe('jobs that the filter names'),
  changed: z.int().describe('jobs that the action changes, or would change'),
  refused: z.record(z.string(), z.int()).describe('refusal code → number of jobs left as they were'),
  jobs: z.string().describe('numbers of the changed jobs, as ranges; in a dry run of the first 10,000'),
  operation: Operation.nullable()
    .default(null)
    .describe('set when more than 10,000 jobs match: it goes on after the reply; see GET …/operations/:operation_id'),
});

const exampleOperation = {
  id: 3,
  action: 'cancel',
  state: 'running',
  matched: 250_000,
  done: 40_000,
  changed: 39_990,
  refused: { job_ended: 10 },
  created_at: '2026-11-21T08:30:00.000Z',
  created_by: 'key:laptop',
  finished_at: null,
  problem: null,
};

function action(name: string, summary: string, errors: Parameters<typeof endpoint>[0]['errors'] = []) {
  return endpoint({
    method: 'POST',
    path: `${JOB_PATH}/${name}`,
    summary,
    access: 'operator',
    params: JobParams,
    reply: Job,
    errors: ['experiment_not_found', 'job_not_found', ...(errors ?? [])],
    example: { params: path, body: {}, reply: exampleJob },
  });
}

export const jobs = {
  create: endpoint({
    method: 'POST',
    path: '/experiments/:experiment/jobs',
    summary: 'Create jobs from a list or a matrix, or preview that',
    access: 'operator',
    idempotent: true,
    params: ExperimentParams,
    body: CreateJobs,
    reply: CreatedJobs,
    success: 201,
    errors: ['experiment_not_found', 'too_many'],
    example: {
      params: { experiment: 'digits-tune' },
      body: { matrix: { learning_rate: [0.1, 0.01], hidden_units: [8, 16] }, command: 'python3 train.py --lr {learning_rate} --units {hidden_units}' },
      reply: {
        dry_run: false,
        created: 4,
        from: 1,
        to: 4,
        replaced: 0,
        matrix_id: 1,
        expanding: false,
        sample: [{ learning_rate: 0.1, hidden_units: 8 }],
        variables: {},
      },
    },
  }),
  list: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/jobs',
    summary: 'One page of jobs: filtered, sorted, by cursor',
    access: 'viewer',
    params: ExperimentParams,
    query: PageQuery.extend({
      ...FilterFields,
      sort: Sort.default('number'),
      order: z.enum(['asc', 'desc']).default('desc'),
    }),
    reply: z.object({
      jobs: z.array(Job),
      next_cursor: z.string().nullable(),
      total: z.object({
        count: z.int(),
        exact: z.boolean().describe('false: at least this many'),
      }),
      workers: z
        .record(z.string(), z.object({ machine_class: z.string().nullable(), machine: z.string().nullable(), process_id: z.int().nullable() }))
        .default({})
        .describe('the workers that these jobs name, by id; those that were forgotten are left out'),
    }),
    errors: ['experiment_not_found', 'too_many'],
    example: {
      params: { experiment: 'digits-tune' },
      query: { status: 'pending', search: 'learning_rate=0.1', limit: 50 },
      reply: { jobs: [exampleJob], next_cursor: null, total: { count: 1, exact: true }, workers: {} },
    },
  }),
  export: exportJobs,
  get: endpoint({
    method: 'GET',
    path: JOB_PATH,
    summary: 'One job with its attempts',
    access: 'viewer',
    params: JobParams,
    reply: z.object({
      job: Job,
      attempts: z.array(Attempt),
      variables: FrozenVariables,
    }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: { params: path, reply: { job: exampleJob, attempts: [], variables: {} } },
  }),
  wait: endpoint({
    method: 'GET',
    path: `${JOB_PATH}/wait`,
    summary: 'Why a pending job is not running yet',
    description: 'Names the first thing that stands between the job and a worker. Null for a job that does not wait.',
    access: 'viewer',
    params: JobParams,
    reply: z.object({
      wait: z
        .object({
          reason: z.enum(WAIT_REASONS),
          sentence: z.string().describe('for people; the wording may change'),
          able: z.int().describe('workers that could take it, paused ones included'),
          free: z.int().describe('those of them that have no job and may take one'),
        })
        .nullable(),
    }),
    errors: ['experiment_not_found', 'job_not_found'],
    example: {
      params: path,
      reply: { wait: { reason: 'busy', sentence: 'All 2 workers that could take it are busy. 3 jobs of its kind stand before it.', able: 2, free: 0 } },
    },
  }),
  edit: endpoint({
    method: 'PATCH',
    path: JOB_PATH,
    summary: 'Edit a pending job',
    access: 'operator',
    params: JobParams,
    body: z.strictObject({
      params: ParamsShape.optional().describe('the new params, whole'),
      command: JobSettings.command,
      priority: JobSettings.priority,
      max_attempts: JobSettings.max_attempts,
      timeout_seconds: JobSettings.timeout_seconds,
      tags: JobSettings.tags,
      results_dir: JobSettings.results_dir,
      revision: z.int().optional().describe('refuse if the job was edited since'),
    }),
    reply: Job,
    errors: ['experiment_not_found', 'job_not_found', 'job_not_pending'],
    example: { params: path, body: { params: { learning_rate: 0.2, hidden_units: 16, dropout: 0 } }, reply: exampleJob },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: JOB_PATH,
    summary: 'Delete a pending job, as if it had never been made',
    access: 'operator',
    params: JobParams,
    reply: z.object({ deleted: z.literal(true) }),
    errors: ['experiment_not_found', 'job_not_found', 'job_not_pending'],
    example: { params: path, reply: { deleted: true } },
  }),
  cancel: endpoint({
    method: 'POST',
    path: `${JOB_PATH}/cancel`,
    summary: 'Cancel a job',
    description:
      'A pending job is aborted at once. A running one stays running until its agent confirms; `force` does not wait. A success that arrives first wins.',
    access: 'operator',
    params: JobParams,
    body: z.strictObject({ force: z.boolean().default(false) }),
    reply: Job,
    errors: ['experiment_not_found', 'job_not_found', 'job_ended'],
    example: { params: path, body: { force: false }, reply: exampleJob },
  }),
  requeue: action('requeue', 'Put a finished job back into the queue, for a new attempt', ['job_not_ended']),
  hold: action('hold', 'Keep a pending job from being claimed; its place stays', ['job_not_pending']),
  unhold: action('unhold', 'Let a held job be claimed again', ['job_not_pending']),
  bulk: endpoint({
    method: 'POST',
    path: '/experiments/:experiment/jobs/bulk',
    summary: 'Do one thing to all jobs that a filter names, or preview that: up to 10,000 in one commit, more in the background',
    access: 'operator',
    idempotent: true,
    params: ExperimentParams,
    body: z.strictObject({
      action: z.enum(BULK_ACTIONS),
      filter: JobFilter,
      force: z.boolean().default(false).describe('with cancel: do not wait for the agents'),
      priority: z.int().min(-1_000_000).max(1_000_000).optional().describe('with set_priority'),
      timeout_seconds: Timeout.optional().describe('with set_timeout; null: as the experiment says'),
      tags: Tags.min(1).optional().describe('with add_tags and remove_tags'),
      dry_run: z.boolean().default(false),
    }),
    reply: BulkReply,
    errors: ['experiment_not_found', 'too_many'],
    example: {
      params: { experiment: 'digits-tune' },
      body: { action: 'requeue', filter: { status: 'aborted' }, dry_run: true },
      reply: { action: 'requeue', dry_run: true, matched: 3, changed: 3, refused: {}, jobs: '4,9-10', operation: null },
    },
  }),
  clone: cloneJobs,
  tags: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/tags',
    summary: 'The tags that jobs of an experiment have',
    access: 'viewer',
    params: ExperimentParams,
    reply: z.object({ tags: z.array(z.string()).describe(`by name, at most ${LIMITS.listed_tags.value}`) }),
    errors: ['experiment_not_found'],
    example: { params: { experiment: 'digits-tune' }, reply: { tags: ['baseline', 'best'] } },
  }),
  operations: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/operations',
    summary: 'The newest bulk actions that were done in the background, newest first',
    access: 'viewer',
    params: ExperimentParams,
    reply: z.object({ operations: z.array(Operation) }),
    errors: ['experiment_not_found'],
    example: { params: { experiment: 'digits-tune' }, reply: { operations: [exampleOperation] } },
  }),
  operation: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/operations/:operation_id',
    summary: 'How far a bulk action in the background is',
    access: 'viewer',
    params: ExperimentParams.extend({ operation_id: z.coerce.number().int().min(1) }),
    reply: Operation,
    errors: ['experiment_not_found', 'not_found'],
    example: { params: { experiment: 'digits-tune', operation_id: 3 }, reply: exampleOperation },
  }),
};
