// The server dies in the middle of a bulk action on very many jobs: it goes on after the restart, and every job is changed once.
import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

const JOBS = 100_000;

test('a bulk action of 100,000 jobs survives kill -9, and leaves alone what was created later', async (context) => {
  const server = await openStage(context).server();
  const experiment = await createExperiment(server, 'many');
  const params = { experiment: 'many' };
  const { jobs } = server.api;
  await jobs.create({ params, body: { jobs: [{ params: {} }], times: JOBS, command: 'true' } });
  const { operation } = await jobs.bulk({ params, body: { action: 'cancel', filter: {} } });
  expect(operation).toMatchObject({ state: 'running', matched: JOBS });
  const now = () => server.api.jobs.operation({ params: { ...params, operation_id: operation!.id } });
  const before = await eventually(
    async () => {
      const state = await now();
      expect(state.done).toBeGreaterThan(0);
      return state;
    },
    { every: 5 },
  );
  await server.kill9();
  expect(before.state).toBe('running');
  await server.start();
  await server.api.jobs.create({ params, body: { jobs: [{ params: {} }], times: 3, command: 'true' } });
  await eventually(async () => expect(await now()).toMatchObject({ state: 'done', done: JOBS, changed: JOBS, refused: {} }));
  const { counts } = await server.api.experiments.get({ params });
  expect(counts).toMatchObject({ aborted: JOBS, pending: 3, total: JOBS + 3 });
  await experiment.recount();
}, 120_000);
