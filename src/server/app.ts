// The whole HTTP side as one app: the API, its description, health, the agent's file, the dashboard.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { Hono } from 'hono';

import { newestEvent } from '../store/events.ts';

import type { Bindings } from './api-call.ts';
import { mountAgentFiles } from './agent-files.ts';
import { mountDocs } from './api-docs.ts';
import { trustedProxies } from './client-address.ts';
import type { Handlers, ServerContext } from './context.ts';
import type { OpenWorkers } from './doors/jobdistributor/caller.ts';
import { mountJobDistributor } from './doors/jobdistributor/mount.ts';
import { type Api, type App, type AppContext, createUnmatched, guarded, mountContract } from './mount.ts';
import { createStaticFiles } from './static-files.ts';

export interface AppOptions {
  /** Holds `dashboard/` and `agent.mjs` as they were built. */
  readonly static_dir: string;
  /** `drover agent build` leaves executables there. */
  readonly data_dir: string;
  /** Address ranges of proxies whose X-Forwarded headers count. */
  readonly trusted_proxies: readonly string[];
  /** Clients of JobDistributor that need no token; left out: none. */
  readonly open_workers?: OpenWorkers | undefined;
}

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

export function createApp(context: ServerContext, handlers: Handlers, options: AppOptions): App {
  const api: Api = {
    context,
    handlers,
    proxies: trustedProxies(options.trusted_proxies),
    request_ids: requestIds(),
    headers: { 'drover-version': context.version, ...SECURITY_HEADERS },
  };
  const app: App = new Hono<{ Bindings: Bindings }>();
  mountContract(app, api);
  mountJobDistributor(app, api, options.open_workers ?? null);
  mountDocs(app, api);
  mountHealth(app, api);
  mountAgentFiles(app, api, options);
  app.notFound(createFallback(api, join(options.static_dir, 'dashboard')));
  app.onError((error, c) => guarded(api, c, 'unknown', () => Promise.reject(error)));
  return app;
}

/** Rising numbers behind a random start, which tells one run of the server from another in a log. */
function requestIds(): () => string {
  const run = randomBytes(4).toString('hex');
  let count = 0;
  return () => `${run}-${(count += 1).toString(36)}`;
}

function plain(api: Api, status: number, text: string): Response {
  return new Response(`${text}\n`, { status, headers: { ...api.headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } });
}

const READY_MS = 2_000;

function mountHealth(app: App, api: Api): void {
  const { store, clock } = api.context;
  app.get('/healthz', () => plain(api, 200, 'ok'));
  app.get('/readyz', async () => {
    const over = new AbortController();
    const isReady = await Promise.race([
      newestEvent(store).then(
        () => true,
        () => false,
      ),
      clock.sleep(READY_MS, over.signal).then(() => false),
    ]);
    over.abort();
    return isReady && !api.context.stopping.aborted ? plain(api, 200, 'ready') : plain(api, 503, 'not ready');
  });
}

/** What no route answers: the dashboard for browsers, a problem for everybody else. */
function createFallback(api: Api, root: string): (c: AppContext) => Promise<Response> {
  const unmatched = createUnmatched(api);
  const files = createStaticFiles({ root, marker: 'index.html', cacheControl });
  return async (c) => {
    const { path, method } = c.req;
    const isPage = (method === 'GET' || method === 'HEAD') && !path.startsWith('/api/');
    if (!isPage) return unmatched(c);
    return guarded(api, c, 'dashboard', async () => {
      const file = await files.respond(path.slice(1), c.req.raw, api.headers);
      if (file !== null) return file;
      if (!(c.req.header('accept') ?? '').includes('text/html')) return unmatched(c);
      // The dashboard's own addresses are not files: it finds its page by itself.
      return (await files.respond('index.html', c.req.raw, api.headers)) ?? plain(api, 503, 'The dashboard was not built. Run: npm run build');
    });
  };
}

/** Files under assets/ carry a hash in their name. */
function cacheControl(name: string): string {
  if (name === 'index.html') return 'no-store';
  return name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
}
