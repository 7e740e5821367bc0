import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createLog } from '../runtime/log.ts';

import { cookieOf, expectProblem, openTestApp, type TestApp } from './test-app.suite.ts';

let root: string;
let server: TestApp;
const logged: string[] = [];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-app-'));
  logged.length = 0;
  const log = createLog({ name: 'test', level: 'debug', format: 'json', destination: { write: (line) => void logged.push(line) } });
  server = await openTestApp({ static_dir: root, data_dir: join(root, 'data'), log });
});

afterEach(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

function build(page = '<title>Drover</title>'): void {
  mkdirSync(join(root, 'dashboard/assets'), { recursive: true });
  writeFileSync(join(root, 'dashboard/index.html'), page);
  writeFileSync(join(root, 'dashboard/assets/index-abc123.js'), 'console.log(1)');
  writeFileSync(join(root, 'dashboard/favicon.svg'), '<svg/>');
  writeFileSync(join(root, 'agent.mjs'), 'export {};');
  writeFileSync(join(root, 'secret.txt'), 'outside the dashboard');
}

const open = { key: null } as const;
const browse = { key: null, headers: { accept: 'text/html,*/*' } } as const;

describe('health', () => {
  it('is open, and readiness asks the store', async () => {
    expect((await server.send('/healthz', open)).status).toBe(200);
    expect((await server.send('/readyz', open)).status).toBe(200);
    server.stop.abort();
    expect((await server.send('/healthz', open)).status).toBe(200);
    expect((await server.send('/readyz', open)).status).toBe(503);
  });
});

describe('every reply', () => {
  it('has the security headers', async () => {
    build();
    for (const path of ['/', '/healthz', '/agent.mjs', '/api/v1/status', '/api/v1/nothing', '/api/docs']) {
      const { headers } = await server.send(path, browse);
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('content-security-policy')).not.toContain('script-src');
      // What the default does not reach, or would let in as one of ours.
      for (const rule of ["object-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
        expect(headers.get('content-security-policy')).toContain(rule);
      }
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('strict-transport-security')).toBeNull();
      expect(headers.get('drover-version')).toBe('0.4.2');
    }
  });
});

describe('the dashboard', () => {
  it('says so when it was not built', async () => {
    const response = await server.send('/', browse);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npm run build');
  });

  it('is one page at all of its addresses, never kept', async () => {
    build();
    for (const path of ['/', '/login', '/experiments/digits-tune/jobs/3', '/index.html']) {
      const response = await server.send(path, browse);
      expect([path, response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
        path,
        200,
        'text/html; charset=utf-8',
        'no-store',
      ]);
      expect(await response.text()).toContain('<title>Drover</title>');
    }
  });

  it('has files that are kept for ever when their name has a hash', async () => {
    build();
    const script = await server.send('/assets/index-abc123.js', open);
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    const icon = await server.send('/favicon.svg', open);
    expect(icon.headers.get('cache-control')).toBe('no-cache');
    const again = await server.send('/favicon.svg', { key: null, headers: { 'if-none-match': icon.headers.get('etag')! } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('is sent packed to who takes that', async () => {
    build();
    const response = await server.send('/assets/index-abc123.js', { key: null, headers: { 'accept-encoding': 'br, gzip' } });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(response.headers.get('vary')).toBe('accept-encoding');
    expect(gunzipSync(Buffer.from(await response.arrayBuffer())).toString()).toBe('console.log(1)');
  });

  it('serves nothing outside its folder', async () => {
    build();
    symlinkSync('/etc/hostname', join(root, 'dashboard/assets/link.txt'));
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/assets/../../secret.txt',
      '/assets//index-abc123.js',
      '/assets',
      '/assets/link.txt',
      '/%00',
    ]) {
      const response = await server.send(path, open);
      expect([path, response.status]).toEqual([path, 404]);
    }
  });

  it('sees a new build without a restart', async () => {
    build();
    expect(await (await server.send('/', browse)).text()).toContain('Drover');
    build('<title>Newer</title>');
    utimesSync(join(root, 'dashboard/index.html'), new Date(), new Date(Date.now() + 5000));
    expect(await (await server.send('/', browse)).text()).toContain('Newer');
  });

  it('is nothing for programs: unknown addresses are problems', async () => {
    build();
    await expectProblem(await server.send('/jobs', { key: null, headers: { accept: 'application/json' } }), 404, 'not_found');
    await expectProblem(await server.send('/api/v2/jobs', browse), 404, 'not_found');
  });
});

describe('the agent', () => {
  it('is downloaded without a login, with an ETag', async () => {
    expect((await server.send('/agent.mjs', open)).status).toBe(503);
    build();
    const response = await server.send('/agent.mjs', open);
    expect([response.status, await response.text()]).toEqual([200, 'export {};']);
    const again = await server.send('/agent.mjs', { key: null, headers: { 'if-none-match': response.headers.get('etag')! } });
    expect(again.status).toBe(304);
  });

  it('is downloaded as an executable once one of this version was built for such a machine', async () => {
    const before = await server.send('/agent/linux-x64', open);
    expect([before.status, await before.text()]).toEqual([404, expect.stringContaining('drover agent build --target linux-x64')]);
    mkdirSync(join(root, 'data/agents'), { recursive: true });
    writeFileSync(join(root, 'data/agents/drover-agent-0.4.1-linux-x64'), 'of another version');
    expect((await server.send('/agent/linux-x64', open)).status).toBe(404);
    writeFileSync(join(root, 'data/agents/drover-agent-0.4.2-linux-x64'), 'program');
    const { status, headers, body } = await server.send('/agent/linux-x64', open);
    expect([status, headers.get('content-type'), headers.get('content-length')]).toEqual([200, 'application/octet-stream', '7']);
    expect(await new Response(body).text()).toBe('program');
    for (const path of ['/agent/linux-arm64', '/agent/windows', '/agent/..%2f..%2fdrover.db', '/agent/']) {
      expect([path, (await server.send(path, open)).status]).toEqual([path, 404]);
    }
  });
});

describe('the API reference', () => {
  it('is for callers who are logged in', async () => {
    for (const path of ['/api/v1/openapi.json', '/api/docs', '/api/docs/swagger-ui.css'])
      await expectProblem(await server.send(path, open), 401, 'unauthenticated');
    const page = await server.send('/api/docs', browse);
    expect([page.status, page.headers.get('location')]).toEqual([302, '/login']);
  });

  it('has the document, a page without scripts inside, and its parts', async () => {
    const document = (await (await server.send('/api/v1/openapi.json')).json()) as { openapi: string; paths: object };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths).length).toBeGreaterThan(20);
    await server.newExperiment('digits-tune');
    const login = await server.send('/api/v1/login', { key: null, body: { experiment: 'digits-tune', pin: '402913' } });
    const page = await server.send('/api/docs', { cookie: cookieOf(login), headers: browse.headers });
    const html = await page.text();
    expect(html).not.toMatch(/<script>|<script [^>]*>[^<]/);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const part = await server.send(path!);
      expect([path, part.status]).toEqual([path, 200]);
    }
    await expectProblem(await server.send('/api/docs/package.json'), 404, 'not_found');
  });
});

describe('the access log', () => {
  it('has what happened, and no secret', async () => {
    await server.newExperiment('digits-tune');
    await server.send('/api/v1/login', { key: null, body: { experiment: 'digits-tune', pin: '402913' } });
    await server.send('/api/v1/experiments/digits-tune?x=y', { headers: { cookie: 'a=b', 'x-request-id': 'mine' } });
    const line = logged.map((text) => JSON.parse(text) as Record<string, unknown>).find((entry) => entry['request_id'] === 'mine');
    expect(line).toMatchObject({ msg: 'request', method: 'GET', route: 'experiments.get', status: 200, ms: expect.any(Number) as unknown });
    expect(logged.join('')).not.toMatch(/jd_|jds_|402913|a=b/);
  });

  it('tells of a fault once, with the request id', async () => {
    await server.store.write((tx) => tx.sql.run('drop table experiment'));
    const fault = await expectProblem(await server.send('/api/v1/status'), 500, 'internal');
    expect(fault.detail).not.toContain('no such table');
    const errors = logged.map((text) => JSON.parse(text) as Record<string, unknown>).filter((entry) => entry['level'] === 'error');
    expect(errors).toMatchObject([{ msg: 'request failed', route: 'server.status', request_id: fault.request_id }]);
  });
});
