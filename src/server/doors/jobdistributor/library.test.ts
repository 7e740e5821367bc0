// What JobDistributor's job library and launcher ask: tokens, experiments, jobs, results. And a whole worker that loops.
import { readFileSync } from 'node:fs';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { manualClock, type ManualClock } from '../../../../test/support/manual-clock.ts';
import { type OldClient, OldWorker } from '../../../../test/support/old-client.ts';
import { openStore, type Store } from '../../../store/store.ts';

import { DOOR_ROUTES } from './mount.ts';
import { type DoorScene, EXPERIMENT, openDoorScene } from './scene.suite.ts';

let scene: DoorScene;
let store: Store;
let clock: ManualClock;
let client: OldClient;

beforeEach(async () => {
  clock = manualClock();
  store = await openStore({ engine: { kind: 'sqlite', directory: ':memory:', clock, read_threads: 0 }, directory: null, clock });
  scene = await openDoorScene({ store, clock });
  client = scene.client('gpunode_egg_0', await scene.token());
});
afterEach(() => store.close());

it('gives a token for an API key, with all that a client reads of it', async () => {
  const reply = await scene.server.send('/api/worker/token', { body: { experiment_name: EXPERIMENT }, headers: { host: 'hub.example:8000' } });
  const body = (await reply.json()) as Record<string, string>;
  expect(body).toEqual({
    worker_token: expect.any(String),
    server_url: 'http://hub.example:8000',
    exp_name: EXPERIMENT,
    expires_at: '2026-01-02T00:00:00+00:00',
    refresh_margin_secs: 1_800,
  });
  const claims = JSON.parse(Buffer.from(body['worker_token']!.split('.')[1]!, 'base64url').toString()) as Record<string, number>;
  expect(claims).toMatchObject({ sub: 'worker', exp_id: scene.experiment, exp_name: EXPERIMENT, user_id: 1 });
  expect(claims['exp']! - claims['iat']!).toBe(24 * 3600);
  const strange = await scene.server.send('/api/worker/token', { body: { experiment_name: EXPERIMENT }, headers: { host: 'a b/c?d' } });
  expect(strange.status).toBe(400);
});

it('creates, shows and deletes experiments', async () => {
  const made = await scene.server.send('/api/experiments', { body: { name: 'second-one' }, headers: { host: 'hub:8000' } });
  expect(made.status).toBe(201);
  const urls = { server_url: 'http://hub:8000', dashboard_url: 'http://hub:8000/experiments/second-one' };
  expect(await made.json()).toEqual({ experiment_id: expect.any(Number), name: 'second-one', ...urls, message: 'Experiment second-one created' });
  expect((await scene.server.send('/api/experiments', { body: { name: 'second-one' } })).status).toBe(409);
  expect((await scene.server.send('/api/experiments', { body: { name: 'Bad Name' } })).status).toBe(400);
  const shown = await scene.server.send('/api/experiments/second-one', { headers: { host: 'hub:8000' } });
  expect(await shown.json()).toEqual({
    ...{ id: expect.any(Number), name: 'second-one', status: 'ACTIVE', ...urls },
    ...{ created_at: '2026-01-01T00:00:00+00:00', last_activity: '2026-01-01T00:00:00+00:00' },
  });
  const gone = await scene.server.send('/api/experiments/second-one', { method: 'DELETE' });
  expect(await gone.json()).toEqual({ message: 'Experiment second-one deleted', shutdown: { called: false, ok: true, workers_stopped: 0, error: null } });
  expect((await scene.server.send('/api/experiments/second-one')).status).toBe(404);
});

it('creates jobs as a grid or a list, appends, and replaces those that wait', async () => {
  const grid = await client.json('/api/jobs/create', { parameters: { lr: [0.1, 0.01], seed: [1, 2, 3] } });
  expect(grid).toMatchObject({ status: 200, body: { success: true, total_jobs: 6, action: 'Created', start_id: 1 } });
  const list = await client.json('/api/jobs/create', { jobs: [{ lr: 1 }, { lr: 2 }], replace: false, idle_timeout: 300 });
  expect(list.body).toMatchObject({ total_jobs: 2, action: 'Appended', start_id: 7 });
  expect((await client.heartbeat()).body['job']).toMatchObject({ job_id: 1, parameters: { lr: 0.1, seed: 1 } });
  expect((await client.json('/api/jobs/create', { jobs: [{}], replace: true })).body).toMatchObject({ total_jobs: 1, action: 'Created', start_id: 9 });
  expect((await client.send('GET', '/job_counts')).body).toEqual({ PENDING: 1, SERVED: 1, DONE: 0, ABORTED: 0, DELETED: 0 });
  for (const body of [
    {},
    { jobs: [] },
    { parameters: {} },
    { parameters: { a: [] } },
    { parameters: { a: [1] }, jobs: [{}] },
    { jobs: [1] },
    { jobs: [{ 'a b': 1 }] },
  ])
    expect([body, await client.json('/api/jobs/create', body)]).toMatchObject([body, { status: 400, body: { success: false, error: expect.any(String) } }]);
});

it('lists jobs by page, status, number and worker, with what happened to each', async () => {
  await scene.addJobs(5);
  await client.heartbeat();
  await client.heartbeat(1);
  await client.done(1);
  await client.heartbeat();
  await client.aborted(2);
  await client.heartbeat();
  const page = (await client.send('GET', '/api/jobs?page=2&per_page=2')).body;
  expect(page).toMatchObject({
    total_count: 5,
    total_pages: 3,
    current_page: 2,
    per_page: 2,
    jobs: [
      { id: 3, status: 'SERVED' },
      { id: 4, status: 'PENDING' },
    ],
  });
  const numbers = async (query: string): Promise<number[]> =>
    ((await client.send('GET', `/api/jobs?${query}`)).body['jobs'] as { id: number }[]).map(({ id }) => id);
  expect(await numbers('status=DONE')).toEqual([1]);
  expect(await numbers('status=DELETED')).toEqual([]);
  expect(await numbers('status=nonsense')).toEqual([]);
  expect(await numbers('search=4')).toEqual([4]);
  expect(await numbers('search=GPUNODE')).toEqual([1, 2, 3]);
  expect(await numbers('search=gpunode_egg')).toEqual([1, 2, 3]);
  expect(await numbers('search=gpunode_egg_0')).toEqual([1, 2, 3]);
  expect(await numbers('search=gpu')).toEqual([]);
  expect(await numbers('ids=5,1,99&search=4')).toEqual([1, 5]);
  const [row] = (await client.send('GET', '/api/jobs?ids=2')).body['jobs'] as Record<string, unknown>[];
  const at = Date.UTC(2026, 0, 1) / 1000;
  expect(row).toEqual({
    ...{ id: 2, status: 'ABORTED', parameters: { index: 1 }, system_metrics: {}, worker_id: 'gpunode_egg_0', requested_by: 'gpunode_egg_0' },
    ...{ request_timestamp: at, completion_timestamp: at, required_time: 0, predicted_runtime: 0, last_ping_timestamp: 0, initialization_timestamp: at },
    message: [
      { reason: 'created', timestamp: at },
      { reason: 'attempt 1 given to gpunode_egg_0', timestamp: at },
      { reason: 'attempt 1 failed: Job failed with exit code 3. ValueError: no such layer', timestamp: at },
    ],
  });
  const [running] = (await client.send('GET', '/api/jobs?ids=3')).body['jobs'] as Record<string, unknown>[];
  expect(running).toMatchObject({ last_ping_timestamp: at, system_metrics: { cpu_percent: 12.5 } });
  expect((await client.send('GET', '/api/jobs/statuses?ids=1,2,5,99')).body).toEqual({ statuses: { 1: 'DONE', 2: 'ABORTED', 5: 'PENDING' } });
});

it('lists and downloads results by their logical name or by that of a version', async () => {
  await scene.addJobs(1);
  await client.heartbeat();
  await client.upload(1, 'a.csv', Buffer.from('one'));
  await client.upload(1, 'a.csv', Buffer.from('two'));
  await client.checkpoint(1, Buffer.from('state'));
  const list = (await client.send('GET', '/api/jobs/1/uploads')).body;
  expect(list).toMatchObject({
    job_id: 1,
    uploads: [
      { filename: 'a_v1.csv', version: 1, size_bytes: 3, format: 'csv' },
      { filename: 'a.csv', version: 0 },
    ],
  });
  const bytes = async (query: string) => Buffer.from((await client.send('GET', `/api/jobs/1/uploads/download?${query}`)).bytes).toString();
  expect(await bytes('filename=a.csv')).toBe('two');
  expect(await bytes('name=a_v1.csv')).toBe('two');
  expect((await client.send('GET', '/api/jobs/1/uploads/download?filename=b.csv')).status).toBe(404);
  expect((await client.send('GET', '/api/jobs/1/uploads/download')).status).toBe(400);
  expect((await client.send('GET', '/api/jobs/9/uploads')).status).toBe(404);
});

it('keeps a whole worker at work: once, and until it is drained', async () => {
  await scene.addJobs(3);
  const ran: number[] = [];
  const machine = (once: boolean) => ({
    once,
    sleep: async (ms: number) => {
      // Time only passes while the worker sleeps, and one that is told to go is told while it sleeps.
      if (ms < 57_000 || ran.length === 3) await scene.pass(ms);
      else await new Promise(() => undefined);
      if (ran.length === 3) await scene.server.client().workers.command({ params: { experiment: EXPERIMENT }, body: { action: 'drain' } });
    },
    run: (job: { job_id: number }) => {
      ran.push(job.job_id);
      return { ended: Promise.resolve(job.job_id === 2 ? 1 : 0), end: () => undefined };
    },
  });
  expect(await new OldWorker(client, machine(true)).loop()).toBe('once');
  expect(ran).toEqual([1]);
  expect(await new OldWorker(client, machine(false)).loop()).toBe('stopped');
  expect(ran).toEqual([1, 2, 3]);
  expect(await scene.counts()).toEqual({ pending: 0, running: 0, done: 2, aborted: 1 });
  expect(await scene.worker('gpunode_egg_0')).toMatchObject({ status: 'disabled', disabled_reason: 'drained', jobs_completed: 2 });
});

it('is described: the page names every call, and no other', () => {
  const page = readFileSync(new URL('../../../../docs/reference/jobdistributor-door.md', import.meta.url), 'utf8');
  const told = [...page.matchAll(/^\| `(GET|POST|DELETE) ([^`]+)`/gm)].map(([, method, path]) => `${method} ${path}`);
  expect(told.toSorted()).toEqual(DOOR_ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
});
