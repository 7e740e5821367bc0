// Copies of jobs and forgotten ones over HTTP.
import { afterEach, beforeEach, expect, it } from 'vitest';

import { expectProblem, openTestApp, type TestApp } from '../test-app.suite.ts';

const params = { experiment: 'tune' };

let app: TestApp;

beforeEach(async () => {
  app = await openTestApp();
  await app.newExperiment('tune');
});
afterEach(() => app.close());

const create = (body: object) => app.client().jobs.create({ params, body: { jobs: [{ params: {} }], ...body } });
const get = async (number: number) => (await app.client().jobs.get({ params: { ...params, number } })).job;

it('copies each job so many times, once for one idempotency key', async () => {
  await create({ times: 2, command: 'true', results_dir: '/data/out', tags: ['a'] });
  const call = () => app.client().jobs.clone({ params, body: { filter: { numbers: '1-2' }, times: 3 } }, { idempotency_key: 'once' });
  expect(await call()).toEqual({ created: 6, from: 3, to: 8, cloned: '1-2', cancelled: '' });
  expect(await call()).toMatchObject({ from: 3, to: 8 });
  expect(await get(8)).toMatchObject({ command: 'true', results_dir: '/data/out', tags: ['a'], status: 'pending' });
});

it('with restart cancels what has not ended, in the same commit, and leaves what has', async () => {
  await create({ times: 2, command: 'true' });
  await app.client().jobs.cancel({ params: { ...params, number: 1 }, body: {} });
  const before = await get(1);
  expect(await app.client().jobs.clone({ params, body: { filter: { numbers: '1-2' }, restart: true } })).toEqual({
    created: 2,
    from: 3,
    to: 4,
    cloned: '1-2',
    cancelled: '2',
  });
  expect(await get(1)).toEqual(before);
  expect(await get(2)).toMatchObject({ status: 'aborted', outcome: 'cancelled' });
});

it('refuses numbers that there are not, and more copies than one commit makes', async () => {
  await create({ times: 2 });
  const clone = (body: object) => app.send('/api/v1/experiments/tune/jobs/clone', { body });
  await expectProblem(await clone({ filter: { numbers: '7' } }), 404, 'job_not_found');
  await expectProblem(await clone({ filter: {}, times: 5_001 }), 422, 'too_many');
});

it('takes only an absolute path for results', async () => {
  for (const results_dir of ['results', '/a\nb', `/${'x'.repeat(1_000)}`])
    await expectProblem(await app.send('/api/v1/experiments/tune/jobs', { body: { jobs: [{}], results_dir } }), 422, 'invalid_input');
  expect(await app.client().jobs.create({ params, body: { matrix: { a: [1, 2] }, results_dir: '/data/results/' } })).toMatchObject({ created: 2 });
  expect(await app.client().matrices.get({ params: { ...params, matrix_id: 1 } })).toMatchObject({ results_dir: '/data/results/' });
  await app.client().jobs.edit({ params: { ...params, number: 2 }, body: { results_dir: null } });
  expect([(await get(1)).results_dir, (await get(2)).results_dir]).toEqual(['/data/results/', null]);
});

it('leaves forgotten jobs out of lists, exports and actions unless somebody asks for them', async () => {
  const { jobs } = app.client();
  await create({ times: 3 });
  await jobs.bulk({ params, body: { action: 'cancel', filter: { numbers: '1-2' } } });
  expect(await jobs.bulk({ params, body: { action: 'forget', filter: { numbers: '1-3' } } })).toMatchObject({
    changed: 1 + 1,
    refused: { job_not_ended: 1 },
    jobs: '1-2',
  });
  const numbers = async (query: object) => {
    const page = await jobs.list({ params, query });
    return [page.jobs.map(({ number }) => number), page.total.count];
  };
  expect(await numbers({})).toEqual([[3], 1]);
  expect(await numbers({ status: 'aborted' })).toEqual([[], 0]);
  expect(await numbers({ search: 'is:forgotten' })).toEqual([[2, 1], 2]);
  expect(await numbers({ forgotten: 'only', numbers: '2-3' })).toEqual([[2], 1]);
  expect(await numbers({ forgotten: 'too' })).toEqual([[3, 2, 1], 3]);
  expect((await (await app.send('/api/v1/experiments/tune/export')).text()).trim().split('\r\n')).toHaveLength(2);
  expect(await jobs.bulk({ params, body: { action: 'requeue', filter: { numbers: '1' } } })).toMatchObject({ matched: 0, changed: 0 });
  expect(await jobs.bulk({ params, body: { action: 'unforget', filter: { numbers: '1', forgotten: 'only' } } })).toMatchObject({ changed: 1 });
  expect(await numbers({})).toEqual([[3, 1], 2]);
  expect((await get(2)).forgotten_at).not.toBeNull();
});

it('gives many pending jobs another time limit', async () => {
  await create({ times: 3 });
  await app.client().jobs.bulk({ params, body: { action: 'set_timeout', filter: { numbers: '2-3' }, timeout_seconds: 60 } });
  expect([(await get(1)).timeout_seconds, (await get(3)).timeout_seconds]).toEqual([null, 60]);
  await expectProblem(await app.send('/api/v1/experiments/tune/jobs/bulk', { body: { action: 'set_timeout', filter: {} } }), 422, 'invalid_input');
});
