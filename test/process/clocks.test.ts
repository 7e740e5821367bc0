// Clocks that are wrong or are set in the middle: no duration is negative, no moment lies in the future, nobody is taken for lost.
import { resolve } from 'node:path';

import LibsqlDatabase from 'libsql';
import { expect, test } from 'vitest';

import type { LeaseShape } from '../../src/contract/index.ts';
import { apiOf, openStage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

const FALSE_CLOCK = resolve(import.meta.dirname, '../support/false-clock.cjs');
const HOUR = 3_600_000;
const RESOURCES = { cpus: 4, memory_bytes: 1e9, gpus: 0 };

/** An agent written here, whose clock is off. */
async function oddAgent(server: TestServer, experiment: string, off: number) {
  const body = { host: 'odd', instance: 'clock', experiments: [experiment], workers: 1, total: RESOURCES, version: '0.1.0' };
  const { secret } = await server.api.agents.register({ body });
  const api = apiOf(server.url, secret);
  const at = (): string => new Date(Date.now() + off).toISOString();
  let seq = 0;
  return {
    api,
    at,
    sync: (told: { free_slots?: number[]; running?: object[]; finished?: object[] }) =>
      api.agents.sync({
        body: { incarnation: '1-odd', sync_seq: (seq += 1), sent_at: at(), free: RESOURCES, free_slots: [], running: [], finished: [], ...told } as never,
      }),
  };
}

function referenceOf({ job_id, attempt, rank, token }: LeaseShape) {
  return { job_id, attempt, rank, token };
}

for (const [what, off] of [
  ['an hour slow', -HOUR],
  ['an hour fast', HOUR],
] as const) {
  test(`the clock of an agent is ${what}: its moments are corrected`, async (context) => {
    const stage = openStage(context);
    const server = await stage.server();
    const experiment = await createExperiment(server, 'odd');
    const begun = Date.now();
    await experiment.add({ command: 'true' });
    const agent = await oddAgent(server, 'odd', off);
    const { leases } = await agent.sync({ free_slots: [0] });
    const lease = leases[0]!;
    const started_at = agent.at();
    await agent.sync({ running: [{ ...referenceOf(lease), slot: 0, started_at }] });
    const data = Buffer.from('line\n').toString('base64');
    await agent.api.agents.logs({ body: { sent_at: agent.at(), chunks: [{ ...referenceOf(lease), stream: 'stdout', offset: 0, at: agent.at(), data }] } });
    const points = [{ offset: 0, name: 'loss', value: 1, step: 0, at: agent.at() }];
    await agent.api.agents.metrics({ body: { sent_at: agent.at(), batches: [{ ...referenceOf(lease), from: 0, to: 10, points }] } });
    await agent.sync({ finished: [{ ...referenceOf(lease), outcome: 'succeeded', exit_code: 0, started_at, finished_at: agent.at() }] });
    const over = Date.now();
    const job = await experiment.job(1);
    const params = { experiment: 'odd', number: 1 };
    const { pieces } = await server.api.results.logIndex({ params });
    const { series } = await server.api.results.metricSeries({ params, query: { name: 'loss' } });
    const moments = [job.created_at, job.started_at!, job.finished_at!, ...pieces.map((piece) => piece.at), ...series[0]!.points.map((point) => point.at)].map(
      (text) => Date.parse(text),
    );
    for (const moment of moments) {
      expect(moment).toBeGreaterThanOrEqual(begun - 100);
      expect(moment).toBeLessThanOrEqual(over + 1);
    }
    expect(Date.parse(job.finished_at!)).toBeGreaterThanOrEqual(Date.parse(job.started_at!));
  });
}

test('the clock of server and agent is set back an hour, then forward two, while jobs run', async (context) => {
  const stage = openStage(context);
  const clock = stage.file('clock', '0');
  const env = { NODE_OPTIONS: `--require ${FALSE_CLOCK}`, FALSE_CLOCK: clock, STAGE: stage.directory };
  const server = await stage.server({ env });
  const experiment = await createExperiment(server, 'jumps', { lost_after_seconds: 10 });
  const agent = await stage.agent({ experiments: ['jumps'], url: server.url, key: server.key, env });
  const gated = 'echo begun; while [ ! -e "$STAGE/gate-{n}" ]; do sleep 0.02; done; echo over';
  for (const n of [1, 2]) await experiment.add({ command: gated, params: { n }, timeout_seconds: 600 });
  for (const n of [1, 2]) await eventually(async () => expect((await experiment.log(n)).toString()).toBe('begun\n'));
  const serverTime = async (): Promise<number> => Date.parse((await server.api.server.status({})).server.now);
  stage.file('clock', String(-HOUR));
  await eventually(async () => expect(await serverTime()).toBeLessThan(Date.now() - HOUR + 60_000));
  stage.file('gate-1', '');
  const first = await experiment.reaches(1, 'done');
  stage.file('clock', String(HOUR));
  await eventually(async () => expect(await serverTime()).toBeGreaterThan(Date.now() + HOUR - 60_000));
  // A sweep by the new time has judged everybody; if the jump counted, the agent would be lost and its job given away.
  await eventually(() => expect(sweptAt(server.data_dir)).toBeGreaterThan(Date.now() + HOUR - 60_000));
  const { workers } = await server.api.workers.list({ params: { experiment: 'jumps' } });
  expect(workers.map(({ liveness }) => liveness)).toEqual(['alive', 'alive']);
  expect(await experiment.job(2)).toMatchObject({ status: 'running', attempts: 1 });
  stage.file('gate-2', '');
  const second = await experiment.reaches(2, 'done');
  for (const job of [first, second]) {
    expect(job).toMatchObject({ attempts: 1, outcome: 'succeeded' });
    expect(job.duration_ms).toBeGreaterThanOrEqual(0);
    expect(job.duration_ms).toBeLessThan(60_000);
    expect(Date.parse(job.finished_at!), 'finished_at').toBeGreaterThanOrEqual(Date.parse(job.started_at!));
  }
  await experiment.add({ command: 'true' });
  expect(await experiment.reaches(3, 'done')).toMatchObject({ attempts: 1 });
  expect(agent.log()).not.toContain('released');
});

/** Only the store knows; nobody is told when it sweeps. */
function sweptAt(directory: string): number {
  const database = new LibsqlDatabase(`${directory}/drover.db`, { readonly: true });
  try {
    const row = database.prepare(`select value from setting where key = 'swept_at'`).get() as { value: string } | undefined;
    return Number(row?.value);
  } finally {
    database.close();
  }
}
