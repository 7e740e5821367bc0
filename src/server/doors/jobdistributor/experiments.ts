// What a client asks of the Hub: a token for its workers, and experiments. All by API key.
import * as z from 'zod';

import { EXPERIMENT_NAME } from '../../../core/identifiers.ts';
import { LIMITS } from '../../../core/limits.ts';
import { Refusal } from '../../../core/refusal.ts';
import { findExperiment, listExperiments } from '../../../store/experiments.ts';
import { isTrusted } from '../../client-address.ts';
import { peerAddress } from '../../api-call.ts';
import { requireRole, requireVisible } from '../../access.ts';
import type { Actor, NamedExperiment } from '../../context.ts';
import { experimentHandlers } from '../../handlers/experiments.ts';

import { keyCaller } from './caller.ts';
import { type DoorCall, ownCall, readJson } from './door-call.ts';
import { makeWorkerToken } from './worker-token.ts';

const TokenRequest = z.object({ experiment_name: z.string().min(1).max(200) });

export async function handleToken(call: DoorCall): Promise<object> {
  const { context } = call.api;
  const actor = await keyCaller(context, call.c.req.raw.headers);
  const { experiment_name } = await readJson(call, TokenRequest);
  const experiment = requireVisible(actor, await findExperiment(context.store, experiment_name), experiment_name);
  requireRole(actor, 'viewer', 'one_experiment');
  if (actor.kind !== 'key') throw new Refusal('unauthenticated', 'Send an API key.');
  const now = Math.floor(context.clock.now() / 1000);
  const life = LIMITS.worker_token_seconds.value;
  return {
    worker_token: makeWorkerToken(context.store.key, { experiment, key_id: actor.id, now, life }),
    server_url: serverUrl(call),
    exp_name: experiment.name,
    expires_at: momentOf((now + life) * 1000),
    refresh_margin_secs: LIMITS.worker_token_margin_seconds.value,
  };
}

/** In a form that Python of every age reads. */
function momentOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, '+00:00');
}

/** Where the caller reached this server: so it will again. */
function serverUrl({ api, c }: DoorCall): string {
  const { headers, url } = c.req.raw;
  const behind = isTrusted(api.proxies, peerAddress(c.env));
  const host = (behind ? headers.get('x-forwarded-host') : null) ?? headers.get('host') ?? new URL(url).host;
  const scheme = behind && /^https\b/i.test(headers.get('x-forwarded-proto') ?? '') ? 'https' : 'http';
  const base = `${scheme}://${host}`;
  if (!URL.canParse(base) || new URL(base).host !== host.toLowerCase().replace(scheme === 'http' ? /:80$/ : /:443$/, '')) {
    throw new Refusal('invalid_input', 'The Host header is not an address.');
  }
  return base;
}

const NewExperiment = z.object({ name: z.string().regex(EXPERIMENT_NAME, 'an experiment is called by 2 to 47 small letters, digits and "-", a letter first') });

export async function handleNewExperiment(call: DoorCall): Promise<Response> {
  const actor = await keyCaller(call.api.context, call.c.req.raw.headers);
  requireRole(actor, 'commands', 'anywhere');
  const { name } = await readJson(call, NewExperiment);
  const made = await experimentHandlers.create({ params: {}, query: {}, body: { name, description: '' } }, ownCall(call, actor, null));
  const id = (await findExperiment(call.api.context.store, made.name))!.id;
  const urls = { server_url: serverUrl(call), dashboard_url: dashboardUrl(call, made.name) };
  return Response.json({ experiment_id: id, name: made.name, ...urls, message: `Experiment ${made.name} created` }, { status: 201 });
}

function dashboardUrl(call: DoorCall, name: string): string {
  return `${serverUrl(call)}/experiments/${name}`;
}

async function named(call: DoorCall): Promise<{ actor: Actor; experiment: NamedExperiment }> {
  const actor = await keyCaller(call.api.context, call.c.req.raw.headers);
  const name = call.c.req.param('name') ?? '';
  const experiment = requireVisible(actor, EXPERIMENT_NAME.test(name) ? await findExperiment(call.api.context.store, name) : null, name.slice(0, 60));
  return { actor, experiment };
}

export async function handleShowExperiment(call: DoorCall): Promise<object> {
  const { experiment } = await named(call);
  const [record] = await listExperiments(call.api.context.store, [experiment.id]);
  if (record === undefined) throw new Refusal('experiment_not_found', `There is no experiment ${experiment.name}.`);
  return {
    ...{ id: experiment.id, name: experiment.name, status: 'ACTIVE', server_url: serverUrl(call), dashboard_url: dashboardUrl(call, experiment.name) },
    ...{ created_at: momentOf(record.created_at), last_activity: momentOf(record.last_activity_at ?? record.created_at) },
  };
}

/** One server has all experiments, so none is shut down with this one. */
const SHUTDOWN = { called: false, ok: true, workers_stopped: 0, error: null };

export async function handleDeleteExperiment(call: DoorCall): Promise<object> {
  const { actor, experiment } = await named(call);
  requireRole(actor, 'owner', 'one_experiment');
  await experimentHandlers.remove({ params: { experiment: experiment.name }, query: { confirm: experiment.name }, body: {} }, ownCall(call, actor, experiment));
  return { message: `Experiment ${experiment.name} deleted`, shutdown: SHUTDOWN };
}
