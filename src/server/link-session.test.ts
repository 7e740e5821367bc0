// Sessions and links that somebody with an API key made: they never outlive the key.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT } from '../contract/index.ts';
import { createLoginLink } from '../store/access.ts';

import { cookieOf, expectProblem, openTestApp, type TestApp } from './test-app.suite.ts';

const STATUS = `${API_ROOT}/status`;
/** Callers are remembered for five seconds. */
const CACHE_MS = 5_001;
const csrf = { 'drover-csrf': '1' };

let server: TestApp;

beforeEach(async () => {
  server = await openTestApp();
});

afterEach(() => server.close());

describe('sessions opened through a key', () => {
  /** A short-lived admin key with a session, and a session that this one made a link for. */
  async function chain(): Promise<{ id: number; cookies: string[] }> {
    const expires_at = new Date(server.clock.now() + 60_000).toISOString();
    const { id, key } = await server.client().access.createKey({ body: { name: 'short', role: 'admin', expires_at } });
    const open = async (sent: { key?: string; cookie?: string }): Promise<string> => {
      const made = await server.send(`${API_ROOT}/login-links`, { method: 'POST', headers: csrf, ...sent });
      const { path } = (await made.json()) as { path: string };
      const response = await server.send(`${API_ROOT}/login`, { key: null, body: { link_token: path.split('#link=')[1] } });
      expect(response.status).toBe(200);
      return cookieOf(response);
    };
    const first = await open({ key });
    const cookies = [first, await open({ cookie: first })];
    for (const cookie of cookies) expect((await server.send(STATUS, { cookie })).status).toBe(200);
    return { id, cookies };
  }

  it('end when it expires, also those that their sessions made', async () => {
    const { cookies } = await chain();
    const rows = await server.store.sql.all<{ expires_at: number }>(`select expires_at from session where kind = 'link'`);
    expect(rows.map(({ expires_at }) => Number(expires_at))).toEqual([server.clock.now() + 60_000, server.clock.now() + 60_000]);
    server.clock.advance(60_000);
    for (const cookie of cookies) await expectProblem(await server.send(STATUS, { cookie }), 401, 'unauthenticated');
  });

  it('end at once when it is deleted', async () => {
    const { id, cookies } = await chain();
    await server.client().access.deleteKey({ params: { id } });
    for (const cookie of cookies) await expectProblem(await server.send(STATUS, { cookie }), 401, 'unauthenticated');
  });

  it.each([`role = 'viewer'`, `experiments_json = '[1]'`, `expires_at = 1`])('end when it becomes %s, and so do unused links', async (change) => {
    const { id, cookies } = await chain();
    const link = await server.store.write((tx) => createLoginLink(tx, { name: 'x', role: 'admin', api_key_id: id }));
    await server.store.write((tx) => tx.sql.run(`update api_key set ${change} where id = ?`, [id]));
    server.clock.advance(CACHE_MS);
    for (const cookie of cookies) await expectProblem(await server.send(STATUS, { cookie }), 401, 'unauthenticated');
    await expectProblem(await server.send(`${API_ROOT}/login`, { key: null, body: { link_token: link.secret } }), 401, 'unauthenticated');
  });

  it('are not made any more when it was deleted in the same moment', async () => {
    const made = server.store.write((tx) => createLoginLink(tx, { name: 'x', role: 'admin', api_key_id: 4711 }));
    await expect(made).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
