// The API's description (OpenAPI) and a page to browse it. Both are for callers who are logged in.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

import { API_ROOT } from '../contract/index.ts';
import { openApiDocument } from '../contract/openapi.ts';

import { requireKind } from './access.ts';
import { type Api, type App, type AppContext, guarded } from './mount.ts';
import { createStaticFiles } from './static-files.ts';

/** Parts of the page that come from the package as they are. */
const PARTS = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']);

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Drover API</title>
    <link rel="stylesheet" href="/api/docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="api"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
`;

// A file of its own, because the content policy allows no scripts inside pages.
const START = `SwaggerUIBundle({
  url: '${API_ROOT}/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  docExpansion: 'none',
  requestInterceptor(request) {
    request.headers['drover-csrf'] = '1';
    return request;
  },
});
`;

export function mountDocs(app: App, api: Api): void {
  const root = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  const parts = createStaticFiles({ root, marker: 'package.json', cacheControl: () => 'no-cache' });
  let document: string | null = null;
  const text = (body: string, type: string): Response => new Response(body, { headers: { ...api.headers, 'content-type': type, 'cache-control': 'no-cache' } });

  app.get(`${API_ROOT}/openapi.json`, (c) =>
    guarded(api, c, 'openapi', async () => {
      await requireLogin(api, c);
      document ??= JSON.stringify(openApiDocument(api.context.version));
      return text(document, 'application/json');
    }),
  );
  app.get('/api/docs/:part?', (c) =>
    guarded(api, c, 'docs', async () => {
      if (wantsPage(c) && !(await isLoggedIn(api, c)))
        return new Response(null, { status: 302, headers: { ...api.headers, location: '/login', 'cache-control': 'no-store' } });
      await requireLogin(api, c);
      const part = c.req.param('part');
      if (part === undefined) return text(PAGE, 'text/html; charset=utf-8');
      if (part === 'start.js') return text(START, 'text/javascript; charset=utf-8');
      const file = PARTS.has(part) ? await parts.respond(part, c.req.raw, api.headers) : null;
      return file ?? c.notFound();
    }),
  );
}

async function requireLogin(api: Api, c: AppContext): Promise<void> {
  requireKind((await api.context.access.authenticate(c.req.raw.headers)).actor, 'session');
}

async function isLoggedIn(api: Api, c: AppContext): Promise<boolean> {
  return requireLogin(api, c).then(
    () => true,
    () => false,
  );
}

function wantsPage(c: AppContext): boolean {
  return (c.req.header('accept') ?? '').includes('text/html');
}
