import { afterEach, beforeEach, expect, it } from 'vitest';

import { API_ROOT } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { pruneIdempotency } from '../store/idempotency.ts';

import { expectProblem, openTestApp, type TestApp } from './test-app.suite.ts';

let server: TestApp;

beforeEach(async () => {
  server = await openTestApp();
});

afterEach(() => server.close());

const create = (name: string, idempotencyKey: string, key = server.key): Promise<Response> =>
  server.send(`${API_ROOT}/keys`, { key, body: { name }, headers: { 'idempotency-key': idempotencyKey } });

async function keyCount(): Promise<number> {
  return (await server.client().access.listKeys({})).keys.length;
}

it('answers a repeated write with the first reply, secret included', async () => {
  const first = await (await create('laptop', 'one')).json();
  const again = await create('laptop', 'one');
  expect(again.status).toBe(201);
  expect(await again.json()).toEqual(first);
  expect(await keyCount()).toBe(2);
});

it('does the same for writes that share a commit', async () => {
  const replies = await Promise.all(Array.from({ length: 5 }, async () => (await create('laptop', 'one')).json()));
  expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1);
  expect(await keyCount()).toBe(2);
});

it('refuses the same key for another body, and knows keys per caller', async () => {
  await create('laptop', 'one');
  await expectProblem(await create('desktop', 'one'), 409, 'idempotency_mismatch');
  const other = await server.newKey('admin');
  expect((await create('desktop', 'one', other)).status).toBe(201);
});

it('keeps no secret readable', async () => {
  const { key } = (await (await create('laptop', 'one')).json()) as { key: string };
  const rows = await server.store.sql.all('select * from idempotency_key');
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(key);
});

it('forgets a write that was refused', async () => {
  const make = (): Promise<Response> =>
    server.send(`${API_ROOT}/keys`, { body: { name: 'a', experiments: ['soon-here'] }, headers: { 'idempotency-key': 'x' } });
  await expectProblem(await make(), 404, 'experiment_not_found');
  await server.newExperiment('soon-here');
  expect((await make()).status).toBe(201);
});

it('forgets keys in time, swept or not', async () => {
  await create('laptop', 'one');
  server.clock.advance(LIMITS.idempotency_seconds.value * 1000 + 1);
  expect((await create('desktop', 'one')).status).toBe(201);
  server.clock.advance(LIMITS.idempotency_seconds.value * 1000 + 1);
  expect(await server.store.write((tx) => pruneIdempotency(tx, tx.now))).toBe(1);
});

it.each(['a b', 'x'.repeat(201), ''])('refuses %j as a key', async (key) => {
  await expectProblem(await create('laptop', key), 422, 'invalid_input');
});
