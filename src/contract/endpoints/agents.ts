// The agent protocol. One call, `sync`, carries everything that must agree; logs and metrics are shipped beside it.
// docs/protocol.md tells it as a story, with curl.
import * as z from 'zod';

import { LAST_SLOT } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { ClassName, DesiredStateName, ExecutionPlace, ExperimentName, LeaseReference, Moment, OutcomeName, OwnExecution, ParamsShape } from '../schemas.ts';
import { Stream } from './results.ts';

const MAX = LIMITS.sync_items.value;
const Slot = z.int().min(0).max(LAST_SLOT);

const Drives = z
  .array(z.union([ClassName, z.literal('*')]))
  .max(100)
  .default([])
  .describe('classes of machines elsewhere that it drives: each such machine is one of its slots; `*`: all classes');

/** Physical size of a machine, or what of it is free. */
export const MachineResources = z.object({
  cpus: z.number().min(0),
  memory_bytes: z.number().min(0),
  gpus: z.number().min(0),
});

export const RunningAttempt = LeaseReference.extend({
  slot: z.int().min(0),
  started_at: Moment.nullable().describe('when the process began; null while it is being prepared'),
});

export const FinishedAttempt = LeaseReference.extend({
  outcome: OutcomeName,
  exit_code: z.int().nullable().default(null),
  signal: z.string().max(40).nullable().default(null),
  message: z.string().max(LIMITS.message_characters.value).nullable().default(null),
  started_at: Moment.nullable().default(null),
  finished_at: Moment,
  duration_ms: z.int().min(0).nullable().default(null).describe('by the monotonic clock, if the agent saw it all'),
});

/** As what attempts were run, told once for each; those that one process of the agent started share their place. */
export const ToldExecutions = z.object({
  place: ExecutionPlace,
  attempts: z.array(LeaseReference.extend(OwnExecution.shape)).max(LIMITS.sync_executions.value),
});

export const SyncRequest = z.object({
  incarnation: z.string().min(1).max(60).describe('new at every start of the process'),
  sync_seq: z.int().min(1).describe('rises with every sync of this agent, over restarts too'),
  sent_at: Moment.describe("the agent's clock, to correct its moments"),
  wait_seconds: z.number().min(0).max(LIMITS.sync_wait_seconds.value).default(0).describe('how long the reply may hang when there is nothing to say'),
  store_id: z.string().max(60).nullable().default(null).describe('of the last reply'),
  store_position: z.int().min(0).nullable().default(null).describe('of the last reply; a server that is behind it was restored from a backup'),
  free_slots: z.array(Slot).max(MAX).describe('slots that can take a job now'),
  ahead_slots: z
    .array(Slot)
    .max(MAX)
    .default([])
    .describe('slots whose jobs last only moments, once for each job that may wait here until the slot is free; one that waits too long is given back'),
  driven_slots: z
    .array(Slot)
    .max(LIMITS.driven_machines.value)
    .optional()
    .describe('of an agent that drives machines elsewhere: the slots that it knows as such'),
  free: MachineResources.describe('what the machine has for jobs; the server subtracts what its running jobs asked for'),
  has_script: z.boolean().default(false).describe('whether jobs without a command can run here'),
  takes_secrets: z
    .boolean()
    .default(false)
    .describe('whether the agent knows `secrets` of leases: puts them into the environment of the job alone and masks them in its logs'),
  workers: z
    .array(
      z.object({
        slot: Slot,
        applied_version: z.int().min(0).max(LIMITS.worker_commands.value),
        state: DesiredStateName.nullable()
          .default(null)
          .describe('what that command told it to do; a server that knows otherwise tells it anew, or learns of it'),
      }),
    )
    .max(LIMITS.workers_per_agent.value)
    .default([])
    .describe('the newest command that each slot has applied, of the slots that were ever commanded'),
  left_slots: z
    .array(Slot)
    .max(LIMITS.workers_per_agent.value)
    .optional()
    .describe('slots whose workers were told on their own machine to leave, and have; all of them, when that has changed, until a reply came'),
  running: z.array(RunningAttempt).max(MAX).describe('everything that runs or is about to'),
  finished: z.array(FinishedAttempt).max(MAX).describe('everything that ended and was not yet settled by a reply'),
  executions: z
    .array(ToldExecutions)
    .max(LIMITS.sync_executions.value)
    .optional()
    .describe('what was executed for attempts that have begun, until a reply came; the first telling of each is kept'),
  metrics: z.record(z.string().max(60), z.number()).optional().describe('newest machine metrics'),
});

export const Lease = z.object({
  job_id: z.int(),
  experiment: ExperimentName,
  number: z.int(),
  attempt: z.int(),
  rank: z.int(),
  token: z.string(),
  slot: z.int(),
  params: ParamsShape,
  command: z.string().nullable().describe('ready for `sh -c`; null: run the script with the params as arguments'),
  machine: z.string().max(300).nullable().default(null).describe('the driven machine on which the job acts; null: the one on which it runs'),
  secrets: z
    .record(z.string(), z.string())
    .optional()
    .describe('variable → value: the command finds each as JD_SECRET_<variable> in its environment. Never in a file, a log or a list'),
  timeout_seconds: z.number().nullable(),
  grace_seconds: z.number(),
});

const AttemptName = LeaseReference.omit({ token: true });

export const SyncReply = z.object({
  store_id: z.string(),
  store_position: z.int(),
  now: Moment,
  next_sync_within_seconds: z.number(),
  superseded: z.boolean().describe('another process has this identity: deliver what ended, take nothing, leave'),
  leases: z.array(Lease).describe('jobs to start, each with its slot; the same lease may be offered again'),
  settled: z.array(AttemptName.extend({ result: z.enum(['recorded', 'repeated', 'evidence']) })).describe('ends that are on disk; the agent may forget them'),
  revoked: z
    .array(AttemptName.extend({ reason: z.enum(['cancelled', 'superseded', 'deleted']) }))
    .describe('attempts to stop: SIGTERM, grace, SIGKILL; then report them as finished, except the `deleted` ones, of which nothing is wanted any more'),
  unknown: z.array(AttemptName).describe('attempts that this server has no record of: keep them running'),
  workers: z.array(z.object({ slot: z.int(), worker_id: z.string(), desired_state: DesiredStateName, desired_version: z.int() })),
  driven: z
    .array(z.object({ slot: z.int(), machine: z.string(), machine_class: z.string() }))
    .optional()
    .describe('all machines that the agent drives now, each a slot; absent: those that it knows'),
});

export const LogChunk = LeaseReference.extend({
  stream: Stream,
  offset: z.int().min(0),
  at: Moment.describe("when the agent read it, by the agent's clock"),
  data: z.base64().optional().describe('the bytes'),
  dropped_bytes: z.int().min(1).optional().describe('instead of data: a hole of this length, from `offset`'),
});

const Deleted = z.array(AttemptName).default([]).describe('attempts whose jobs were deleted: nothing of them is wanted any more');

const Shipped = AttemptName.extend({ stream: Stream, end: z.int().describe('offset up to which the server has the stream') });

export const MetricBatch = LeaseReference.extend({
  from: z.int().min(0).describe('byte offset in the spool file at which this batch begins'),
  to: z.int().min(0).describe('byte offset at which it ends'),
  points: z
    .array(
      z.object({
        offset: z.int().min(0).describe('byte offset of its line in the spool'),
        name: z.string().min(1).max(LIMITS.name_characters.value),
        value: z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]),
        step: z.number().nullable().default(null),
        at: Moment,
      }),
    )
    .max(LIMITS.metric_points.value),
  progress: z.object({ done: z.number(), total: z.number() }).nullable().default(null).describe('the newest jd_progress in this batch'),
});

const exampleReference = { job_id: 42, attempt: 1, rank: 0, token: 'Jm0xQk3v9aTt2fYc8hRw1N5sLpE' };

export const agents = {
  register: endpoint({
    method: 'POST',
    path: '/agents',
    summary: 'Trade an API key for the secret of a new agent',
    access: 'session',
    idempotent: true,
    body: z.object({
      host: z.string().min(1).max(253),
      instance: z
        .string()
        .regex(/^[a-z0-9]{1,12}$/)
        .describe('proposed word; the reply says which one it is'),
      experiments: z
        .array(ExperimentName)
        .min(1)
        .max(50)
        .nullable()
        .describe('whose jobs it takes; null: of every experiment that the key may see, later ones too'),
      workers: z.int().min(0).max(LIMITS.workers_per_agent.value).describe('its own; 0 only of one that drives machines'),
      drives: Drives,
      machine_class: ClassName.nullable().default(null),
      has_script: z.boolean().default(false),
      total: MachineResources,
      version: z.string().max(40),
      process_id: z.int().nullable().default(null),
      platform: z.string().max(100).default(''),
    }),
    reply: z.object({
      agent_id: z.int(),
      secret: z.string().describe('shown once; good until revoked'),
      host: z.string(),
      instance: z.string(),
      worker_ids: z.array(z.string()),
      store_id: z.string(),
    }),
    success: 201,
    errors: ['experiment_not_found', 'version_mismatch'],
    example: {
      body: {
        host: 'gpunode.example.org',
        instance: 'egg',
        experiments: ['digits-tune'],
        workers: 2,
        total: { cpus: 8, memory_bytes: 16_000_000_000, gpus: 0 },
        version: '0.1.0',
      },
      reply: { agent_id: 1, secret: 'jda_…', host: 'gpunode', instance: 'egg', worker_ids: ['gpunode_egg_0', 'gpunode_egg_1'], store_id: 'k3v9aTt2fYc8' },
    },
  }),
  update: endpoint({
    method: 'PATCH',
    path: '/agent',
    summary: 'Tell what changed since the agent registered: after a restart, with more workers, on another version',
    access: 'agent',
    body: z.object({
      workers: z.int().min(0).max(LIMITS.workers_per_agent.value).describe('its own; 0 only of one that drives machines'),
      drives: Drives,
      machine_class: ClassName.nullable().default(null),
      has_script: z.boolean().default(false),
      total: MachineResources,
      version: z.string().max(40),
      process_id: z.int().nullable().default(null),
      platform: z.string().max(100).default(''),
    }),
    reply: z.object({ agent_id: z.int(), host: z.string(), instance: z.string(), worker_ids: z.array(z.string()), store_id: z.string() }),
    errors: ['version_mismatch'],
    example: {
      body: { workers: 4, total: { cpus: 8, memory_bytes: 16_000_000_000, gpus: 0 }, version: '0.1.0' },
      reply: { agent_id: 1, host: 'gpunode', instance: 'egg', worker_ids: ['gpunode_egg_0'], store_id: 'k3v9aTt2fYc8' },
    },
  }),
  sync: endpoint({
    method: 'POST',
    path: '/agent/sync',
    summary: 'Say what runs, what ended and what fits; learn what to start, stop and forget',
    description: 'One in flight per agent. Lists are complete: what is not listed does not run. Hangs up to `wait_seconds` when there is nothing to say.',
    access: 'agent',
    body: SyncRequest,
    reply: SyncReply,
    errors: ['stale_sync', 'version_mismatch'],
    example: {
      body: {
        incarnation: '3-f00d',
        sync_seq: 18,
        sent_at: '2026-11-21T08:30:00.000Z',
        wait_seconds: 25,
        free_slots: [1],
        free: { cpus: 7, memory_bytes: 15_000_000_000, gpus: 0 },
        running: [{ ...exampleReference, slot: 0, started_at: '2026-11-21T08:29:58.000Z' }],
        finished: [],
      },
      reply: {
        store_id: 'k3v9aTt2fYc8',
        store_position: 912,
        now: '2026-11-21T08:30:00.100Z',
        next_sync_within_seconds: 30,
        superseded: false,
        leases: [],
        settled: [],
        revoked: [],
        unknown: [],
        workers: [],
      },
    },
  }),
  logs: endpoint({
    method: 'POST',
    path: '/agent/logs',
    summary: 'Ship pieces of logs; a piece that was shipped before changes nothing',
    access: 'agent',
    body: z.object({ sent_at: Moment, chunks: z.array(LogChunk).max(MAX) }),
    reply: z.object({ ends: z.array(Shipped), deleted: Deleted }),
    errors: ['lease_lost', 'too_large', 'disk_full'],
    example: {
      body: {
        sent_at: '2026-11-21T08:30:00.000Z',
        chunks: [{ ...exampleReference, stream: 'stdout', offset: 0, at: '2026-11-21T08:30:00.000Z', data: 'ZXBvY2ggMQo=' }],
      },
      reply: { ends: [{ job_id: 42, attempt: 1, rank: 0, stream: 'stdout', end: 8 }], deleted: [] },
    },
  }),
  metrics: endpoint({
    method: 'POST',
    path: '/agent/metrics',
    summary: 'Ship metric points and progress from spool files; a batch that was shipped before, or whose beginning is missing, changes nothing',
    access: 'agent',
    body: z.object({ sent_at: Moment, batches: z.array(MetricBatch).max(MAX) }),
    reply: z.object({ ends: z.array(AttemptName.extend({ end: z.int().describe('spool offset up to which the server has the points') })), deleted: Deleted }),
    errors: ['lease_lost', 'too_large', 'disk_full'],
    example: {
      body: {
        sent_at: '2026-11-21T08:30:00.000Z',
        batches: [
          {
            ...exampleReference,
            from: 0,
            to: 58,
            points: [{ offset: 0, name: 'loss', value: 0.7, step: 1, at: '2026-11-21T08:30:00.000Z' }],
            progress: { done: 1, total: 30 },
          },
        ],
      },
      reply: { ends: [{ job_id: 42, attempt: 1, rank: 0, end: 58 }], deleted: [] },
    },
  }),
  leave: endpoint({
    method: 'POST',
    path: '/agent/leave',
    summary: 'Sign off: the workers are shown as stopped; leases it still holds are released',
    access: 'agent',
    body: z.object({ incarnation: z.string().min(1).max(60), reason: z.string().max(200).default('stopped') }),
    reply: z.object({ left: z.literal(true) }),
    example: { body: { incarnation: '3-f00d' }, reply: { left: true } },
  }),
};

export type SyncRequestShape = z.output<typeof SyncRequest>;
export type SyncReplyShape = z.output<typeof SyncReply>;
export type LeaseShape = z.output<typeof Lease>;
export type LeaseReferenceShape = z.output<typeof LeaseReference>;
export type ToldExecutionsShape = z.output<typeof ToldExecutions>;
export type FinishedAttemptShape = z.output<typeof FinishedAttempt>;
export type RunningAttemptShape = z.output<typeof RunningAttempt>;
export type LogChunkShape = z.output<typeof LogChunk>;
export type MetricBatchShape = z.output<typeof MetricBatch>;
