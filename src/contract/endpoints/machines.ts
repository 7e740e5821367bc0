// What the machines of workers do, over time: added up by the server to as many points as a chart can show.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { ExperimentParams, Moment } from '../schemas.ts';

const Values = z.array(z.number().nullable()).describe('one for each piece of time; null where nothing was measured');

export const WorkerId = z.string().min(1).max(60).describe('e.g. gpunode_egg_0');

export const machines = {
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
