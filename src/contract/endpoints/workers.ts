// Workers as people see and command them. A command is queued here and applied at the worker's next sync.
import * as z from 'zod';

import { DESIRED_STATES } from '../../core/worker.ts';
import { endpoint } from '../endpoint.ts';
import { ExperimentParams, Moment, Worker } from '../schemas.ts';

const params = { experiment: 'digits-tune' };
const exampleWorker = {
  worker_id: 'gpunode_egg_0',
  host: 'gpunode',
  instance: 'egg',
  slot: 0,
  machine_class: null,
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
  refused: z.int().describe('workers left as they were, because they also serve experiments that the caller may not operate'),
  workers: z.array(z.string()).describe('ids of the changed ones'),
});

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
      reply: { matched: 2, changed: 2, refused: 0, workers: ['gpunode_egg_0', 'gpunode_egg_1'] },
    },
  }),
  cancelCommand: endpoint({
    method: 'POST',
    path: '/experiments/:experiment/workers/cancel-command',
    summary: 'Take back commands that no worker has applied yet',
    access: 'operator',
    params: ExperimentParams,
    body: z.strictObject({ workers: Selection.default({}) }),
    reply: Commanded,
    errors: ['experiment_not_found'],
    example: { params, body: { workers: { worker_ids: ['gpunode_egg_0'] } }, reply: { matched: 1, changed: 1, refused: 0, workers: ['gpunode_egg_0'] } },
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
