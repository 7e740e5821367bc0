// Bulk actions over HTTP: small ones in one commit, large ones as an operation that the background goes on with.
import { afterEach, beforeEach, expect, it } from 'vitest';

import { eventually } from '../../../test/support/eventually.ts';
import { systemClock } from '../../runtime/clock.ts';
import { Background } from '../background.ts';
import { expectProblem, openTestApp, type TestApp } from '../test-app.suite.ts';

const MANY = 10_001;
const params = { experiment: 'tune' };

let app: TestApp;

beforeEach(async () => {
  app = await openTestApp();
  await app.newExperiment('tune');
});
afterEach(() => app.close());

const counts = async () => (await app.client().experiments.get({ params })).counts;
const makeJobs = (times: number, body: object = {}) => app.client().jobs.create({ params, body: { jobs: [{ params: { a: 1 } }], times, ...body } });

async function inBackground<T>(work: () => Promise<T>): Promise<T> {
  const background = new Background({ ...app.context, clock: systemClock });
  background.start();
  try {
    return await work();
  } finally {
    await background.stop();
  }
}

it('changes a few at once, and previews without changing', async () => {
  await makeJobs(3);
  const client = app.client();
  const body = { action: 'hold' as const, filter: { numbers: '1-2' } };
  expect(await client.jobs.bulk({ params, body: { ...body, dry_run: true } })).toMatchObject({ matched: 2, changed: 2, jobs: '1-2', operation: null });
  expect((await client.jobs.get({ params: { ...params, number: 1 } })).job.held_at).toBeNull();
  expect(await client.jobs.bulk({ params, body })).toMatchObject({ dry_run: false, matched: 2, changed: 2, jobs: '1-2', operation: null });
  expect((await client.jobs.get({ params: { ...params, number: 1 } })).job.held_at).not.toBeNull();
});

it('tags jobs of any status, tells who has which, and takes only what a tag may be', async () => {
  await makeJobs(3, { tags: ['old'] });
  const client = app.client();
  await client.jobs.bulk({ params, body: { action: 'cancel', filter: { numbers: '1' } } });
  const body = { action: 'add_tags' as const, filter: {}, tags: ['old', 'two words'] };
  expect(await client.jobs.bulk({ params, body: { ...body, dry_run: true } })).toMatchObject({ matched: 3, changed: 3, refused: {}, jobs: '1-3' });
  expect(await client.jobs.bulk({ params, body: { ...body, filter: { status: 'aborted' } } })).toMatchObject({ matched: 1, changed: 1, jobs: '1' });
  expect((await client.jobs.list({ params, query: { search: 'tag:"two words"' } })).jobs).toMatchObject([{ number: 1, tags: ['old', 'two words'] }]);
  expect(await client.jobs.tags({ params })).toEqual({ tags: ['old', 'two words'] });
  const refused = async (over: object): Promise<void> =>
    void (await expectProblem(await app.send('/api/v1/experiments/tune/jobs/bulk', { body: { ...body, ...over } }), 422, 'invalid_input'));
  await refused({ tags: undefined });
  await refused({ tags: [] });
  await refused({ tags: ['zero\u0000'] });
  await refused({ tags: ['half\ud800'] });
  await refused({ tags: ['x'.repeat(61)] });
});

it('previews more than one commit may change, whole', async () => {
  await makeJobs(MANY);
  const preview = await app.client().jobs.bulk({ params, body: { action: 'cancel', filter: {}, dry_run: true } });
  expect(preview).toMatchObject({ matched: MANY, changed: MANY, jobs: '1-10000', operation: null });
  expect((await app.client().jobs.operations({ params })).operations).toEqual([]);
});

it('goes on with many after the reply, once however often it is asked with one key, and not with jobs that came later', async () => {
  await makeJobs(MANY);
  const client = app.client();
  const ask = () => client.jobs.bulk({ params, body: { action: 'cancel', filter: {} } }, { idempotency_key: 'once' });
  const { operation } = await ask();
  expect(operation).toMatchObject({ state: 'running', matched: MANY, done: 0 });
  expect((await ask()).operation).toEqual(operation);
  await makeJobs(2);
  const operationNow = () => client.jobs.operation({ params: { ...params, operation_id: operation!.id } });
  const done = await inBackground(() =>
    eventually(async () => {
      const now = await operationNow();
      expect(now.state).toBe('done');
      return now;
    }),
  );
  expect(done).toMatchObject({ matched: MANY, done: MANY, changed: MANY, problem: null });
  expect(await counts()).toMatchObject({ aborted: MANY, pending: 2 });
  expect((await client.jobs.operations({ params })).operations).toEqual([done]);
}, 60_000);

it('tells when there is no such operation', async () => {
  await expect(app.client().jobs.operation({ params: { ...params, operation_id: 7 } })).rejects.toMatchObject({ code: 'not_found' });
});

it('replaces more than one commit may change, and a repetition leaves the new ones alone', async () => {
  await makeJobs(MANY);
  const replace = () =>
    app.client().jobs.create({ params, body: { jobs: [{ params: { b: 1 } }], times: MANY, replace_pending: true } }, { idempotency_key: 'again' });
  const reply = await replace();
  expect(reply).toMatchObject({ created: MANY, replaced: MANY });
  expect(await replace()).toEqual(reply);
  expect(await counts()).toMatchObject({ pending: MANY, created: 2 * MANY });
}, 60_000);
