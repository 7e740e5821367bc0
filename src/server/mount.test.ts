import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type * as z from 'zod';

import { API_ROOT, contract, type ContractTable, type Endpoint } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import { findAttempt } from '../store/access.ts';
import { leaseToken, newNonce } from '../store/lease-token.ts';

import { toRefusal } from './faults.ts';
import { expectProblem, openTestApp, type Sent, type TestApp } from './test-app.suite.ts';
import { areNeighbours } from './versions.ts';

const endpoints = Object.entries(contract as ContractTable).flatMap(([group, entries]) =>
  Object.entries(entries).map(([name, endpoint]) => ({ name: `${group}.${name}`, endpoint })),
);

const EXPERIMENT = 'digits-tune';
const register = { host: 'gpunode', instance: 'egg', experiments: [EXPERIMENT], workers: 1, total: { cpus: 1, memory_bytes: 1, gpus: 0 }, version: '0.4.0' };

function pathOf(endpoint: Endpoint, params: Readonly<Record<string, unknown>> = {}): string {
  const example = { ...(endpoint.example.params as object | undefined), ...params } as Record<string, unknown>;
  return API_ROOT + endpoint.path.replace(/:([a-z_]+)/g, (_, name: string) => encodeURIComponent(String(example[name])));
}

const takesBody = (endpoint: Endpoint): boolean => endpoint.transport !== 'upload' && endpoint.method !== 'GET' && endpoint.method !== 'DELETE';

let server: TestApp;
let agentSecret: string;
let jobToken: string;

beforeAll(async () => {
  server = await openTestApp();
  await server.newExperiment(EXPERIMENT);
  const client = server.client();
  await client.jobs.create({ params: { experiment: EXPERIMENT }, body: { jobs: [{ params: {} }], command: 'true' } });
  agentSecret = (await client.agents.register({ body: register })).secret;
  const [job] = await server.store.sql.all<{ id: number }>('select id from job');
  const { created_at } = (await findAttempt(server.store, { job_id: job!.id, attempt: 1, rank: 0 }))!;
  jobToken = `jdt_${job!.id}.1.0.${leaseToken(server.store.key, { job_id: job!.id, created_at, attempt: 1, rank: 0 }, newNonce(server.store.key))}`;
});

afterAll(() => server.close());

function keyFor(endpoint: Endpoint): string | null {
  if (endpoint.access === 'none') return null;
  return endpoint.access === 'agent' ? agentSecret : endpoint.access === 'attempt' ? jobToken : server.key;
}

describe('every endpoint', () => {
  it.each(endpoints.filter(({ endpoint }) => endpoint.access !== 'none'))('$name without credentials is 401', async ({ endpoint }) => {
    const response = await server.send(pathOf(endpoint), { method: endpoint.method, key: null });
    await expectProblem(response, 401, 'unauthenticated');
    expect(response.headers.get('drover-version')).toBe('0.4.2');
  });

  it.each(endpoints.filter(({ endpoint }) => endpoint.access !== 'none'))('$name with a key that does not exist is 401', async ({ endpoint }) => {
    await expectProblem(await server.send(pathOf(endpoint), { method: endpoint.method, key: 'jd_nobodyhasthiskey' }), 401, 'unauthenticated');
  });

  it.each(endpoints.filter(({ endpoint }) => takesBody(endpoint)))('$name with a body of the wrong type is 422', async ({ endpoint }) => {
    for (const body of [42, ['a'], 'text', null]) {
      await expectProblem(
        await server.send(pathOf(endpoint), { method: endpoint.method, key: keyFor(endpoint), text: JSON.stringify(body) }),
        422,
        'invalid_input',
      );
    }
  });

  it.each(endpoints.filter(({ endpoint }) => takesBody(endpoint)))('$name with a body that is not JSON is 400', async ({ endpoint }) => {
    await expectProblem(await server.send(pathOf(endpoint), { method: endpoint.method, key: keyFor(endpoint), text: '{"a":' }), 400, 'malformed_json');
  });

  const queried = endpoints.flatMap(({ name, endpoint }) => Object.keys((endpoint.query as z.ZodObject).shape).map((field) => ({ name, endpoint, field })));
  it.each(queried)('$name with ?$field of the wrong type is 422', async ({ endpoint, field }) => {
    const response = await server.send(`${pathOf(endpoint)}?${field}=~&${field}=~`, { method: endpoint.method, key: keyFor(endpoint) });
    const problem = await expectProblem(response, 422, 'invalid_input');
    expect(problem.details?.fields?.map(({ path }) => path.split('[')[0])).toContain(field);
  });

  const numbered = endpoints.filter(({ endpoint }) => /:(number|id|matrix_id)\b/.test(endpoint.path));
  it.each(numbered)('$name with a path of the wrong type is 422', async ({ endpoint }) => {
    for (const wrong of ['x', '0', '-1', '1.5']) {
      const path = pathOf(endpoint, { number: wrong, id: wrong, matrix_id: wrong });
      await expectProblem(await server.send(path, { method: endpoint.method, key: keyFor(endpoint) }), 422, 'invalid_input');
    }
  });

  const within = endpoints.filter(({ endpoint }) => endpoint.path.includes(':experiment'));
  it.each(within)('$name of an unknown and of a foreign experiment is the same 404', async ({ endpoint }) => {
    const foreign = await server.newKey('admin', [987]);
    const answers = await Promise.all(
      [
        { path: pathOf(endpoint), key: foreign },
        { path: pathOf(endpoint, { experiment: 'nothing-here' }), key: server.key },
      ].map(async ({ path, key }) => expectProblem(await server.send(path, { method: endpoint.method, key }), 404, 'experiment_not_found')),
    );
    expect(answers[0]!.detail.replace(EXPERIMENT, 'X')).toBe(answers[1]!.detail.replace('nothing-here', 'X'));
  });

  it.each(endpoints.filter(({ endpoint }) => endpoint.access !== 'none'))('$name does not take the credentials of another kind', async ({ endpoint }) => {
    const wrong = endpoint.access === 'agent' ? jobToken : endpoint.access === 'attempt' ? server.key : agentSecret;
    await expectProblem(await server.send(pathOf(endpoint), { method: endpoint.method, key: wrong }), 403, 'forbidden');
  });
});

describe('bodies', () => {
  const create = (sent: Sent): Promise<Response> => server.send(`${API_ROOT}/experiments/${EXPERIMENT}/jobs`, { method: 'POST', ...sent });

  it('names the first problem and lists all of them', async () => {
    const problem = await expectProblem(await server.send(`${API_ROOT}/keys`, { body: { name: '', role: 'king' } }), 422, 'invalid_input');
    expect(problem.detail).toMatch(/^"name" in the body: /);
    expect(problem.details?.fields?.map(({ path }) => path)).toEqual(['name', 'role']);
  });

  it('says which field is missing and which is unknown', async () => {
    const missing = await expectProblem(await server.send(`${API_ROOT}/keys`, { body: {} }), 422, 'invalid_input');
    expect(missing.details?.fields).toContainEqual({ path: 'name', message: 'It is missing.' });
    const unknown = await expectProblem(await server.send(`${API_ROOT}/keys`, { body: { name: 'a', rolle: 'viewer' } }), 422, 'invalid_input');
    expect(unknown.details?.fields).toContainEqual({ path: 'rolle', message: 'There is no field of this name.' });
  });

  it('speaks of the alternative that was meant', async () => {
    const problem = await expectProblem(await server.send(`${API_ROOT}/login`, { key: null, body: { experiment: EXPERIMENT } }), 422, 'invalid_input');
    expect(problem.details?.fields).toEqual([{ path: 'pin', message: 'It is missing.' }]);
  });

  it('refuses names given twice and numbers that would change, where jobs are made', async () => {
    const twice = await expectProblem(await create({ text: '{"command":"true","jobs":[{"params":{"a":1,"a":2}}]}' }), 422, 'invalid_input');
    expect(twice.details?.fields?.[0]?.path).toBe('jobs[0].params.a');
    const lossy = await expectProblem(await create({ text: '{"command":"true","jobs":[{"params":{"seed":12345678901234567890}}]}' }), 422, 'invalid_input');
    expect(lossy.detail).toContain('jobs[0].params.seed');
  });

  it('refuses __proto__, however it is written, and survives depth', async () => {
    for (const name of ['__proto__', '\\u005f_proto__', '__pr\\u006fto__']) {
      await expectProblem(await create({ text: `{"command":"true","jobs":[{"params":{"${name}":1}}]}` }), 422, 'invalid_input');
    }
    for (const depth of [100, 200_000]) {
      await expectProblem(await create({ text: `{"jobs":[{"params":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}]}` }), 422, 'invalid_input');
      await expectProblem(await create({ text: `{"matrix":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}` }), 422, 'invalid_input');
    }
    const quoted = await create({ text: JSON.stringify({ command: 'true', dry_run: true, jobs: [{ params: { a: `__proto__ \\" ${'['.repeat(100)}` } }] }) });
    expect(quoted.status).toBe(201);
  });

  it('refuses a body that is too large, of another type, or not UTF-8', async () => {
    await expectProblem(await create({ text: `"${'x'.repeat(LIMITS.body_bytes.value)}"` }), 413, 'too_large');
    await expectProblem(await create({ text: '{}', headers: { 'content-length': String(1e9) } }), 413, 'too_large');
    await expectProblem(await create({ text: '{}', headers: { 'content-type': 'text/plain' } }), 400, 'malformed_json');
    const binary = await server.app.request(`${API_ROOT}/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
    });
    await expectProblem(binary, 400, 'malformed_json');
  });

  it('takes an empty body for an empty object', async () => {
    const response = await server.send(`${API_ROOT}/logout`, { method: 'POST' });
    expect(await response.json()).toEqual({ ended: true });
  });
});

describe('addresses and headers', () => {
  it('answers unknown addresses with 404 and known ones with 405 and Allow', async () => {
    await expectProblem(await server.send(`${API_ROOT}/nothing`), 404, 'not_found');
    const wrong = await server.send(`${API_ROOT}/experiments/${EXPERIMENT}`, { method: 'PUT' });
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('GET, PATCH, DELETE, HEAD');
    expect(wrong.headers.get('content-type')).toBe('application/problem+json');
    expect((await server.send('/somewhere', { method: 'POST' })).status).toBe(404);
  });

  it('answers HEAD like GET, without the body', async () => {
    const response = await server.send(`${API_ROOT}/status`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
    expect((await server.send(`${API_ROOT}/status`, { method: 'HEAD', key: null })).status).toBe(401);
  });

  it('keeps a well-formed request id and replaces any other', async () => {
    const kept = await server.send(`${API_ROOT}/status`, { headers: { 'x-request-id': 'trace-1.a_b' } });
    expect(kept.headers.get('x-request-id')).toBe('trace-1.a_b');
    const replaced = await server.send(`${API_ROOT}/status`, { headers: { 'x-request-id': 'a b"<>' } });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-\w+$/);
  });

  it('makes lists of repeated query keys', async () => {
    const page = await server.client().jobs.list({ params: { experiment: EXPERIMENT }, query: { status: ['pending', 'done'] } });
    expect(page.jobs.map((job) => job.status)).toEqual(['pending']);
  });

  it('refuses agents of distant versions, and only agents', async () => {
    const leave = (version: string): Promise<Response> =>
      server.send(`${API_ROOT}/agent/leave`, { key: agentSecret, body: { incarnation: 'nobody' }, headers: { 'drover-version': version } });
    for (const version of ['0.2.9', '0.6.0', '1.4.2', 'latest']) await expectProblem(await leave(version), 426, 'version_mismatch');
    for (const version of ['0.3.0', '0.4.99', '0.5.1-rc.1']) expect((await leave(version)).status).not.toBe(426);
    expect((await server.send(`${API_ROOT}/status`, { headers: { 'drover-version': '9.0.0' } })).status).toBe(200);
    expect(areNeighbours('0.9.0', '0.10.0')).toBe(true);
  });

  it('refuses what comes while it stops', async () => {
    const ending = await openTestApp();
    ending.stop.abort();
    const response = await ending.send(`${API_ROOT}/status`);
    await expectProblem(response, 503, 'unavailable');
    expect(response.headers.get('retry-after')).toBe('2');
    await ending.close();
  });
});

describe('faults', () => {
  const coded = (code: string): Error => Object.assign(new Error('secret detail'), { code });
  it.each([
    ['SQLITE_FULL', 'disk_full'],
    ['ENOSPC', 'disk_full'],
    ['53100', 'disk_full'],
    ['SQLITE_BUSY', 'unavailable'],
    ['SQLITE_BUSY_SNAPSHOT', 'unavailable'],
    ['ECONNREFUSED', 'unavailable'],
    ['57P01', 'unavailable'],
    ['40001', 'unavailable'],
    ['23505', 'internal'],
    ['SQLITE_CORRUPT', 'internal'],
  ])('%s is %s', (code, expected) => {
    const refusal = toRefusal(coded(code));
    expect(refusal.code).toBe(expected);
    expect(refusal.message).not.toContain('secret');
  });

  it.each([
    'Connection terminated unexpectedly',
    // What pg says of a query that was given to a connection which broke just before.
    'Client has encountered a connection error and is not queryable',
  ])('%s, without a code, is unavailable', (message) => {
    expect(toRefusal(new Error(message)).code).toBe('unavailable');
  });

  it('leaves refusals as they are', () => {
    const refusal = new Refusal('job_not_found', 'gone');
    expect(toRefusal(refusal)).toBe(refusal);
  });
});
