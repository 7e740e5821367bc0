import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { createLoginLink, findKey, pruneSessions, touchUsed } from '../store/access.ts';
import { hashSecret } from '../runtime/ids.ts';
import { leaseToken, newNonce } from '../store/lease-token.ts';

import { mayBringCommands, mayRegisterAgents } from './access.ts';
import { clientAddress, clientGroup, trustedProxies } from './client-address.ts';
import type { Actor } from './context.ts';
import { cookieOf, expectProblem, openTestApp, type TestApp } from './test-app.suite.ts';

const STATUS = `${API_ROOT}/status`;
const CACHE_MS = 5_001;

let server: TestApp;
let digits: number;

beforeEach(async () => {
  server = await openTestApp({ trusted_proxies: ['10.0.0.0/8', '::1'] });
  digits = await server.newExperiment('digits-tune');
});

afterEach(() => server.close());

async function pinCookie(pin = '402913'): Promise<string> {
  const response = await server.send(`${API_ROOT}/login`, { key: null, body: { experiment: 'digits-tune', pin } });
  expect(response.status).toBe(200);
  return cookieOf(response);
}

async function linkCookie(): Promise<string> {
  const { path } = await server.client().access.createLoginLink({ body: {} });
  const response = await server.send(`${API_ROOT}/login`, { key: null, body: { link_token: path.split('#link=')[1] } });
  expect(response.status).toBe(200);
  return cookieOf(response);
}

const csrf = { 'drover-csrf': '1' };

describe('keys', () => {
  it('are shown once, stored hashed, listed without the secret', async () => {
    const client = server.client();
    const made = await client.access.createKey({ body: { name: 'laptop', role: 'viewer', experiments: ['digits-tune'] } });
    expect(made.key).toMatch(/^jd_[A-Za-z0-9_-]{32}$/);
    const { keys } = await client.access.listKeys({});
    expect(keys.at(-1)).toEqual({ ...made, key: undefined });
    expect(JSON.stringify(keys)).not.toContain(made.key);
    const rows = await server.store.sql.all('select * from api_key');
    expect(JSON.stringify(rows)).not.toContain(made.key);
    expect(await server.client(made.key).access.whoami({})).toMatchObject({
      actor: { kind: 'key', name: 'laptop', role: 'viewer', experiments: ['digits-tune'], may_bring_commands: false },
      server: { store_id: server.store.id },
    });
  });

  it('end at once when deleted, although they were remembered', async () => {
    const key = await server.newKey('admin');
    expect((await server.send(STATUS, { key })).status).toBe(200);
    const id = (await findKey(server.store, hashSecret(key)))!.id;
    await server.client().access.deleteKey({ params: { id } });
    await expectProblem(await server.send(STATUS, { key }), 401, 'unauthenticated');
    await expectProblem(await server.send(`${API_ROOT}/keys/${id}`, { method: 'DELETE' }), 404, 'not_found');
  });

  it('end when their time is over', async () => {
    const expires_at = new Date(server.clock.now() + 60_000).toISOString();
    const { key } = await server.client().access.createKey({ body: { name: 'short', expires_at } });
    expect((await server.send(STATUS, { key })).status).toBe(200);
    server.clock.advance(60_000);
    expect((await expectProblem(await server.send(STATUS, { key }), 401, 'unauthenticated')).detail).toContain('expired');
    await expectProblem(await server.send(`${API_ROOT}/keys`, { body: { name: 'past', expires_at } }), 422, 'invalid_input');
  });

  it('note their use at most once a minute', async () => {
    const key = await server.newKey('viewer');
    const used = async (): Promise<number | null> => {
      await server.send(STATUS, { key });
      await server.store.write(async () => {});
      return (await findKey(server.store, hashSecret(key)))!.last_used_at;
    };
    const first = await used();
    expect(first).toBe(server.clock.now());
    server.clock.advance(30_000);
    expect(await used()).toBe(first);
    server.clock.advance(31_000);
    expect(await used()).toBe(server.clock.now());
  });

  it('are refused for experiments that do not exist, and beyond their limit', async () => {
    await expectProblem(await server.send(`${API_ROOT}/keys`, { body: { name: 'a', experiments: ['nothing-here'] } }), 404, 'experiment_not_found');
    await server.store.write(async (tx) => {
      for (let n = 0; n < LIMITS.api_keys.value; n += 1) {
        await tx.sql.run(`insert into api_key (name, prefix, hash, role, created_at) values ('x', 'x', ?, 'viewer', 0)`, [`hash ${n}`]);
      }
    });
    await expectProblem(await server.send(`${API_ROOT}/keys`, { body: { name: 'one more' } }), 422, 'too_many');
  });

  it('must come as Bearer and be of a kind that is known', async () => {
    for (const authorization of [
      'Basic YTpi',
      `Bearer`,
      `Bearer  `,
      `Token ${server.key}`,
      'Bearer jds_abc',
      'Bearer jdl_abc',
      'Bearer abc',
      'Bearer jdt_1.1.0.abcdefghijkl',
      'Bearer jda_x',
    ]) {
      await expectProblem(await server.send(STATUS, { key: null, headers: { authorization } }), 401, 'unauthenticated');
    }
  });
});

describe('roles', () => {
  it('rise from viewer to admin', async () => {
    const calls = [
      { needs: 'viewer', method: 'GET', path: '/experiments/digits-tune' },
      { needs: 'operator', method: 'PATCH', path: '/experiments/digits-tune' },
      { needs: 'owner', method: 'GET', path: '/experiments/digits-tune/pin' },
      { needs: 'admin', method: 'GET', path: '/keys' },
    ] as const;
    const roles = ['viewer', 'operator', 'owner', 'admin'] as const;
    for (const [rank, role] of roles.entries()) {
      const key = await server.newKey(role);
      for (const [needed, { needs, method, path }] of calls.entries()) {
        const response = await server.send(API_ROOT + path, { method, key, ...(method === 'PATCH' ? { body: { description: role } } : {}) });
        expect([role, needs, response.status]).toEqual([role, needs, rank >= needed ? 200 : 403]);
      }
    }
  });

  it('of some experiments are not rights on the server', async () => {
    const key = await server.newKey('admin', [digits]);
    expect((await server.send(`${API_ROOT}/experiments/digits-tune/pin`, { key })).status).toBe(200);
    await expectProblem(await server.send(`${API_ROOT}/keys`, { key, body: { name: 'all', role: 'admin' } }), 403, 'forbidden');
    await expectProblem(await server.send(`${API_ROOT}/login-links`, { method: 'POST', key }), 403, 'forbidden');
    await expectProblem(await server.send(`${API_ROOT}/experiments`, { key, body: { name: 'another' } }), 403, 'forbidden');
  });

  it('decide who brings commands and who starts agents', () => {
    const actor = (kind: 'key' | 'pin' | 'link', role: 'viewer' | 'operator' | 'admin'): Actor => ({ kind, role, id: 1, name: 'a', experiments: null });
    expect([actor('key', 'operator'), actor('link', 'admin'), actor('key', 'viewer'), actor('pin', 'operator')].map(mayBringCommands)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([actor('key', 'operator'), actor('link', 'admin'), actor('key', 'viewer'), actor('pin', 'operator')].map(mayRegisterAgents)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('let only keys of operators start agents', async () => {
    const body = { host: 'h', instance: 'egg', experiments: null, workers: 1, total: { cpus: 1, memory_bytes: 1, gpus: 0 }, version: '0.4.2' };
    await expectProblem(await server.send(`${API_ROOT}/agents`, { key: await server.newKey('viewer'), body }), 403, 'forbidden');
    await expectProblem(await server.send(`${API_ROOT}/agents`, { cookie: await linkCookie(), headers: csrf, body }), 403, 'forbidden');
    expect((await server.send(`${API_ROOT}/agents`, { key: await server.newKey('operator'), body })).status).toBe(201);
  });
});

describe('sessions', () => {
  it('by PIN see one experiment, operate it, and bring no commands', async () => {
    const other = await server.newExperiment('other');
    expect(other).not.toBe(digits);
    const cookie = await pinCookie();
    const whoami = (await (await server.send(`${API_ROOT}/session`, { cookie })).json()) as object;
    expect(whoami).toMatchObject({ actor: { kind: 'pin', role: 'operator', experiments: ['digits-tune'], may_bring_commands: false } });
    const status = (await (await server.send(STATUS, { cookie })).json()) as { experiments: { name: string }[] };
    expect(status.experiments.map(({ name }) => name)).toEqual(['digits-tune']);
    await expectProblem(await server.send(`${API_ROOT}/experiments/other`, { cookie }), 404, 'experiment_not_found');
    await expectProblem(await server.send(`${API_ROOT}/experiments/digits-tune/pin`, { cookie }), 403, 'forbidden');
    await expectProblem(await server.send(`${API_ROOT}/experiments`, { cookie, headers: csrf, body: { name: 'third' } }), 403, 'forbidden');
    expect((await server.send(`${API_ROOT}/experiments/digits-tune`, { method: 'PATCH', cookie, headers: csrf, body: { held: true } })).status).toBe(200);
  });

  it('have a cookie of this server only, that scripts cannot read', async () => {
    const login = (headers: Record<string, string>, from: string): Promise<Response> =>
      server.send(`${API_ROOT}/login`, { key: null, from, headers, body: { experiment: 'digits-tune', pin: '402913' } });
    const name = `drover_${server.store.id.slice(0, 8)}`;
    expect((await login({}, '192.0.2.1')).headers.get('set-cookie')).toMatch(new RegExp(`^${name}=jds_[A-Za-z0-9_-]{32}; Path=/; HttpOnly; SameSite=Lax$`));
    expect((await login({ 'x-forwarded-proto': 'https' }, '10.1.2.3')).headers.get('set-cookie')).toMatch(/; Secure$/);
    expect((await login({ 'x-forwarded-proto': 'https' }, '192.0.2.1')).headers.get('set-cookie')).not.toMatch(/Secure/);
    const cookie = await pinCookie();
    await expectProblem(await server.send(STATUS, { cookie: cookie.replace(name, 'drover_another') }), 401, 'unauthenticated');
  });

  it('end with logout, with their time, and when the PIN changes', async () => {
    const first = await pinCookie();
    expect((await server.send(STATUS, { cookie: first })).status).toBe(200);
    const out = await server.send(`${API_ROOT}/logout`, { method: 'POST', cookie: first, headers: csrf });
    expect(out.headers.get('set-cookie')).toContain('Max-Age=0');
    await expectProblem(await server.send(STATUS, { cookie: first }), 401, 'unauthenticated');

    const second = await pinCookie();
    await server.client().experiments.changePin({ params: { experiment: 'digits-tune' }, body: { new_pin: '111222' } });
    await expectProblem(await server.send(STATUS, { cookie: second }), 401, 'unauthenticated');

    const third = await pinCookie('111222');
    server.clock.advance(LIMITS.session_seconds.value * 1000);
    await expectProblem(await server.send(STATUS, { cookie: third }), 401, 'unauthenticated');
    expect(await server.store.write(pruneSessions)).toBe(1);
  });

  it('that have ended do not keep their browser from logging in again', async () => {
    const ended = await pinCookie();
    await server.client().experiments.changePin({ params: { experiment: 'digits-tune' }, body: { new_pin: '111222' } });
    await expectProblem(await server.send(STATUS, { cookie: ended }), 401, 'unauthenticated');
    const again = await server.send(`${API_ROOT}/login`, { cookie: ended, headers: csrf, body: { experiment: 'digits-tune', pin: '111222' } });
    expect(again.status).toBe(200);
    expect((await server.send(STATUS, { cookie: cookieOf(again) })).status).toBe(200);
  });

  it('by link have the role and the name of their maker, once, for a while', async () => {
    const { path, expires_at } = await server.client().access.createLoginLink({ body: {} });
    expect(path).toMatch(/^\/login#link=jdl_/);
    expect(Date.parse(expires_at) - server.clock.now()).toBe(LIMITS.login_link_seconds.value * 1000);
    const use = (): Promise<Response> => server.send(`${API_ROOT}/login`, { key: null, body: { link_token: path.split('=')[1] } });
    const answers = await Promise.all([use(), use()]);
    expect(answers.map((answer) => answer.status).sort((a, b) => a - b)).toEqual([200, 401]);
    const good = answers.find((answer) => answer.status === 200)!;
    expect(await good.json()).toEqual({ actor: { kind: 'link', name: 'a admin', role: 'admin', experiments: null, may_bring_commands: true } });
    expect((await server.send(`${API_ROOT}/keys`, { cookie: cookieOf(good) })).status).toBe(200);
    await expectProblem(await use(), 401, 'unauthenticated');
    const late = await server.store.write((tx) => createLoginLink(tx, { name: 'x', role: 'admin', api_key_id: null }));
    server.clock.advance(LIMITS.login_link_seconds.value * 1000);
    await expectProblem(await server.send(`${API_ROOT}/login`, { key: null, body: { link_token: late.secret } }), 401, 'unauthenticated');
  });

  it('are no login for an unused link, nor a link for a session', async () => {
    const link = await server.store.write((tx) => createLoginLink(tx, { name: 'x', role: 'admin', api_key_id: null }));
    const name = server.context.access.cookie_name;
    await expectProblem(await server.send(STATUS, { cookie: `${name}=${link.secret}` }), 401, 'unauthenticated');
    const session = (await pinCookie()).split('=')[1];
    await expectProblem(await server.send(`${API_ROOT}/login`, { key: null, body: { link_token: session } }), 401, 'unauthenticated');
  });
});

describe('writes by cookie', () => {
  const write = (cookie: string, headers: Record<string, string>): Promise<Response> =>
    server.send(`${API_ROOT}/experiments/digits-tune`, {
      method: 'PATCH',
      cookie,
      headers: { host: 'drover.lab:5000', ...headers },
      body: { description: 'x' },
    });

  it('need the header, and the same origin', async () => {
    const cookie = await pinCookie();
    await expectProblem(await write(cookie, {}), 403, 'csrf');
    await expectProblem(await write(cookie, { 'drover-csrf': '0' }), 403, 'csrf');
    expect((await write(cookie, csrf)).status).toBe(200);
    expect((await write(cookie, { ...csrf, origin: 'http://drover.lab:5000', 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    for (const origin of ['http://evil.example', 'http://drover.lab:8888', 'null']) await expectProblem(await write(cookie, { ...csrf, origin }), 403, 'csrf');
    for (const site of ['cross-site', 'same-site']) await expectProblem(await write(cookie, { ...csrf, 'sec-fetch-site': site }), 403, 'csrf');
  });

  it('know the host behind a trusted proxy', async () => {
    const cookie = await pinCookie();
    const proxied = (from: string): Promise<Response> =>
      server.send(`${API_ROOT}/experiments/digits-tune`, {
        method: 'PATCH',
        cookie,
        from,
        headers: { ...csrf, host: '127.0.0.1:5000', 'x-forwarded-host': 'drover.example.org', origin: 'https://drover.example.org' },
        body: { description: 'x' },
      });
    expect((await proxied('10.0.0.9')).status).toBe(200);
    await expectProblem(await proxied('192.0.2.1'), 403, 'csrf');
  });

  it('need no header with a key, and reads need none', async () => {
    expect(
      (await server.send(`${API_ROOT}/experiments/digits-tune`, { method: 'PATCH', headers: { origin: 'http://evil.example' }, body: { description: 'x' } }))
        .status,
    ).toBe(200);
    expect((await server.send(STATUS, { cookie: await pinCookie() })).status).toBe(200);
  });

  it('cannot log a browser in from a foreign page', async () => {
    const response = await server.send(`${API_ROOT}/login`, {
      key: null,
      headers: { 'sec-fetch-site': 'cross-site' },
      body: { experiment: 'digits-tune', pin: '402913' },
    });
    await expectProblem(response, 403, 'csrf');
  });
});

describe('tokens of jobs', () => {
  /** A job with one attempt that runs, and its token. */
  async function jobToken(): Promise<{ token: string; job: number }> {
    await server.client().jobs.create({ params: { experiment: 'digits-tune' }, body: { command: 'true', jobs: [{ params: {} }] } });
    const [job] = await server.store.sql.all<{ id: number; created_at: number }>('select id, created_at from job order by id desc limit 1');
    const nonce = newNonce(server.store.key);
    await server.store.write((tx) =>
      tx.sql.run(`insert into attempt (job_id, attempt, rank, agent_id, worker_id, slot, revision, nonce, claimed_at) values (?, 1, 0, 1, 'w', 0, 1, ?, ?)`, [
        job!.id,
        nonce,
        tx.now,
      ]),
    );
    const subject = { job_id: job!.id, created_at: job!.created_at, attempt: 1, rank: 0 };
    return { token: `jdt_${job!.id}.1.0.${leaseToken(server.store.key, subject, nonce)}`, job: job!.id };
  }
  const checkpoint = (key: string): Promise<Response> => server.send(`${API_ROOT}/attempt/checkpoint`, { key });

  it('open that attempt, and nothing else', async () => {
    const { token, job } = await jobToken();
    await expectProblem(await checkpoint(token), 404, 'artifact_not_found');
    await expectProblem(await server.send(STATUS, { key: token }), 403, 'forbidden');
    await expectProblem(await checkpoint(token.replace(`jdt_${job}.1`, `jdt_${job}.2`)), 401, 'unauthenticated');
    await expectProblem(await checkpoint(token.replace(`jdt_${job}.1`, `jdt_${job + 1}.1`)), 401, 'unauthenticated');
    await expectProblem(await checkpoint(`${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`), 401, 'unauthenticated');
  });

  it('end long after their attempt did', async () => {
    const { token, job } = await jobToken();
    await server.store.write((tx) => tx.sql.run(`update attempt set outcome = 'succeeded', recorded_at = ? where job_id = ?`, [tx.now, job]));
    server.clock.advance(LIMITS.attempt_token_seconds.value * 1000);
    expect((await checkpoint(token)).status).toBe(404);
    server.clock.advance(CACHE_MS);
    await expectProblem(await checkpoint(token), 401, 'unauthenticated');
  });
});

describe('client addresses', () => {
  const proxies = trustedProxies(['10.0.0.0/8', 'fd00::/8', '192.0.2.7']);

  it('are the peer, unless a trusted proxy says more', () => {
    expect(clientAddress('198.51.100.1', '203.0.113.9', proxies)).toBe('198.51.100.1');
    expect(clientAddress('10.0.0.1', '203.0.113.9', proxies)).toBe('203.0.113.9');
    expect(clientAddress('::ffff:10.0.0.1', '1.1.1.1, 203.0.113.9, 10.0.0.2', proxies)).toBe('203.0.113.9');
    expect(clientAddress('10.0.0.1', 'spoofed, 10.0.0.3', proxies)).toBe('10.0.0.3');
    expect(clientAddress('10.0.0.1', null, proxies)).toBe('10.0.0.1');
    expect(clientAddress('192.0.2.8', '203.0.113.9', proxies)).toBe('192.0.2.8');
  });

  it('are grouped by what one customer has', () => {
    expect(clientGroup('192.0.2.1')).toBe('192.0.2.1');
    expect(clientGroup('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(clientGroup('2001:0db8:1::9')).toBe('2001:db8:1:0::/64');
    expect(clientGroup('::1')).toBe('0:0:0:0::/64');
  });

  it.each(['10.0.0.0/33', 'lab', '10.0.0.0/', '10.0.0.0/8/8', ''])('%j is not a range', (range) => {
    expect(() => trustedProxies([range])).toThrow('--trusted-proxies');
  });
});

describe('memory of callers', () => {
  it('asks the store once for many calls, and again after a few seconds', async () => {
    const key = await server.newKey('viewer');
    await server.send(STATUS, { key });
    await server.store.write((tx) => tx.sql.run('delete from api_key where hash = ?', [hashSecret(key)]));
    expect((await server.send(STATUS, { key })).status).toBe(200);
    server.clock.advance(CACHE_MS);
    await expectProblem(await server.send(STATUS, { key }), 401, 'unauthenticated');
    await server.store.write((tx) => touchUsed(tx, { keys: [], sessions: [] }));
  });
});
