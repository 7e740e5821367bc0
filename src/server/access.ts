// Who is calling, and what they may do. Nothing is trusted for where it comes from: every call brings a key, a secret, a token
// or a session's cookie.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import type { Access } from '../contract/index.ts';
import type { Clock } from '../runtime/clock.ts';
import { hashSecret } from '../runtime/ids.ts';
import type { Log } from '../runtime/log.ts';
import { findAgent, findAttempt, findKey, findSession, touchUsed } from '../store/access.ts';
import { parseAttemptToken, verifiedNonce } from '../store/lease-token.ts';
import type { Store } from '../store/store.ts';

import type { Actor, NamedExperiment } from './context.ts';

/** Keys, PIN sessions and link sessions: they have a role. */
export type Person = Extract<Actor, { readonly kind: 'key' | 'pin' | 'link' }>;

export interface Caller {
  readonly actor: Actor;
  /** How the caller proved who they are: writes by cookie must also prove where they come from. */
  readonly by: 'bearer' | 'cookie' | 'nothing';
}

export interface AccessControl {
  /** `drover_…`: servers on one host and different ports share cookies, so the name tells them apart. */
  readonly cookie_name: string;
  /** Refuses credentials that are not good; no credentials at all are `nobody`. */
  authenticate(headers: Headers): Promise<Caller>;
  /** Looks anew at the next call of everybody: after a key or a session ended, or a PIN changed. */
  forget(): void;
}

interface Known {
  readonly caller: Caller;
  /** Of the monotonic clock. */
  readonly until: number;
}

export const NOBODY: Caller = { actor: { kind: 'nobody', name: 'nobody' }, by: 'nothing' };
const CACHE_MS = 5_000;
const CACHE_ENTRIES = 10_000;
const TOUCH_MS = 60_000;

export interface AccessOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

export function createAccess(options: AccessOptions): AccessControl {
  const { clock, store } = options;
  const cookie_name = `drover_${store.id.slice(0, 8)}`;
  const known = new Map<string, Known>();
  let generation = 0;

  async function look(secret: string, by: 'bearer' | 'cookie'): Promise<Caller> {
    const hash = hashSecret(secret);
    const now = clock.monotonic();
    const found = known.get(hash);
    if (found !== undefined && found.until > now) return found.caller;
    const before = generation;
    const caller: Caller = { actor: by === 'cookie' ? await sessionActor(options, hash) : await bearerActor(options, secret, hash), by };
    // What was read before somebody's rights ended must not outlive that.
    if (before === generation) {
      known.delete(hash);
      if (known.size >= CACHE_ENTRIES) known.delete(known.keys().next().value!);
      known.set(hash, { caller, until: now + CACHE_MS });
    }
    return caller;
  }

  return {
    cookie_name,
    async authenticate(headers) {
      const authorization = headers.get('authorization');
      if (authorization !== null) return look(bearer(authorization), 'bearer');
      const cookie = headers.get('cookie');
      const secret = cookie === null ? null : cookieValue(cookie, cookie_name);
      return secret === null ? NOBODY : look(secret, 'cookie');
    },
    forget() {
      generation += 1;
      known.clear();
    },
  };
}

function bearer(authorization: string): string {
  const match = /^Bearer +([!-~]{1,300})$/i.exec(authorization);
  if (match === null) throw new Refusal('unauthenticated', 'The Authorization header must be: Bearer, a space, and a key. Make a key with: drover key create');
  return match[1]!;
}

function cookieValue(header: string, name: string): string | null {
  for (const part of header.split(';')) {
    const [key, value] = part.split('=', 2);
    if (key!.trim() === name && value !== undefined) return value.trim();
  }
  return null;
}

async function bearerActor(options: AccessOptions, secret: string, hash: string): Promise<Actor> {
  if (secret.startsWith('jd_')) return keyActor(options, hash);
  if (secret.startsWith('jda_')) {
    const agent = await findAgent(options.store, hash);
    if (agent === null)
      throw new Refusal(
        'unauthenticated',
        `This agent does not belong to the store ${options.store.id} of this server: the server runs on another data directory than before. ` +
          'If the directory is right, start the agent again with an API key: drover worker start',
      );
    if (agent.revoked_at !== null) throw agentRevoked();
    return { kind: 'agent', id: agent.id, name: `${agent.host}_${agent.instance}` };
  }
  if (secret.startsWith('jdt_')) return attemptActor(options, secret);
  throw new Refusal('unauthenticated', 'This is not a key of Drover; one begins with jd_. Make one with: drover key create');
}

/** Unlike a secret that is not known, this is final: no restored record can make it good again. */
export function agentRevoked(): Refusal {
  return new Refusal('agent_revoked', 'This agent was revoked. If that was a mistake, start another one with an API key: drover worker start');
}

async function keyActor({ store, clock, log }: AccessOptions, hash: string): Promise<Actor> {
  const key = await findKey(store, hash);
  if (key === null) throw new Refusal('unauthenticated', 'The API key is not known here. Make one with: drover key create');
  if (key.expires_at !== null && key.expires_at <= clock.now())
    throw new Refusal('unauthenticated', 'The API key has expired. Make another one with: drover key create');
  if (clock.now() - (key.last_used_at ?? 0) >= TOUCH_MS) touch({ store, clock, log }, { keys: [key.id], sessions: [] });
  return { kind: 'key', id: key.id, name: key.name, role: key.role, experiments: key.experiments };
}

async function sessionActor(options: AccessOptions, hash: string): Promise<Actor> {
  const now = options.clock.now();
  const session = await findSession(options.store, hash, now);
  if (session === null) throw new Refusal('unauthenticated', 'The session has ended. Log in again.');
  if (now - session.last_seen_at >= TOUCH_MS) touch(options, { keys: [], sessions: [session.id] });
  const { kind, id, name, role, experiments } = session;
  // Whoever came by key in a browser is no key: a session starts no agents.
  return { kind: kind === 'key' ? 'link' : kind, id, name, role, experiments };
}

async function attemptActor({ store, clock }: AccessOptions, secret: string): Promise<Actor> {
  const token = parseAttemptToken(secret);
  const subject = token === null ? null : await findAttempt(store, token);
  if (token === null || subject === null || verifiedNonce(store.key, { ...token, created_at: subject.created_at }, token.token) === null) {
    throw new Refusal('unauthenticated', 'This is not the token of a job of this server. A running job finds its token in JD_WORKER_TOKEN.');
  }
  if (subject.recorded_at !== null && clock.now() - subject.recorded_at > LIMITS.attempt_token_seconds.value * 1000) {
    throw new Refusal('unauthenticated', 'This token has ended: its attempt ended too long ago.');
  }
  return { kind: 'attempt', ...token, name: `${subject.experiment}/${subject.number}` };
}

function touch({ store, log }: AccessOptions, used: Parameters<typeof touchUsed>[1]): void {
  store.write((tx) => touchUsed(tx, used)).catch((error: unknown) => log.debug({ err: error }, 'could not note the use of a key'));
}

const RANKS = { viewer: 0, operator: 1, owner: 2, admin: 3 } as const;
const NEEDED = { viewer: 0, operator: 1, commands: 1, owner: 2, admin: 3 } as const;

export function isPerson(actor: Actor): actor is Person {
  return actor.kind === 'key' || actor.kind === 'pin' || actor.kind === 'link';
}

/** Whether new command text is accepted from this caller: an operator or more, but never a PIN session. */
export function mayBringCommands(actor: Actor): boolean {
  return (actor.kind === 'key' || actor.kind === 'link') && RANKS[actor.role] >= RANKS.operator;
}

/** Secrets are the business of owners, and never of a PIN session. */
export function mayKeepSecrets(actor: Actor): boolean {
  return mayBringCommands(actor) && 'role' in actor && RANKS[actor.role] >= RANKS.owner;
}

/** Agents run commands, so a PIN or an open browser is not enough to start one. */
export function mayRegisterAgents(actor: Actor): boolean {
  return actor.kind === 'key' && RANKS[actor.role] >= RANKS.operator;
}

export function maySee(actor: Actor, experimentId: number): boolean {
  return isPerson(actor) && (actor.experiments === null || actor.experiments.includes(experimentId));
}

/** Unknown and not allowed look the same. */
export function requireVisible(actor: Actor, experiment: NamedExperiment | null, name: string): NamedExperiment {
  if (experiment !== null && maySee(actor, experiment.id)) return experiment;
  throw new Refusal('experiment_not_found', `There is no experiment “${name}”, or you may not see it. List those that you may see with: drover experiment ls`);
}

/** Refuses callers of the wrong kind: whoever is not a person has one door only. */
export function requireKind(actor: Actor, access: Access): void {
  if (access === 'none') return;
  if (actor.kind === 'nobody') throw new Refusal('unauthenticated', 'Log in, or send an API key: Authorization: Bearer jd_…');
  if (access === 'agent' || access === 'attempt') {
    if (actor.kind !== access)
      throw new Refusal('forbidden', access === 'agent' ? "This needs an agent's secret." : 'This needs the token of a running job (JD_WORKER_TOKEN).');
  } else if (!isPerson(actor)) {
    throw new Refusal('forbidden', 'This needs an API key or a session of the dashboard.');
  }
}

/** Refuses people whose role is too low. `anywhere`: the call is not about one experiment, so rights on some are not enough. */
export function requireRole(actor: Actor, access: Access, scope: 'one_experiment' | 'anywhere'): void {
  if (!isPerson(actor) || access === 'none' || access === 'session' || access === 'agent' || access === 'attempt') return;
  if (RANKS[actor.role] < NEEDED[access]) {
    throw new Refusal('forbidden', `This needs the role ${access === 'commands' ? 'operator' : access}; yours is ${actor.role}. Ask an admin of this server.`);
  }
  if (access === 'commands' && !mayBringCommands(actor)) {
    throw new Refusal('forbidden', 'A session opened with a PIN may not do this. Use an API key, or the one-time link that the server prints.');
  }
  if (scope === 'anywhere' && actor.experiments !== null) {
    throw new Refusal('forbidden', 'Your rights are limited to some experiments, and this concerns the whole server. Ask an admin of this server.');
  }
}

/** How an actor is told apart from all others, for what is remembered per actor. */
export function actorKey(actor: Actor): string {
  if (actor.kind === 'attempt') return `attempt:${actor.job_id}.${actor.attempt}.${actor.rank}`;
  return actor.kind === 'nobody' ? 'nobody' : `${actor.kind}:${actor.id}`;
}

/** Refuses writes that a page of another site could have made a browser send. */
export function requireSameOrigin(headers: Headers, host: string | null): void {
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const isForeign = (site !== null && site !== 'same-origin' && site !== 'none') || (origin !== null && originHost(origin) !== host);
  if (isForeign) throw new Refusal('csrf', "This write came from another site's page. Use the dashboard, or an API key.");
}

export function requireCsrfHeader(headers: Headers): void {
  if (headers.get('drover-csrf') !== '1') throw new Refusal('csrf', 'A write with a session cookie needs the header drover-csrf: 1.');
}

function originHost(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
