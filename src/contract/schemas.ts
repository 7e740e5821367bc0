// The things that travel in more than one endpoint. Fields are snake_case, moments are ISO 8601 in UTC.
import * as z from 'zod';

import { OUTCOMES } from '../core/attempt.ts';
import { EVENT_KINDS } from '../core/event.ts';
import { CLASS_NAME, EXPERIMENT_NAME } from '../core/identifiers.ts';
import { JOB_STATUSES } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import { LIVENESS } from '../core/liveness.ts';
import { DESIRED_STATES } from '../core/worker.ts';

export const Moment = z.iso.datetime({ offset: true }).describe('ISO 8601, UTC, e.g. 2026-11-21T08:30:00.000Z');
const Count = z.int().min(0);

export const ExperimentName = z.string().regex(EXPERIMENT_NAME, 'An experiment name has 2 to 47 small letters, digits and -, and begins with a letter.');

export const ClassName = z.string().regex(CLASS_NAME, 'A class name has at most 63 letters, digits, dots, _ and -, and begins with a letter or digit.');

export const Status = z.enum(JOB_STATUSES);
export const OutcomeName = z.enum(OUTCOMES);
export const LivenessName = z.enum(LIVENESS);
export const DesiredStateName = z.enum(DESIRED_STATES);

/** Checked for real by core/params; here only that it is an object, so that the problem is told in Drover's words. */
export const ParamsShape = z.record(z.string(), z.json());

export const ExperimentParams = z.object({ experiment: ExperimentName });
export const JobParams = z.object({ experiment: ExperimentName, number: z.coerce.number().int().min(1) });

export const Counts = z.object({
  pending: Count,
  running: Count,
  done: Count,
  aborted: Count,
  total: Count.describe('jobs that exist now: the sum of the four'),
  created: Count.describe('jobs ever created, deleted ones included'),
  expanding: Count.describe('jobs that a large matrix has still to make'),
  forgotten: Count.default(0).describe('those of the ended ones that somebody forgot: counted above, left out of lists'),
});

export const RetrySettings = z.object({
  max_attempts: z.int().min(1).max(1000).describe('attempts that may fail or time out before the job is aborted'),
  backoff_base_seconds: z.number().min(0).max(86_400).describe('delay before the first retry; doubles with each one'),
  backoff_cap_seconds: z.number().min(0).max(604_800).describe('longest delay before a retry'),
  timeout_seconds: z.number().positive().max(31_536_000).nullable().describe('longest run of one attempt; null for none'),
  grace_seconds: z.number().min(0).max(86_400).describe('time between SIGTERM and SIGKILL'),
  lost_after_seconds: z.number().min(10).max(604_800).describe('silence of an agent after which its jobs are queued again'),
  crash_limit: z.int().min(1).max(1000).describe('lost attempts without a new checkpoint after which the job is aborted'),
});

export const Experiment = z.object({
  name: ExperimentName,
  description: z.string(),
  created_at: Moment,
  held_at: Moment.nullable().describe('since when no job of it is handed out'),
  last_activity_at: Moment.nullable(),
  counts: Counts,
  workers: z.object({ idle: Count, busy: Count }),
  settings: RetrySettings,
});

export const ResourcesShape = z.object({
  cpus: z.number().min(0).max(100_000).default(0),
  memory_mb: z.number().min(0).max(1e9).default(0),
  gpus: z.number().min(0).max(10_000).default(0),
});

export const Progress = z.object({ done: z.number(), total: z.number() });

export const Job = z.object({
  id: z.int().describe('unique on this server'),
  experiment: ExperimentName,
  number: z.int().min(1).describe('position within the experiment, from 1'),
  status: Status,
  params: ParamsShape,
  command: z.string().nullable().describe('command template; null runs the script of the worker'),
  machine_class: ClassName.nullable(),
  resources: ResourcesShape,
  priority: z.int(),
  revision: z.int().describe('rises with every edit'),
  matrix_id: z.int().nullable(),
  tags: z.array(z.string()),
  created_at: Moment,
  held_at: Moment.nullable(),
  not_before: Moment.nullable().describe('a retry waits until then'),
  cancel_requested_at: Moment.nullable(),
  started_at: Moment.nullable().describe('when the newest attempt began'),
  finished_at: Moment.nullable(),
  duration_ms: z.int().nullable().describe('run time of the newest attempt, by the monotonic clock of its machine'),
  attempts: Count,
  max_attempts: z.int().nullable().describe('null: as the experiment says'),
  timeout_seconds: z.number().nullable(),
  grace_seconds: z.number().nullable(),
  outcome: OutcomeName.nullable().describe('of the newest attempt'),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  message: z.string().nullable().describe('why the newest attempt ended as it did'),
  worker_id: z.string().nullable().describe('who has it, or had it last'),
  progress: Progress.nullable(),
  results_dir: z.string().nullable().describe('where its results are to be copied to'),
  forgotten_at: Moment.nullable().describe('since when lists leave it out'),
});

export const Attempt = z.object({
  attempt: z.int().min(1),
  rank: Count,
  outcome: OutcomeName.nullable().describe('null while it is live'),
  revision: z.int(),
  worker_id: z.string(),
  machine: z.string().nullable().describe('the driven machine on which it acted; null: where its agent is'),
  claimed_at: Moment,
  started_at: Moment.nullable().describe('when the process began'),
  finished_at: Moment.nullable(),
  retry_at: Moment.nullable().describe('until when the job backed off after it'),
  requeued_at: Moment.nullable().describe('when somebody put the ended job back into the queue after it'),
  duration_ms: z.int().nullable(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  message: z.string().nullable(),
  evidence: z
    .object({ outcome: OutcomeName, received_at: Moment, exit_code: z.int().nullable(), message: z.string().nullable() })
    .nullable()
    .describe('what the agent reported after the attempt had been given up'),
  log_bytes: z.object({ stdout: Count, stderr: Count }),
});

const ExecutionText = z.string().max(LIMITS.execution_value_characters.value);
const ExecutionVariables = z
  .record(z.string().min(1).max(LIMITS.name_characters.value), ExecutionText)
  .refine((all) => Object.keys(all).length <= LIMITS.execution_variables.value, { error: `At most ${LIMITS.execution_variables.value} variables are told.` });

/** What is the same for all attempts that one process of an agent starts. */
export const ExecutionPlace = z.object({
  host: ExecutionText,
  user: ExecutionText.nullable(),
  working_directory: ExecutionText,
  script: ExecutionText.nullable().describe("the worker's; null: jobs bring a command"),
  interpreter: ExecutionText.nullable().describe('what runs the script; null: it runs by itself'),
  interpreter_version: ExecutionText.nullable().describe('as it tells itself, e.g. Python 3.12.4'),
  driver: ExecutionText.nullable().default(null).describe('what runs the commands of jobs on driven machines; null: they are run as they are'),
  agent_version: ExecutionText,
  platform: ExecutionText,
  variables: ExecutionVariables,
});

/** What belongs to one attempt alone. */
export const OwnExecution = z.object({
  arguments: z
    .array(z.string())
    .min(1)
    .refine((all) => all.reduce((sum, one) => sum + one.length + 1, 0) <= LIMITS.execution_characters.value + LIMITS.execution_value_characters.value, {
      error: 'The command line is too long to be told.',
    })
    .describe('program and arguments, as the operating system was given them'),
  cut: z.boolean().describe('the command line was too long to be told whole'),
  process_id: z.int().min(1).nullable().describe('of the shell around the job, which leads its process group'),
  variables: ExecutionVariables,
});

/** `variables`: those of Drover but the token, and a few others that decide how programs run; never the whole environment. */
export const Execution = ExecutionPlace.extend(OwnExecution.shape);

/** A lease as its holder proves it: without the token nothing of an attempt can be written. */
export const LeaseReference = z.object({
  job_id: z.int().min(1),
  attempt: z.int().min(1),
  rank: z.int().min(0),
  token: z.string().min(1).max(100),
});

export const Worker = z.object({
  worker_id: z.string(),
  host: z.string(),
  instance: z.string(),
  slot: Count,
  machine_class: ClassName.nullable(),
  machine: z.string().nullable().describe('the driven machine that it is; null: it runs jobs where its agent is'),
  status: z.enum(['idle', 'busy', 'disabled']),
  liveness: LivenessName,
  desired_state: DesiredStateName,
  desired_version: z.int(),
  applied_version: z.int(),
  command_waits: z.boolean(),
  job: z.object({ experiment: ExperimentName, number: z.int(), attempt: z.int() }).nullable(),
  agent_version: z.string(),
  process_id: z.int().nullable(),
  registered_at: Moment,
  last_seen_at: Moment.nullable(),
  disabled_at: Moment.nullable(),
  disabled_reason: z.string().nullable(),
  jobs_completed: Count,
  metrics: z.record(z.string(), z.number()).nullable().describe('newest machine metrics, e.g. cpu_percent, memory_used_bytes'),
});

export const EventRecord = z.object({
  id: z.int(),
  at: Moment,
  kind: z.enum(EVENT_KINDS),
  experiment: ExperimentName.nullable(),
  actor: z.string().nullable().describe('who caused it: a key, a session, an agent, the server'),
  jobs: z.string().nullable().describe('job numbers as ranges, e.g. 1-27,30'),
  data: z.record(z.string(), z.json()),
});

export const Artifact = z.object({
  id: z.int(),
  name: z.string(),
  kind: z.enum(['artifact', 'checkpoint']),
  version: Count,
  attempt: z.int(),
  rank: Count,
  size_bytes: Count,
  sha256: z.string(),
  created_at: Moment,
  superseded: z.boolean().describe('written by an attempt that no longer spoke for the job; never the latest'),
});

export const ArtifactName = z.string().min(1).max(LIMITS.name_characters.value);

export const MetricName = z.string().min(1).max(LIMITS.name_characters.value);

export const LatestValue = z
  .union([z.number(), z.literal('not_finite')])
  .nullable()
  .describe('null: the job has none; `not_finite`: NaN or an infinity');

/** In a query: one, or a list. A name that came twice is a mistake: it would be shown twice. */
export const oneOrMore = <T extends z.ZodType>(one: T, most: number) =>
  z.union([one.transform((value) => [value]), z.array(one).max(most)]).refine((all) => new Set(all).size === all.length, { error: 'Name each of them once.' });

export const PageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(LIMITS.page_items.value).default(50),
  cursor: z.string().max(2_000).optional().describe('`next_cursor` of the page before'),
});

export type ExperimentShape = z.output<typeof Experiment>;
export type JobShape = z.output<typeof Job>;
export type AttemptShape = z.output<typeof Attempt>;
export type ExecutionShape = z.output<typeof Execution>;
export type ExecutionPlaceShape = z.output<typeof ExecutionPlace>;
export type OwnExecutionShape = z.output<typeof OwnExecution>;
export type WorkerShape = z.output<typeof Worker>;
export type EventShape = z.output<typeof EventRecord>;
export type ArtifactShape = z.output<typeof Artifact>;
export type CountsShape = z.output<typeof Counts>;
