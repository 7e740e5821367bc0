// API keys that are good for one experiment only: its owner makes and deletes them, without being an admin of the server.
import * as z from 'zod';

import { endpoint } from '../endpoint.ts';
import { ExperimentParams, Moment } from '../schemas.ts';
import { ApiKey } from './access.ts';

const PATH = '/experiments/:experiment/keys';
const params = { experiment: 'digits-tune' };
const example = {
  id: 3,
  name: 'gpu-box',
  prefix: 'jd_4fQ2',
  role: 'operator',
  experiments: ['digits-tune'],
  created_at: '2026-11-21T08:00:00.000Z',
  last_used_at: null,
  expires_at: null,
};

export const keys = {
  list: endpoint({
    method: 'GET',
    path: PATH,
    summary: 'API keys that are good for this experiment and no other',
    access: 'owner',
    params: ExperimentParams,
    reply: z.object({ keys: z.array(ApiKey) }),
    errors: ['experiment_not_found'],
    example: { params, reply: { keys: [example] } },
  }),
  create: endpoint({
    method: 'POST',
    path: PATH,
    summary: 'Create an API key for this experiment; it is shown once',
    access: 'owner',
    idempotent: true,
    params: ExperimentParams,
    body: z.strictObject({
      name: z.string().trim().min(1).max(100),
      role: z.enum(['viewer', 'operator', 'owner']).default('operator'),
      expires_at: Moment.nullable().default(null),
    }),
    reply: ApiKey.extend({ key: z.string() }),
    success: 201,
    errors: ['experiment_not_found', 'too_many'],
    example: { params, body: { name: 'gpu-box' }, reply: { ...example, key: 'jd_4fQ2…' } },
  }),
  remove: endpoint({
    method: 'DELETE',
    path: `${PATH}/:id`,
    summary: 'Delete an API key of this experiment, and the sessions that it opened; agents that were registered with it stay',
    access: 'owner',
    params: ExperimentParams.extend({ id: z.coerce.number().int().min(1) }),
    reply: z.object({ deleted: z.literal(true) }),
    errors: ['experiment_not_found', 'not_found'],
    example: { params: { ...params, id: 3 }, reply: { deleted: true } },
  }),
};
