// Who calls at the door: a worker by its token, a person by an API key, or, where the server was started so, a worker without anything.
import { isIP } from 'node:net';
import type { BlockList } from 'node:net';

import { Refusal } from '../../../core/refusal.ts';
import { findKeyById } from '../../../store/access.ts';
import type { DoorSender } from '../../../store/door-workers.ts';
import { findExperiment } from '../../../store/experiments.ts';
import { requireRole, requireVisible } from '../../access.ts';
import { peerAddress } from '../../api-call.ts';
import { clientAddress, isTrusted, trustedProxies } from '../../client-address.ts';
import { type Actor, actorName, type NamedExperiment, type ServerContext } from '../../context.ts';
import type { Api, AppContext } from '../../mount.ts';

import { readWorkerToken } from './worker-token.ts';

/** As `drover server --open-workers` says it. */
export interface OpenWorkers {
  readonly experiment: string;
  /** Address ranges; none: this machine only. */
  readonly from: readonly string[];
}

export interface DoorCaller {
  readonly actor: Actor;
  readonly experiment: NamedExperiment;
  readonly sender: DoorSender;
}

export interface Gate {
  readonly open: { readonly experiment: string; readonly from: BlockList } | null;
}

const LOOPBACK = ['127.0.0.0/8', '::1'];

export function createGate(open: OpenWorkers | null): Gate {
  return { open: open === null ? null : { experiment: open.experiment, from: trustedProxies(open.from.length === 0 ? LOOPBACK : open.from) } };
}

/** A worker: its token, or its address where the server is open to such. */
export async function workerCaller(api: Api, c: AppContext, gate: Gate): Promise<DoorCaller> {
  const authorization = c.req.header('authorization');
  if (authorization !== undefined) {
    const caller = await tokenCaller(api.context, authorization);
    requireRole(caller.actor, 'operator', 'one_experiment');
    return caller;
  }
  return openCaller(api, c, gate);
}

/** Somebody with a worker token, with the rights of the key that it was made for. */
export async function tokenCaller({ store, clock }: ServerContext, authorization: string | undefined): Promise<DoorCaller> {
  const token = /^Bearer +([!-~]{1,2000})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new Refusal('unauthenticated', 'Missing worker token. Get one with an API key: POST /api/worker/token');
  const now = clock.now();
  const claims = readWorkerToken(store.key, token, Math.floor(now / 1000));
  if (claims === null)
    throw new Refusal('unauthenticated', 'The worker token is not valid or has expired. Get another one with an API key: POST /api/worker/token');
  const key = await findKeyById(store, claims.user_id);
  if (key === null || (key.expires_at !== null && key.expires_at <= now))
    throw new Refusal('unauthenticated', 'The API key of this worker token was deleted or has expired.');
  const actor: Actor = { kind: 'key', id: key.id, name: key.name, role: key.role, experiments: key.experiments };
  const found = await findExperiment(store, claims.exp_name);
  // An experiment that was made anew under the name of a deleted one is another one.
  const experiment = requireVisible(actor, found?.id === claims.exp_id ? found : null, claims.exp_name);
  const times = { issued_at: claims.iat * 1000, ends_at: claims.exp * 1000 };
  return { actor, experiment, sender: { experiment_id: experiment.id, actor: actorName(actor), token_id: claims.jti, key_id: key.id, ...times } };
}

/** What says that a request came through a proxy: then its peer's address says nothing of its sender. */
const FORWARDED = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'];

async function openCaller(api: Api, c: AppContext, { open }: Gate): Promise<DoorCaller> {
  const missing = new Refusal('unauthenticated', 'Missing worker token. Get one with an API key: POST /api/worker/token');
  if (open === null) throw missing;
  const { headers } = c.req.raw;
  const peer = peerAddress(c.env);
  if (!isTrusted(api.proxies, peer) && FORWARDED.some((name) => headers.has(name))) throw missing;
  const address = clientAddress(peer, headers.get('x-forwarded-for'), api.proxies);
  if (!isTrusted(open.from, address) || !isPlainClient(headers)) throw missing;
  const experiment = await findExperiment(api.context.store, open.experiment);
  if (experiment === null)
    throw new Refusal('experiment_not_found', `There is no experiment ${open.experiment}. Create it: drover experiment create ${open.experiment}`);
  const sender = { experiment_id: experiment.id, actor: 'open worker', token_id: '', key_id: null, issued_at: null, ends_at: null };
  return { actor: { kind: 'nobody', name: 'open worker' }, experiment, sender };
}

/** No page in a browser: one on this machine could be made to call by any site, also under a name of that site that leads here. */
function isPlainClient(headers: Headers): boolean {
  if (headers.has('origin') || headers.has('sec-fetch-site') || headers.has('cookie')) return false;
  const host = (headers.get('host') ?? '').toLowerCase();
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d+$/, '');
  return isIP(name) !== 0 || (name !== '' && !name.includes('.'));
}

/** A person with an API key. */
export async function keyCaller({ access }: ServerContext, headers: Headers): Promise<Actor> {
  const { actor, by } = headers.has('authorization') ? await access.authenticate(headers) : { actor: null, by: 'nothing' };
  if (actor?.kind === 'key' && by === 'bearer') return actor;
  throw new Refusal('unauthenticated', 'Send an API key: Authorization: Bearer jd_…');
}
