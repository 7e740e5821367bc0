// Workers as people see and command them. A command is queued here and applied at the worker's next sync.
import * as z from 'zod';

import { EVENT_KINDS } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import { DESIRED_STATES } from '../../core/worker.ts';
import { endpoint } from '../endpoint.ts';
import { ExperimentName, ExperimentParams, Moment, OutcomeName, Worker } from '../schemas.ts';
import { MachineResources } from './agents.ts';
import { WorkerId } from './machines.ts';

const params = { experiment: 'digits-tune' };
const exampleWorker = {
  worker_id: 'gpunode_egg_0',
  host: 'gpunode',
  instance: 'egg',
  slot: 0,
  machine_class: null,
  machine: null,
  status: 'busy',
  liveness: 'alive',
  desired_state: 'run',
  desired_version: 0,
  applied_version: 0,
  command_waits: false,
  job: { experiment: 'digits-tune', number: 42, attempt: 1 },
  agent_version: '0.1.0',
  process_id: 4711,
  registered_at: '2026-11-21T08:00:00.000Z',
  last_seen_at: '2026-11-21T08:30:00.000Z',
  disabled_at: null,
  disabled_reason: null,
  jobs_completed: 12,
  metrics: { cpu_percent: 48.5 },
};

/** Which workers: all conditions must hold; none at all means all workers. */
const Selection = z.strictObject({
  worker_ids: z.array(z.string().max(60)).max(10_000).optional(),
  host: z.string().max(60).optional(),
  instance: z.string().max(60).optional(),
});

const Commanded = z.object({
  matched: z.int(),
  changed: z.int(),
  busy: z.int().default(0).describe('of the changed ones, those that run a job'),
  refused: z.int().describe('workers left as they were, because they also serve experiments that the caller may not operate'),
  workers: z.array(z.string()).describe('ids of the changed ones'),
});

const OfWorker = ExperimentParams.extend({ worker: WorkerId });

const WorkerDetails = Worker.extend({
  machine: z.string().nullable().describe('full name of the host'),
  platform: z.string(),
  total: MachineResources,
  has_script: z.boolean().describe('whether it can run jobs without a command'),
  experiments: z.array(ExperimentName).nullable().describe('whose jobs it takes, of those that the caller may see; null: of all there are'),
  other_experiments: z.int().describe('how many more it serves'),
  next_sync_within_seconds: z.number().describe('it is expected to poll at least so often'),
  metrics_at: Moment.nullable().describe('when its newest metrics came'),
  agent_workers: z.int().describe('workers of its agent, itself included'),
  revoked_at: Moment.nullable(),
});

const HistoryEntry = z.discriminatedUnion('what', [
  z.object({
    what: z.literal('event'),
    at: Moment,
    kind: z.enum(EVENT_KINDS),
    actor: z.string().nullable().describe('who caused it; null when the caller may not know'),
    data: z.record(z.string(), z.json()),
  }),
  z.object({
    what: z.literal('job'),
    at: Moment.describe('when it was taken'),
    job: z
      .object({ experiment: ExperimentName, number: z.int(), attempt: z.int() })
      .nullable()
      .describe('null for a job of an experiment that the caller may not see, or that was deleted'),
    outcome: OutcomeName.nullable(),
    finished_at: Moment.nullable(),
    duration_ms: z.int().nullable(),
  }),
]);

export const workers = {
  list: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/workers',
    summary: 'Workers that serve an experiment',
    access: 'viewer',
    params: ExperimentParams,
    query: z.object({ state: z.enum(['active', 'disabled', 'all']).default('all') }),
    reply: z.object({ workers: z.array(Worker) }),
    errors: ['experiment_not_found'],
    example: { params, reply: { workers: [exampleWorker] } },
  }),
  get: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/workers/:worker',
    summary: 'One worker with all that is known of it, also when it is gone',
    access: 'viewer',
    params: OfWorker,
    reply: WorkerDetails,
    errors: ['experiment_not_found', 'not_found'],
    example: {
      params: { ...params, worker: 'gpunode_egg_0' },
      reply: {
        ...exampleWorker,
        machine: 'gpunode.example.org',
        platform: 'linux x64, node 20.19.0',
        total: { cpus: 8, memory_bytes: 16_000_000_000, gpus: 0 },
        has_script: false,
        experiments: ['digits-tune'],
        other_experiments: 0,
        next_sync_within_seconds: 30,
        metrics_at: '2026-11-21T08:29:50.000Z',
        agent_workers: 2,
        revoked_at: null,
      },
    },
  }),
  history: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/workers/:worker/history',
    summary: 'What happened to a worker, newest first: registration, jobs, commands, silence',
    access: 'viewer',
    params: OfWorker,
    query: z.object({
      limit: z.coerce.number().int().min(1).max(LIMITS.page_items.value).default(20),
      cursor: z.string().max(100).optional().describe('of the page before'),
    }),
    reply: z.object({ entries: z.array(HistoryEntry), next_cursor: z.string().nullable() }),
    errors: ['experiment_not_found', 'not_found', 'invalid_input'],
    example: {
      params: { ...params, worker: 'gpunode_egg_0' },
      reply: {
        entries: [
          {
            what: 'job',
            at: '2026-11-21T08:29:00.000Z',
            job: { experiment: 'digits-tune', number: 42, attempt: 1 },
            outcome: 'succeeded',
            finished_at: '2026-11-21T08:30:00.000Z',
            duration_ms: 60_000,
          },
          {
            what: 'event',
            at: '2026-11-21T08:00:00.000Z',
            kind: 'agent_registered',
            actor: 'key:laptop',
            data: { agent: 'gpunode_egg', workers: 2, version: '0.1.0' },
          },
        ],
        next_cursor: null,
      },
    },
  }),
  command: endpoint({
    method: 'POST',
    path: '/experiments/:experiment/workers/command',
    summary: 'Tell workers to run, pause, drain or stop',
    description:
      '`pause` finishes the job and takes no more; `drain` finishes the job and leaves; `stop` the same, and leaves at once when idle. A stronger waiting command is not weakened. A worker obeys whoever may operate every experiment that it serves; `forbidden` when that is so of none.',
    access: 'operator',
    params: ExperimentParams,
    body: z.strictObject({ action: z.enum(DESIRED_STATES), workers: Selection.default({}), dry_run: z.boolean().default(false) }),
    reply: Commanded,
    errors: ['experiment_not_found'],
    example: {
      params,
      body: { action: 'drain', workers: { host: 'gpunode' } },
      reply: { matched: 2, changed: 2, busy: 1, refused: 0, workers: ['gpunode_egg_0', 'gpunode_egg_1'] },
    },
  }),
  cancelCommand: endpoint({
    method: 'POST',
    path: '/experiments/:experiment/workers/cancel-command',
    summary: 'Take back commands that no worker has applied yet',
    access: 'operator',
    params: ExperimentParams,
    body: z.strictObject({ workers: Selection.default({}), dry_run: z.boolean().default(false) }),
    reply: Commanded,
    errors: ['experiment_not_found'],
    example: {
      params,
      body: { workers: { worker_ids: ['gpunode_egg_0'] } },
      reply: { matched: 1, changed: 1, busy: 0, refused: 0, workers: ['gpunode_egg_0'] },
    },
  }),
  revoke: endpoint({
    method: 'POST',
    path: '/experiments/:experiment/agents/:agent/revoke',
    summary: 'Revoke an agent: its secret is good for nothing any more, in any experiment that it serves',
    description:
      'Cannot be undone; another agent is started with an API key. The agent takes no more jobs and ends when those that run have ended; their leases run out like those of an agent that is silent. Revoking it again changes nothing.',
    access: 'owner',
    params: ExperimentParams.extend({ agent: z.string().min(1).max(60).describe('host and instance: a worker id without its slot') }),
    reply: z.object({ agent: z.string(), revoked_at: Moment, running_jobs: z.int().describe('jobs that it holds') }),
    errors: ['experiment_not_found', 'not_found'],
    example: {
      params: { ...params, agent: 'gpunode_egg' },
      reply: { agent: 'gpunode_egg', revoked_at: '2026-11-21T08:30:00.000Z', running_jobs: 1 },
    },
  }),
};
