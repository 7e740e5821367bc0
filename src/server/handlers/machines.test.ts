import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT } from '../../contract/index.ts';
import { expectProblem, openTestApp, type TestApp } from '../test-app.suite.ts';

let server: TestApp;
let digits: number;

beforeEach(async () => {
  server = await openTestApp();
  digits = await server.newExperiment('digits-tune');
});

afterEach(() => server.close());

async function measuredWorker(experiments: string[] | null): Promise<string> {
  const body = { host: 'gpunode', instance: 'egg', experiments, workers: 1, total: { cpus: 1, memory_bytes: 1e9, gpus: 0 }, version: '0.4.2' };
  const { secret, worker_ids } = await server.client().agents.register({ body });
  const sync = {
    ...{ incarnation: '1-a', sync_seq: 1, sent_at: new Date(server.clock.now()).toISOString(), wait_seconds: 0, free_slots: [] },
    ...{ free: { cpus: 1, memory_bytes: 1e9, gpus: 0 }, running: [], finished: [], metrics: { cpu_percent: 48.5 } },
  };
  expect((await server.send(`${API_ROOT}/agent/sync`, { key: secret, body: sync })).status).toBe(200);
  return worker_ids[0]!;
}

describe('the machine of a worker', () => {
  it('is told of for the last hour unless asked otherwise', async () => {
    const worker = await measuredWorker(null);
    server.clock.advance(60_000);
    const params = { experiment: 'digits-tune', worker };
    const reply = await server.client().machines.series({ params, query: { points: 1 } });
    expect(reply).toMatchObject({ worker_id: worker, piece_seconds: 3_600, series: [{ name: 'cpu_percent', mean: [48.5], least: [48.5], greatest: [48.5] }] });
    const until = new Date(server.clock.now() - 120_000).toISOString();
    expect((await server.client().machines.series({ params, query: { until } })).series).toEqual([]);
  });

  it('is not told of to who may only see what it does not serve, nor for time that runs backwards', async () => {
    await server.newExperiment('other');
    const worker = await measuredWorker(['other']);
    const path = (experiment: string, query = ''): string => `${API_ROOT}/experiments/${experiment}/workers/${worker}/machine${query}`;
    const key = await server.newKey('viewer', [digits]);
    await expectProblem(await server.send(path('digits-tune'), { key }), 404, 'not_found');
    await expectProblem(await server.send(path('other'), { key }), 404, 'experiment_not_found');
    const backwards = '?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z';
    await expectProblem(await server.send(path('other', backwards)), 422, 'invalid_input');
  });
});
