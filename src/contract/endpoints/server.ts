// The server itself: status, health, and the live stream of events.
import * as z from 'zod';

import { LIMITS } from '../../core/limits.ts';
import { endpoint } from '../endpoint.ts';
import { Counts, EventRecord, ExperimentName, ExperimentParams, Moment, PageQuery } from '../schemas.ts';

export const server = {
  status: endpoint({
    method: 'GET',
    path: '/status',
    summary: 'The server and the counts of every experiment that the caller may see',
    access: 'session',
    reply: z.object({
      server: z.object({ version: z.string(), store_id: z.string(), database: z.enum(['sqlite', 'postgres']), started_at: Moment, now: Moment }),
      experiments: z.array(z.object({ name: ExperimentName, counts: Counts })),
    }),
    example: {
      reply: {
        server: {
          version: '0.1.0',
          store_id: 'k3v9aTt2fYc8',
          database: 'sqlite',
          started_at: '2026-11-21T08:00:00.000Z',
          now: '2026-11-21T08:30:00.000Z',
        },
        experiments: [{ name: 'digits-tune', counts: { pending: 20, running: 2, done: 5, aborted: 0, total: 27, created: 27, expanding: 0, forgotten: 0 } }],
      },
    },
  }),
  events: endpoint({
    method: 'GET',
    path: '/events',
    summary: 'Live stream of events (server-sent events)',
    description:
      'Each message has `id` (the cursor), `event` (the kind) and `data` (an event as JSON). A reconnect with `Last-Event-ID` first brings what was missed. `event: reset` means: too much was missed, load anew. A comment is sent every 15 s.',
    access: 'session',
    transport: 'stream',
    query: z.object({
      experiment: z
        .union([ExperimentName, z.array(ExperimentName).max(LIMITS.stream_experiments.value)])
        .optional()
        .describe('only these; default all that the caller may see'),
    }),
    example: { query: { experiment: 'digits-tune' } },
  }),
  history: endpoint({
    method: 'GET',
    path: '/experiments/:experiment/events',
    summary: 'Events of an experiment or of one of its jobs, newest first',
    access: 'viewer',
    params: ExperimentParams,
    query: PageQuery.extend({ number: z.coerce.number().int().min(1).optional().describe('only events of this job') }),
    reply: z.object({ events: z.array(EventRecord), next_cursor: z.string().nullable() }),
    errors: ['experiment_not_found'],
    example: {
      params: { experiment: 'digits-tune' },
      reply: {
        events: [{ id: 3, at: '2026-11-21T08:30:00.000Z', kind: 'jobs_created', experiment: 'digits-tune', actor: 'key:laptop', jobs: '1-27', data: {} }],
        next_cursor: null,
      },
    },
  }),
};
