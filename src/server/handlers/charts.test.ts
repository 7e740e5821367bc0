// Charts as they travel; what they say is tested with the store.
import { afterEach, beforeEach, expect, it } from 'vitest';

import { endAttempt, insertAttempt, insertJob } from '../../../test/support/rows.ts';
import { LIMITS } from '../../core/limits.ts';
import { expectProblem, type TestApp } from '../test-app.suite.ts';

import { EXPERIMENT, NOW, openRunningJob, type RunningJob } from './running-job.suite.ts';

const PATH = `/api/v1/experiments/${EXPERIMENT}/charts`;
const params = { experiment: EXPERIMENT };

let running: RunningJob;
let server: TestApp;

beforeEach(async () => {
  running = await openRunningJob();
  ({ server } = running);
});
afterEach(() => server.close());

it('tells activity in stretches that begin where the reader says', async () => {
  const { store } = server;
  const other = await insertAttempt(store, await insertJob(store, running.experiment, 43));
  await store.write(async (tx) => {
    tx.count(running.experiment.id, 'running', 1);
    tx.count(running.experiment.id, 'done', 1);
  });
  await endAttempt(store, other, { outcome: 'succeeded', status: 'done' });
  await store.write((tx) => tx.query.updateTable('job').set({ started_at: tx.now, finished_at: tx.now, worker_id: 'host_egg_0' }).execute());
  await store.write((tx) => tx.query.updateTable('job').set({ finished_at: null }).where('status', '=', 'running').execute());
  const activity = await server.client().charts.activity({ params, query: { bucket: 'day', buckets: 2, offset_minutes: 60, split: 'worker' } });
  expect(activity).toEqual({
    from: '2025-12-30T23:00:00.000Z',
    to: '2026-01-01T23:00:00.000Z',
    now: NOW,
    bucket_seconds: 86_400,
    buckets: [
      { at: '2025-12-30T23:00:00.000Z', done: 0, aborted: 0, waiting: 0, running: 0 },
      { at: '2025-12-31T23:00:00.000Z', done: 1, aborted: 0, waiting: 0, running: 1 },
    ],
    series: [{ name: 'host_egg_0', ended: [0, 1] }],
    left_out: 0,
    sampled: { of: 1, taken: 1 },
    last_finished_at: NOW,
  });
});

it('gives params as values, lists as text, and cuts what is long', async () => {
  const long = 'é'.repeat(LIMITS.chart_text_characters.value + 50);
  const values = { lr: 0.1, on: true, none: null, list: [1, 'a'], short: 'two words', long };
  const point = { offset: 0, name: 'loss', value: 0.5, step: 0, at: NOW };
  await server.store.write(async (tx) => {
    await tx.query
      .updateTable('job')
      .set({ params_json: JSON.stringify(values) })
      .execute();
    tx.count(running.experiment.id, 'running', 1);
  });
  await server.client(running.agent_key).agents.metrics({ body: { sent_at: NOW, batches: [{ ...running.attempt, from: 0, to: 10, points: [point] }] } });
  const names = [...Object.keys(values), 'absent'];
  const results = await server.client().charts.results({ params, query: { metric: ['loss', 'nothing'], param: names } });
  expect(results).toMatchObject({ metrics: ['loss', 'nothing'], params: names, measured: 1, sampled: { of: 1, taken: 1 } });
  const [job] = results.jobs;
  expect(job).toMatchObject({ number: 42, place: 1, status: 'running', values: [0.5, null] });
  expect(job!.params).toEqual([0.1, true, null, '[1,"a"]', 'two words', `${'é'.repeat(LIMITS.chart_text_characters.value)}…`, null]);
  const one = await server.client().charts.results({ params, query: { metric: 'loss', param: 'lr' } });
  expect(one.jobs.map((each) => each.params)).toEqual([[0.1]]);
  const replicates = await server.client().charts.replicates({ params, query: { metric: 'loss', seed: 'lr', param: ['lr', 'short'] } });
  expect(replicates).toMatchObject({ params: ['short'], groups: [{ number: 42, params: ['two words'], count: 1, mean: 0.5, deviation: null, margin: null }] });
});

it('refuses what is no name of a param, too many of them, and a search that cannot be read', async () => {
  const refused = async (query: string): Promise<void> => void (await expectProblem(await server.send(`${PATH}/${query}`), 422, 'invalid_input'));
  await refused('failures?param=a%22%5D');
  await refused(`results?metric=loss${'&param=a'.repeat(LIMITS.chart_axes.value + 1)}`);
  await refused(`results?${'metric=loss&'.repeat(LIMITS.chart_metrics.value + 1)}`);
  await refused('results');
  await refused('machines?search=lr%3Eabc');
  await refused(`activity?buckets=${LIMITS.chart_buckets.value + 1}`);
});
