// The door for the original client of JobDistributor: the routes that it calls, over the same handlers and the same queue as everything else.
// docs/reference/jobdistributor-door.md describes them; a test compares.
import { Refusal } from '../../../core/refusal.ts';
import { toRefusal } from '../../faults.ts';
import type { Api, App } from '../../mount.ts';

import { createGate, type OpenWorkers } from './caller.ts';
import { type DoorCall, statusOf } from './door-call.ts';
import { handleDeleteExperiment, handleNewExperiment, handleShowExperiment, handleToken } from './experiments.ts';
import { handleCheckpoint, handleLatestCheckpoint, handleUpload } from './files.ts';
import { handleHeartbeat } from './heartbeat.ts';
import { handleCounts, handleCreate, handleDownload, handleList, handleStatuses, handleUploads } from './job-library.ts';
import { handleClearAll, handleReport, handleStop } from './reports.ts';

export interface DoorRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly handle: (call: DoorCall) => Promise<object | Response>;
}

export const DOOR_ROUTES: readonly DoorRoute[] = [
  { method: 'POST', path: '/worker/heartbeat', handle: handleHeartbeat },
  { method: 'POST', path: '/update_job_status', handle: handleReport },
  { method: 'POST', path: '/upload', handle: handleUpload },
  { method: 'POST', path: '/checkpoint', handle: handleCheckpoint },
  { method: 'GET', path: '/checkpoint/latest', handle: handleLatestCheckpoint },
  { method: 'POST', path: '/workers/cli/stop', handle: handleStop },
  { method: 'POST', path: '/workers/cli/clear_all', handle: handleClearAll },
  { method: 'GET', path: '/job_counts', handle: handleCounts },
  { method: 'POST', path: '/api/jobs/create', handle: handleCreate },
  { method: 'GET', path: '/api/jobs', handle: handleList },
  { method: 'GET', path: '/api/jobs/statuses', handle: handleStatuses },
  { method: 'GET', path: '/api/jobs/:id/uploads', handle: handleUploads },
  { method: 'GET', path: '/api/jobs/:id/uploads/download', handle: handleDownload },
  { method: 'POST', path: '/api/worker/token', handle: handleToken },
  { method: 'POST', path: '/api/experiments', handle: handleNewExperiment },
  { method: 'GET', path: '/api/experiments/:name', handle: handleShowExperiment },
  { method: 'DELETE', path: '/api/experiments/:name', handle: handleDeleteExperiment },
];

export function mountJobDistributor(app: App, api: Api, open: OpenWorkers | null): void {
  const gate = createGate(open);
  for (const route of DOOR_ROUTES) app.on(route.method, route.path, (c) => answer(route, { api, c, gate, request_id: api.request_ids() }));
}

async function answer(route: DoorRoute, call: DoorCall): Promise<Response> {
  const { api, c, request_id } = call;
  const { context } = api;
  const started = context.clock.monotonic();
  let response: Response;
  try {
    if (context.stopping.aborted) throw new Refusal('unavailable', 'The server is stopping. Try again in a moment.');
    const reply = await route.handle(call);
    response = reply instanceof Response ? reply : json(reply, 200);
  } catch (error) {
    response = refusal(error, { route, call });
  }
  if (c.req.method === 'HEAD') await response.body?.cancel();
  for (const [name, value] of Object.entries(api.headers)) if (!response.headers.has(name)) response.headers.set(name, value);
  response.headers.set('x-request-id', request_id);
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'no-store');
  if (context.log.isLevelEnabled('debug')) {
    const ms = Math.round(context.clock.monotonic() - started);
    context.log.debug({ request_id, method: c.req.method, route: `jobdistributor ${route.path}`, status: response.status, ms }, 'request');
  }
  return response;
}

function json(value: object, status: number): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } });
}

function refusal(error: unknown, { route, call: { api, c, request_id } }: { route: DoorRoute; call: DoorCall }): Response {
  const refused = toRefusal(error);
  if (refused !== error) {
    const clientLeft = c.env?.incoming?.readableAborted === true;
    const level = clientLeft ? 'debug' : refused.code === 'internal' ? 'error' : 'warn';
    api.context.log[level]({ err: error, request_id, route: `jobdistributor ${route.path}` }, 'request failed');
  }
  const sentence = refused.code === 'internal' ? 'Internal server error' : refused.message;
  // The library's create call tells success beside the error.
  const body = route.path === '/api/jobs/create' ? { success: false, error: sentence } : { error: sentence };
  const response = json(body, statusOf(refused));
  if (refused.code === 'unauthenticated') response.headers.set('www-authenticate', 'Bearer');
  if (api.context.stopping.aborted) response.headers.set('connection', 'close');
  return response;
}
