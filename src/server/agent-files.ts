// The agent for machines that have nothing of ours: one file for Node, and executables that `drover agent build` has made. Anybody may
// have them: they are programs, the same for all.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { agentExecutablePath, isAgentTarget } from '../core/agent-targets.ts';

import { type Api, type App, guarded } from './mount.ts';
import { createStaticFiles } from './static-files.ts';

export interface AgentFilesOptions {
  /** Holds `agent.mjs` as it was built. */
  readonly static_dir: string;
  readonly data_dir: string;
}

export function mountAgentFiles(app: App, api: Api, { static_dir, data_dir }: AgentFilesOptions): void {
  const script = createStaticFiles({ root: static_dir, marker: 'agent.mjs', cacheControl: () => 'no-cache' });
  const missing = (status: number, text: string): Response =>
    new Response(`${text}\n`, { status, headers: { ...api.headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } });
  app.get('/agent.mjs', (c) =>
    guarded(
      api,
      c,
      'agent file',
      async () => (await script.respond('agent.mjs', c.req.raw, api.headers)) ?? missing(503, 'The agent was not built. Run: npm run build'),
    ),
  );
  app.get('/agent/:target', (c) =>
    guarded(api, c, 'agent executable', async () => {
      const target = c.req.param('target');
      if (!isAgentTarget(target)) return missing(404, 'There is no such agent. GET /agent.mjs is for every machine with Node 20.');
      const path = join(data_dir, ...agentExecutablePath(target, api.context.version));
      const file = await stat(path).catch(() => null);
      if (file === null) return missing(404, `No agent for ${target} was built here. Where the server runs: drover agent build --target ${target}`);
      const headers = { ...api.headers, 'content-type': 'application/octet-stream', 'content-length': String(file.size), 'cache-control': 'no-cache' };
      return new Response(c.req.method === 'HEAD' ? null : (Readable.toWeb(createReadStream(path)) as ReadableStream), { headers });
    }),
  );
}
