// Machines: those that jobs act on, driven by an agent elsewhere or with an agent of their own; and what the machines of workers do over time,
// added up by the server to as many points as a chart can show.
import * as z from 'zod';

import { MACHINE_NAME } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { ClassName, ExperimentParams, Moment } from '../schemas.ts';

const Values = z.array(z.number().nullable()).describe('one for each piece of time; null where nothing was measured');

export const WorkerId = z.string().min(1).max(60).describe('e.g. gpunode_egg_0');

export const MachineName = z.string().max(254).regex(MACHINE_NAME, 'A machine is HOST or HOST:PORT, and never begins with a minus.');

const Machine = z.object({
  name: z.string(),
  kind: z.enum(['driven', 'agent']).describe('driven: an agent elsewhere runs its jobs; agent: an agent runs there'),
  machine_class: z.string().nullable(),
  state: z
    .enum(['ready', 'running', 'disabled', 'quarantined', 'no_driver', 'silent'])
    .describe('quarantined: left alone because jobs failed there; no_driver: no agent drives its class; silent: its agent is not heard'),
  reason: z.string().nullable().describe('why it takes no jobs'),
  enabled: z.boolean(),
  failures: z.int().describe('different jobs that failed there in a row'),
  quarantined_at: Moment.nullable(),
  trial_at: Moment.nullable().describe('from when it may get one job on trial'),
  created_at: Moment,
  driver: z.string().nullable().describe('the agent that drives it, or that runs there'),
  worker_id: z.string().nullable(),
  job: z.object({ experiment: z.string(), number: z.int(), attempt: z.int() }).nullable().describe('what runs there; of an experiment that the caller may see'),
});

const exampleMachine = {
  ...{ name: 'node7.example.org:22', kind: 'driven', machine_class: 'foo', state: 'ready', reason: null, enabled: true, failures: 0 },
  ...{ quarantined_at: null, trial_at: null, created_at: '2026-11-21T08:00:00.000Z', driver: 'desk_egg', worker_id: 'desk_egg_5000', job: null },
};

const Selection = z.strictObject({
  names: z.array(z.string().min(1).max(254)).max(LIMITS.machine_set.value).optional(),
  machine_class: ClassName.optional(),
});

export const machines = {
  list: endpoint({
    method: 'GET',
    path: '/machines',
    summary: 'Machines, by class and name',
    access: 'session',
    query: z.object({ machine_class: ClassName.optional() }),
    reply: z.object({ machines: z.array(Machine) }),
    example: { reply: { machines: [exampleMachine] } },
  }),
  add: endpoint({
    method: 'POST',
    path: '/machines',
    summary: 'Add driven machines to a class; one that is known changes its class, keeps its running job and is out of quarantine',
    access: 'admin',
    body: z.strictObject({ names: z.array(MachineName).min(1).max(LIMITS.machine_set.value), machine_class: ClassName }),
    reply: z.object({ added: z.array(z.string()), changed: z.array(z.string()), driven: z.boolean().describe('an agent drives this class now') }),
    success: 201,
    errors: ['machine_has_agent'],
    example: {
      body: { names: ['node7.example.org:22'], machine_class: 'foo' },
      reply: { added: ['node7.example.org:22'], changed: [], driven: true },
    },
  }),
  change: endpoint({
    method: 'POST',
    path: '/machines/change',
    summary: 'Enable, disable, move or remove driven machines; what runs there goes on',
    description: '`enable` also ends a quarantine. A machine that was removed takes no more jobs; the job that it has ends first.',
    access: 'admin',
    body: z.strictObject({
      action: z.enum(['enable', 'disable', 'move', 'remove']),
      selection: Selection.describe('machines that are named, and those of the class'),
      machine_class: ClassName.optional().describe('of `move`: the new class'),
      dry_run: z.boolean().default(false),
    }),
    reply: z.object({
      changed: z.array(z.string()),
      unchanged: z.array(z.string()).describe('they were like that'),
      running: z.array(z.string()).describe('of those that change: where a job runs, which goes on'),
    }),
    errors: ['not_found', 'invalid_input', 'machine_has_agent'],
    example: {
      body: { action: 'move', selection: { names: ['node7.example.org:22'] }, machine_class: 'bar' },
      reply: { changed: ['node7.example.org:22'], unchanged: [], running: [] },
    },
  }),
  series: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/workers/:worker/machine',
    summary: 'What the machine of a worker did, over time',
    description:
      'Every sample is kept for two days, then means of five minutes. All workers of one agent share its samples. A worker that was forgotten after it had been gone for long has none: `not_found`.',
    access: 'viewer',
    params: ExperimentParams.extend({ worker: WorkerId }),
    query: z.object({
      from: Moment.optional().describe('default: an hour before `until`'),
      until: Moment.optional().describe('default: now'),
      points: z.coerce.number().int().min(1).max(LIMITS.machine_points.value).default(240).describe('most pieces of time'),
    }),
    reply: z.object({
      worker_id: z.string(),
      from: Moment.describe('where the first piece of time begins'),
      until: Moment,
      piece_seconds: z.number().describe('length of each piece of time'),
      series: z.array(z.object({ name: z.string(), mean: Values, least: Values, greatest: Values })),
    }),
    errors: ['experiment_not_found', 'not_found', 'invalid_input'],
    example: {
      params: { experiment: 'digits-tune', worker: 'gpunode_egg_0' },
      reply: {
        worker_id: 'gpunode_egg_0',
        from: '2026-11-21T07:30:00.000Z',
        until: '2026-11-21T08:30:00.000Z',
        piece_seconds: 1_800,
        series: [{ name: 'cpu_percent', mean: [48.5, 51], least: [12, 20.5], greatest: [99, 100] }],
      },
    },
  }),
};

export type MachineShape = z.output<typeof Machine>;
