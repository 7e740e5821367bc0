import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT } from '../../contract/index.ts';
import { cookieOf, expectProblem, openTestApp, type TestApp } from '../test-app.suite.ts';

/** Callers are remembered for five seconds. */
const CACHE_MS = 5_001;
const csrf = { 'drover-csrf': '1' };

let server: TestApp;
let digits: number;
let owner: string;

beforeEach(async () => {
  server = await openTestApp();
  digits = await server.newExperiment('digits-tune');
  await server.newExperiment('other');
  owner = await server.newKey('owner', [digits]);
});

afterEach(() => server.close());

const params = { experiment: 'digits-tune' };
const login = (api_key: string): Promise<Response> => server.send(`${API_ROOT}/login`, { key: null, body: { api_key } });

describe('the keys of an experiment', () => {
  it('are made, listed and deleted by its owner, and are good for it alone', async () => {
    const made = await server.client(owner).keys.create({ params, body: { name: 'gpu-box' } });
    expect(made).toMatchObject({ name: 'gpu-box', role: 'operator', experiments: ['digits-tune'] });
    expect((await server.client(made.key).experiments.list({})).experiments.map(({ name }) => name)).toEqual(['digits-tune']);
    const { keys } = await server.client(owner).keys.list({ params });
    expect(keys.map(({ name, role }) => [name, role])).toEqual([
      ['a owner', 'owner'],
      ['gpu-box', 'operator'],
    ]);
    expect(JSON.stringify(keys)).not.toContain(made.key);
    await server.client(owner).keys.remove({ params: { ...params, id: made.id } });
    await expectProblem(await server.send(`${API_ROOT}/status`, { key: made.key }), 401, 'unauthenticated');
  });

  it('are neither those of the server nor those of others', async () => {
    const shared = await server.client().access.createKey({ body: { name: 'shared', experiments: ['digits-tune', 'other'] } });
    const admin = await server.client().access.createKey({ body: { name: 'narrow admin', role: 'admin', experiments: ['digits-tune'] } });
    const foreign = await server.client().keys.create({ params: { experiment: 'other' }, body: { name: 'foreign' } });
    expect((await server.client(owner).keys.list({ params })).keys.map(({ name }) => name)).toEqual(['a owner']);
    for (const { id } of [shared, admin, foreign])
      await expectProblem(await server.send(`${API_ROOT}/experiments/digits-tune/keys/${id}`, { key: owner, method: 'DELETE' }), 404, 'not_found');
    const body = { name: 'more', role: 'admin' };
    await expectProblem(await server.send(`${API_ROOT}/experiments/digits-tune/keys`, { key: owner, body }), 422, 'invalid_input');
    const past = { name: 'late', expires_at: '2020-01-01T00:00:00Z' };
    await expectProblem(await server.send(`${API_ROOT}/experiments/digits-tune/keys`, { key: owner, body: past }), 422, 'invalid_input');
  });
});

describe('a session by key', () => {
  it('may what the key may, in its experiments, and starts no agents', async () => {
    const { key } = await server.client(owner).keys.create({ params, body: { name: 'reports', role: 'viewer' } });
    const reply = await login(` ${key}\n`);
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({
      actor: { kind: 'link', name: 'reports', role: 'viewer', experiments: ['digits-tune'], may_bring_commands: false },
    });
    const cookie = cookieOf(reply);
    const get = (path: string): Promise<Response> => server.send(`${API_ROOT}${path}`, { cookie });
    expect((await get('/experiments/digits-tune')).status).toBe(200);
    await expectProblem(await get('/experiments/other'), 404, 'experiment_not_found');
    const hold = server.send(`${API_ROOT}/experiments/digits-tune`, { cookie, headers: csrf, method: 'PATCH', body: { held: true } });
    await expectProblem(await hold, 403, 'forbidden');
    const operator = cookieOf(await login((await server.client(owner).keys.create({ params, body: { name: 'op' } })).key));
    const agent = { host: 'h', instance: 'egg', experiments: ['digits-tune'], workers: 1, total: { cpus: 1, memory_bytes: 1, gpus: 0 }, version: '0.4.2' };
    await expectProblem(await server.send(`${API_ROOT}/agents`, { cookie: operator, headers: csrf, body: agent }), 403, 'forbidden');
  });

  it('ends with its key: when that is deleted, and when its time is over', async () => {
    const expires_at = new Date(server.clock.now() + 60_000).toISOString();
    const short = await server.client(owner).keys.create({ params, body: { name: 'short', expires_at } });
    const doomed = await server.client(owner).keys.create({ params, body: { name: 'doomed' } });
    const cookies = [cookieOf(await login(short.key)), cookieOf(await login(doomed.key))];
    for (const cookie of cookies) expect((await server.send(`${API_ROOT}/status`, { cookie })).status).toBe(200);
    await server.client(owner).keys.remove({ params: { ...params, id: doomed.id } });
    await expectProblem(await server.send(`${API_ROOT}/status`, { cookie: cookies[1]! }), 401, 'unauthenticated');
    server.clock.advance(60_000 + CACHE_MS);
    await expectProblem(await server.send(`${API_ROOT}/status`, { cookie: cookies[0]! }), 401, 'unauthenticated');
    await expectProblem(await login(short.key), 401, 'unauthenticated');
    await expectProblem(await login('jd_nonsense'), 401, 'unauthenticated');
  });
});
