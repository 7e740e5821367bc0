// Experiments: named sets of jobs with shared settings; the unit of access.
import * as z from 'zod';

import { endpoint } from '../endpoint.ts';
import { Experiment, ExperimentName, ExperimentParams, Moment, RetrySettings } from '../schemas.ts';

const example = {
  name: 'digits-tune',
  description: 'Hidden units and learning rate',
  created_at: '2026-11-21T08:30:00.000Z',
  held_at: null,
  last_activity_at: '2026-11-21T08:31:00.000Z',
  counts: { pending: 20, running: 2, done: 5, aborted: 0, total: 27, created: 27, expanding: 0, forgotten: 0 },
  workers: { idle: 0, busy: 2 },
  settings: {
    max_attempts: 1,
    backoff_base_seconds: 10,
    backoff_cap_seconds: 3600,
    timeout_seconds: null,
    grace_seconds: 30,
    lost_after_seconds: 600,
    crash_limit: 5,
  },
};

const SettingsChange = z.strictObject(RetrySettings.partial().shape);

export const experiments = {
  list: endpoint({
    method: 'GET',
    path: '/experiments',
    summary: 'List the experiments that the caller may see, with their counts',
    access: 'session',
    reply: z.object({ experiments: z.array(Experiment) }),
    example: { reply: { experiments: [example] } },
  }),
  create: endpoint({
    method: 'POST',
    path: '/experiments',
    summary: 'Create an experiment',
    access: 'commands',
    idempotent: true,
    body: z.strictObject({
      name: ExperimentName,
      description: z.string().max(2_000).default(''),
      settings: SettingsChange.optional(),
    }),
    reply: Experiment,
    success: 201,
    errors: ['experiment_exists', 'too_many'],
    example: { body: { name: 'digits-tune', settings: { max_attempts: 3 } }, reply: example },
  }),
  get: endpoint({
    method: 'GET',
    path: '/experiments/:experiment',
    summary: 'One experiment',
    access: 'viewer',
    params: ExperimentParams,
    reply: Experiment,
    errors: ['experiment_not_found'],
    example: { params: { experiment: 'digits-tune' }, reply: example },
  }),
  change: endpoint({
    method: 'PATCH',
    path: '/experiments/:experiment',
    summary: 'Change description or settings, hold or unhold the whole queue',
    access: 'operator',
    params: ExperimentParams,
    body: z.strictObject({
      description: z.string().max(2_000).optional(),
      settings: SettingsChange.optional(),
      held: z.boolean().optional().describe('true: no job is handed out until it is false again; running jobs go on'),
    }),
    reply: Experiment,
    errors: ['experiment_not_found'],
    example: { params: { experiment: 'digits-tune' }, body: { settings: { timeout_seconds: 3600 } }, reply: example },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/experiments/:experiment',
    summary: 'Delete an experiment with all its jobs, logs and files',
    description: 'Refused while jobs run. `confirm` must repeat the name.',
    access: 'owner',
    params: ExperimentParams,
    query: z.object({ confirm: z.string() }),
    reply: z.object({ deleted: z.literal(true) }),
    errors: ['experiment_not_found', 'experiment_busy'],
    example: { params: { experiment: 'digits-tune' }, query: { confirm: 'digits-tune' }, reply: { deleted: true } },
  }),
  pin: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/pin',
    summary: "Show the experiment's dashboard PIN to its owner",
    access: 'owner',
    params: ExperimentParams,
    reply: z.object({ pin: z.string(), changed_at: Moment }),
    errors: ['experiment_not_found'],
    example: { params: { experiment: 'digits-tune' }, reply: { pin: '402913', changed_at: '2026-11-21T08:30:00.000Z' } },
  }),
  changePin: endpoint({
    method: 'PUT',
    path: '/experiments/:experiment/pin',
    summary: "Change the experiment's dashboard PIN",
    description: 'A PIN session must give the current PIN; an owner need not. All PIN sessions of the experiment end.',
    access: 'operator',
    params: ExperimentParams,
    body: z.strictObject({
      current_pin: z.string().optional(),
      new_pin: z.string().regex(/^\d{6}$/, 'A PIN has six digits.'),
    }),
    reply: z.object({ changed: z.literal(true) }),
    errors: ['experiment_not_found', 'wrong_pin', 'rate_limited'],
    example: { params: { experiment: 'digits-tune' }, body: { current_pin: '402913', new_pin: '771204' }, reply: { changed: true } },
  }),
};
