// Who is who: sessions of the dashboard (by PIN or one-time link) and API keys.
import * as z from 'zod';

import { endpoint } from '../endpoint.ts';
import { ExperimentName, Moment } from '../schemas.ts';

export const ROLES = ['viewer', 'operator', 'owner', 'admin'] as const;

export const Actor = z.object({
  kind: z.enum(['key', 'pin', 'link']),
  name: z.string(),
  role: z.enum(ROLES),
  experiments: z.array(ExperimentName).nullable().describe('null: all'),
  may_bring_commands: z.boolean().describe('whether new command text is accepted from this caller'),
});

const exampleActor = { kind: 'link', name: 'one-time link', role: 'admin', experiments: null, may_bring_commands: true };

export const ApiKey = z.object({
  id: z.int(),
  name: z.string(),
  prefix: z.string().describe('first characters, to recognise it'),
  role: z.enum(ROLES),
  experiments: z.array(ExperimentName).nullable().describe('null: all'),
  created_at: Moment,
  last_used_at: Moment.nullable(),
  expires_at: Moment.nullable(),
});

const exampleKey = {
  id: 3,
  name: 'laptop',
  prefix: 'jd_4fQ2',
  role: 'operator',
  experiments: null,
  created_at: '2026-11-21T08:00:00.000Z',
  last_used_at: null,
  expires_at: null,
};

export const access = {
  login: endpoint({
    method: 'POST',
    path: '/login',
    summary: 'Open a dashboard session with a PIN, a one-time link or an API key',
    description:
      'Sets an HttpOnly cookie. Wrong PINs are slowed down and locked per client and per experiment. A session by key may what the key may, and ends with it; it starts no agents.',
    access: 'none',
    body: z.union([
      z.strictObject({ experiment: ExperimentName, pin: z.string().max(20) }),
      z.strictObject({ link_token: z.string().max(100) }),
      z.strictObject({ api_key: z.string().max(100) }),
    ]),
    reply: z.object({ actor: Actor }),
    errors: ['wrong_pin', 'rate_limited', 'unauthenticated'],
    example: { body: { experiment: 'digits-tune', pin: '402913' }, reply: { actor: exampleActor } },
  }),
  logout: endpoint({
    method: 'POST',
    path: '/logout',
    summary: 'End the dashboard session',
    access: 'session',
    reply: z.object({ ended: z.literal(true) }),
    example: { body: {}, reply: { ended: true } },
  }),
  whoami: endpoint({
    method: 'GET',
    path: '/session',
    summary: 'Who the caller is and may do',
    access: 'session',
    reply: z.object({ actor: Actor, server: z.object({ version: z.string(), store_id: z.string() }) }),
    example: { reply: { actor: exampleActor, server: { version: '0.1.0', store_id: 'k3v9aTt2fYc8' } } },
  }),
  createLoginLink: endpoint({
    method: 'POST',
    path: '/login-links',
    summary: 'Make a one-time link that opens the dashboard with the rights of the caller',
    access: 'admin',
    reply: z.object({ path: z.string().describe('below the server, e.g. /login#link=…'), expires_at: Moment }),
    success: 201,
    example: { body: {}, reply: { path: '/login#link=jdl_…', expires_at: '2026-11-21T08:45:00.000Z' } },
  }),
  listKeys: endpoint({
    method: 'GET',
    path: '/keys',
    summary: 'List API keys',
    access: 'admin',
    reply: z.object({ keys: z.array(ApiKey) }),
    example: { reply: { keys: [exampleKey] } },
  }),
  createKey: endpoint({
    method: 'POST',
    path: '/keys',
    summary: 'Create an API key; it is shown once',
    access: 'admin',
    idempotent: true,
    body: z.strictObject({
      name: z.string().min(1).max(100),
      role: z.enum(ROLES).default('operator'),
      experiments: z.array(ExperimentName).min(1).max(1000).nullable().default(null),
      expires_at: Moment.nullable().default(null),
    }),
    reply: ApiKey.extend({ key: z.string() }),
    success: 201,
    errors: ['experiment_not_found', 'too_many'],
    example: { body: { name: 'laptop' }, reply: { ...exampleKey, key: 'jd_4fQ2…' } },
  }),
  deleteKey: endpoint({
    method: 'DELETE',
    path: '/keys/:id',
    summary: 'Delete an API key; agents that were registered with it stay',
    access: 'admin',
    params: z.object({ id: z.coerce.number().int().min(1) }),
    reply: z.object({ deleted: z.literal(true) }),
    errors: ['not_found'],
    example: { params: { id: 3 }, reply: { deleted: true } },
  }),
};

export type ActorShape = z.output<typeof Actor>;
export type ApiKeyShape = z.output<typeof ApiKey>;
