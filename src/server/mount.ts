// Mounts the contract table on a Hono app. What every endpoint has in common happens here, once, in this order: who calls, which
// experiment, may they, is it well formed; then the handler; then its reply or its refusal on the wire.
import type { BlockList } from 'node:net';

import type { Context, Hono } from 'hono';

import { API_ROOT, contract, type ContractTable, type Endpoint, PROBLEM_TYPE, toProblem } from '../contract/index.ts';
import { REFUSALS, Refusal } from '../core/refusal.ts';
import { findExperiment } from '../store/experiments.ts';

import { type Caller, mayRegisterAgents, NOBODY, requireCsrfHeader, requireKind, requireRole, requireSameOrigin, requireVisible } from './access.ts';
import { ApiCall, type Bindings, type CallParts, peerAddress } from './api-call.ts';
import { isTrusted } from './client-address.ts';
import type { Handlers, NamedExperiment, ServerContext } from './context.ts';
import { toRefusal } from './faults.ts';
import { invalidInput, type Place } from './invalid-input.ts';
import { parseQuery } from './query-string.ts';
import { parseJson, readBody, refuseLossy, refuseUnsafe } from './request-body.ts';
import { createVersionCheck } from './versions.ts';

export type App = Hono<{ Bindings: Bindings }>;
export type AppContext = Context<{ Bindings: Bindings }>;

export interface Api {
  readonly context: ServerContext;
  readonly handlers: Handlers;
  readonly proxies: BlockList;
  readonly request_ids: () => string;
  /** Of every reply of the API. */
  readonly headers: Readonly<Record<string, string>>;
}

type AnyHandler = (input: { params: unknown; query: unknown; body: unknown }, call: ApiCall) => Promise<unknown>;

/** One endpoint with everything that can be known before a request comes. */
interface Route {
  readonly endpoint: Endpoint;
  /** `jobs.create`. */
  readonly name: string;
  readonly handler: AnyHandler;
  readonly has_params: boolean;
  readonly names_experiment: boolean;
  readonly has_body: boolean;
  readonly is_write: boolean;
  /** The body may hold values of any shape. */
  readonly is_free_form: boolean;
  /** Names given twice and numbers that would change are refused. */
  readonly is_strict: boolean;
  readonly checks_version: boolean;
}

const NOTHING = Object.freeze({});

export function mountContract(app: App, api: Api): void {
  const checkVersion = createVersionCheck(api.context.version);
  for (const [group, endpoints] of Object.entries(contract as ContractTable)) {
    const handlers = (api.handlers as unknown as Record<string, Record<string, AnyHandler | undefined> | undefined>)[group];
    for (const [name, endpoint] of Object.entries(endpoints)) {
      const handler = handlers?.[name];
      if (handler === undefined) throw new Error(`${group}.${name} has no handler`);
      const route = toRoute(group, name, endpoint, handler);
      app.on(endpoint.method, API_ROOT + endpoint.path, (c) => answer(api, route, c, checkVersion));
    }
  }
}

function toRoute(group: string, name: string, endpoint: Endpoint, handler: AnyHandler): Route {
  const has_body = endpoint.transport !== 'upload' && endpoint.method !== 'GET' && endpoint.method !== 'DELETE';
  return {
    endpoint,
    name: `${group}.${name}`,
    handler,
    has_params: endpoint.path.includes(':'),
    names_experiment: /\/:experiment(\/|$)/.test(endpoint.path),
    has_body,
    is_write: endpoint.method !== 'GET',
    // The agent protocol names every field, and what it does not name is dropped unseen; it is also what must be fast.
    is_free_form: has_body && group !== 'agents',
    is_strict: has_body && group === 'jobs',
    checks_version: endpoint.access === 'agent' || `${group}.${name}` === 'agents.register',
  };
}

async function answer(api: Api, route: Route, c: AppContext, checkVersion: (theirs: string | null) => void): Promise<Response> {
  const { context } = api;
  const request = c.req.raw;
  const request_id = requestId(request.headers.get('x-request-id'), api);
  const started = context.log.isLevelEnabled('debug') ? context.clock.monotonic() : 0;
  let response: Response;
  try {
    if (context.stopping.aborted) throw new Refusal('unavailable', 'The server is stopping. Try again in a moment.', { retry_after_seconds: 2 });
    // Who logs in may still hold the cookie of a session that has ended.
    const caller = route.endpoint.access === 'none' ? NOBODY : await context.access.authenticate(request.headers);
    const parts: CallParts = { context, actor: caller.actor, request, request_id, bindings: c.env, proxies: api.proxies };
    if (route.checks_version) checkVersion(request.headers.get('drover-version'));
    response = await run(api, route, c, { caller, parts });
  } catch (error) {
    response = refuse(api, { error, request_id, route: route.name, bindings: c.env });
  }
  if (request.method === 'HEAD' && route.endpoint.transport !== 'json') await response.body?.cancel();
  if (context.log.isLevelEnabled('debug')) {
    context.log.debug(
      { request_id, method: request.method, route: route.name, status: response.status, ms: Math.round(context.clock.monotonic() - started) },
      'request',
    );
  }
  return response;
}

async function run(api: Api, route: Route, c: AppContext, { caller, parts }: { caller: Caller; parts: CallParts }): Promise<Response> {
  const { endpoint } = route;
  const { actor } = caller;
  requireKind(actor, endpoint.access);
  const params = route.has_params ? parse(endpoint, 'path', c.req.param()) : NOTHING;
  const experiment = route.names_experiment ? await namedExperiment(parts, (params as { experiment: string }).experiment) : null;
  requireRole(actor, endpoint.access, route.names_experiment ? 'one_experiment' : 'anywhere');
  if (route.name === 'agents.register' && !mayRegisterAgents(actor)) {
    throw new Refusal('forbidden', 'Starting an agent needs an API key with the role operator or more. Make one with: drover key create');
  }
  if (route.is_write && caller.by !== 'bearer') requireOwnPage(parts, caller);
  const query = parse(endpoint, 'query', parseQuery(c.req.url));
  const body = route.has_body ? parse(endpoint, 'body', await readValue(route, parts)) : NOTHING;
  const call = new ApiCall(parts, experiment);
  const reply = await route.handler({ params, query, body }, call);
  return reply instanceof Response
    ? completed(api, reply, call)
    : new Response(JSON.stringify(reply), { status: endpoint.success, headers: replyHeaders(api, call) });
}

function parse(endpoint: Endpoint, place: Place, value: unknown): unknown {
  const schema = place === 'path' ? endpoint.params : place === 'query' ? endpoint.query : endpoint.body;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(result.error, place);
}

async function namedExperiment({ context, actor }: CallParts, name: string): Promise<NamedExperiment> {
  return requireVisible(actor, await findExperiment(context.store, name), name);
}

/** Writes without a bearer's key could be sent by a foreign page: by a cookie, or to log a browser in as somebody else. */
function requireOwnPage({ request, bindings, proxies }: CallParts, caller: Caller): void {
  const { headers } = request;
  const host = (isTrusted(proxies, peerAddress(bindings)) ? headers.get('x-forwarded-host') : null) ?? headers.get('host') ?? new URL(request.url).host;
  requireSameOrigin(headers, host.toLowerCase());
  if (caller.by === 'cookie') requireCsrfHeader(headers);
}

async function readValue(route: Route, { request, bindings, context }: CallParts): Promise<unknown> {
  const text = await readBody({ request, incoming: bindings?.incoming, clock: context.clock });
  if (text === '') return {};
  const value = parseJson(text);
  if (route.is_free_form) refuseUnsafe(text, value);
  if (route.is_strict) refuseLossy(text);
  return value;
}

/** Ours are short and rise; a client may bring its own to follow a request through several logs. */
function requestId(brought: string | null, api: Api): string {
  return brought !== null && /^[A-Za-z0-9._-]{1,64}$/.test(brought) ? brought : api.request_ids();
}

function replyHeaders(api: Api, call: ApiCall): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-request-id': call.request_id, 'cache-control': 'no-store', ...api.headers };
  if (call.hasHeaders) for (const [name, value] of call.headers) headers[name] = value;
  return headers;
}

/** A handler that made its own response says what it has to; the rest is added. */
function completed(api: Api, response: Response, call: ApiCall): Response {
  const { headers } = response;
  headers.set('x-request-id', call.request_id);
  for (const [name, value] of Object.entries(api.headers)) if (!headers.has(name)) headers.set(name, value);
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  if (call.hasHeaders) for (const [name, value] of call.headers) headers.set(name, value);
  return response;
}

interface Failure {
  readonly error: unknown;
  readonly request_id: string;
  readonly route: string;
  readonly bindings?: Bindings | undefined;
}

/** The problem as a response; what only the server's people can mend is logged, once. */
function refuse(api: Api, failure: Failure): Response {
  const refusal = toRefusal(failure.error);
  const { request_id, route } = failure;
  if (refusal !== failure.error) {
    const clientLeft = failure.bindings?.incoming?.readableAborted === true;
    const level = clientLeft ? 'debug' : refusal.code === 'internal' ? 'error' : 'warn';
    api.context.log[level]({ err: failure.error, request_id, route }, 'request failed');
  }
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE, 'x-request-id': request_id, 'cache-control': 'no-store', ...api.headers };
  const seconds = refusal.details['retry_after_seconds'];
  if (typeof seconds === 'number') headers['retry-after'] = String(seconds);
  if (refusal.code === 'unauthenticated') headers['www-authenticate'] = 'Bearer';
  if (api.context.stopping.aborted) headers['connection'] = 'close';
  return new Response(JSON.stringify(toProblem(refusal, request_id)), { status: REFUSALS[refusal.code].status, headers });
}

/** Work outside the table, with its failures answered the same way. */
export async function guarded(api: Api, c: AppContext, route: string, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    return refuse(api, { error, request_id: requestId(c.req.header('x-request-id') ?? null, api), route, bindings: c.env });
  }
}

/** For paths below the API that no endpoint answers: 405 when another method would, else 404. */
export function createUnmatched(api: Api): (c: AppContext) => Response {
  const paths = Object.values(contract as ContractTable).flatMap((group) =>
    Object.values(group).map(({ method, path }) => ({ method, pattern: new RegExp(`^${API_ROOT}${path.replace(/:[a-z_]+/g, '[^/]+')}/?$`) })),
  );
  return (c) => {
    const request_id = requestId(c.req.header('x-request-id') ?? null, api);
    const methods = [...new Set(paths.filter(({ pattern }) => pattern.test(c.req.path)).map(({ method }) => method as string))];
    const allow = (methods.includes('GET') ? [...methods, 'HEAD'] : methods).join(', ');
    const sentence =
      allow === ''
        ? 'There is nothing at this address. GET /api/v1/openapi.json lists what there is.'
        : `This address does not take ${c.req.method}; it takes ${allow}.`;
    const response = refuse(api, { error: new Refusal('not_found', sentence), request_id, route: 'none' });
    if (allow === '') return response;
    return methodNotAllowed(response, { allow, sentence, request_id });
  };
}

function methodNotAllowed(response: Response, facts: { allow: string; sentence: string; request_id: string }): Response {
  const { allow, sentence, request_id } = facts;
  const headers = new Headers(response.headers);
  headers.set('allow', allow);
  return new Response(JSON.stringify({ ...toProblem(new Refusal('not_found', sentence), request_id), status: 405 }), { status: 405, headers });
}
