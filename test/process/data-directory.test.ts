// The data directory is not what it was: restored from yesterday, half gone, or wholly new. Jobs that run are never the ones who pay.
import { cpSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

import { openStage, type Stage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, openExperiment, type TestExperiment } from '../support/experiment.ts';
import { isAlive } from '../support/program.ts';

const GATED = 'echo "begun {n}"; echo $$ >"$STAGE/pid-{n}"; while [ ! -e "$STAGE/gate-{n}" ]; do sleep 0.02; done; echo "over {n}"; echo {n} >>"$STAGE/ran"';

function pidOf(stage: Stage, n: number): number {
  return Number(stage.read(`pid-${n}`));
}

async function begins(experiment: TestExperiment, n: number): Promise<void> {
  await eventually(async () => expect((await experiment.log(n)).toString()).toBe(`begun ${n}\n`));
}

function replaceData(server: TestServer, source: string): void {
  rmSync(server.data_dir, { recursive: true });
  cpSync(source, server.data_dir, { recursive: true });
}

test("restored from yesterday's backup: what runs is taken into the record, what ended is delivered, nothing is killed, no id is given twice", async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'restored');
  const agent = await stage.agent({ experiments: ['restored'], url: server.url, key: server.key, workers: 3, env: { STAGE: stage.directory } });
  await server.api.experiments.change({ params: { experiment: 'restored' }, body: { held: true } });
  for (const n of [1, 2, 3]) await experiment.add({ command: GATED, params: { n } });
  await server.stop();
  cpSync(server.data_dir, stage.path('backup'), { recursive: true });
  await server.start();
  await server.api.experiments.change({ params: { experiment: 'restored' }, body: { held: false } });
  for (const n of [1, 2]) await begins(experiment, n);
  // Made, and begun, after the backup: the restored server has never heard of it.
  stage.file('gate-3', '');
  await experiment.reaches(3, 'done');
  await experiment.add({ command: GATED, params: { n: 4 } });
  await begins(experiment, 4);
  const newest = (await experiment.job(4)).id;
  await server.stop();
  stage.file('gate-2', '');
  await eventually(() => expect(agent.log()).toMatch(/job ended +job=restored\/2/));
  replaceData(server, stage.path('backup'));
  await server.start();
  expect(await experiment.reaches(1, 'running')).toMatchObject({ attempts: 1 });
  expect(await experiment.reaches(2, 'done')).toMatchObject({ attempts: 1, outcome: 'succeeded' });
  for (const n of [1, 4]) expect(isAlive(pidOf(stage, n)), `job ${n}`).toBe(true);
  stage.file('gate-1', '');
  expect(await experiment.reaches(1, 'done')).toMatchObject({ attempts: 1, outcome: 'succeeded' });
  for (const n of [1, 2]) await eventually(async () => expect((await experiment.log(n)).toString()).toBe(`begun ${n}\nover ${n}\n`));
  await server.api.experiments.change({ params: { experiment: 'restored' }, body: { held: false } });
  const created = await experiment.add({ command: 'true' });
  expect((await experiment.job(created)).id).toBeGreaterThan(newest);
  stage.file('gate-4', '');
  await experiment.ends();
  await eventually(() =>
    expect(
      stage
        .read('ran')
        .trim()
        .split('\n')
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(expect.arrayContaining([1, 2, 3, 4])),
  );
  for (const n of [1, 2])
    expect(
      stage
        .read('ran')
        .split('\n')
        .filter((line) => Number(line) === n),
    ).toHaveLength(1);
  await experiment.recount();
});

test('only the database file is gone: the server does not start as if it were new, and says what to do', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  await createExperiment(server, 'gone');
  await server.stop();
  cpSync(server.data_dir, stage.path('backup'), { recursive: true });
  for (const name of ['drover.db', 'drover.db-wal', 'drover.db-shm']) rmSync(`${server.data_dir}/${name}`, { force: true });
  const { code, output } = await stage.drover(['server', '--port', '0', '--data-dir', server.data_dir]);
  expect(code).not.toBe(0);
  expect(output).toContain('drover.db is missing');
  expect(output).not.toContain(' at ');
  replaceData(server, stage.path('backup'));
  rmSync(`${server.data_dir}/server.key`);
  const keyless = await stage.drover(['server', '--port', '0', '--data-dir', server.data_dir]);
  expect(keyless.code).not.toBe(0);
  expect(keyless.output).toContain('server.key is missing');
  replaceData(server, stage.path('backup'));
  await server.start();
  expect((await openExperiment(server, 'gone').all()).length).toBe(0);
});

test('wholly new while agents run jobs: the jobs go on, and the agent says clearly that this is another store', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'emptied');
  const agent = await stage.agent({ experiments: ['emptied'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  for (const n of [1, 2]) await experiment.add({ command: GATED, params: { n } });
  for (const n of [1, 2]) await begins(experiment, n);
  await server.kill9();
  cpSync(server.data_dir, stage.path('kept'), { recursive: true });
  rmSync(server.data_dir, { recursive: true });
  await server.start();
  await eventually(() => expect(agent.log()).toMatch(/does not belong to the store \S+ of this server: .*another data directory/), { within: 10_000 });
  for (const n of [1, 2]) expect(isAlive(pidOf(stage, n))).toBe(true);
  // The mistake is noticed: the old directory comes back, and everything with it.
  stage.file('gate-1', '');
  await eventually(() => expect(agent.log()).toMatch(/job ended +job=emptied\/1/));
  await server.stop();
  replaceData(server, stage.path('kept'));
  await server.start();
  await agent.kill9();
  await agent.start();
  stage.file('gate-2', '');
  const jobs = await openExperiment(server, 'emptied').ends();
  expect(jobs.map(({ status, attempts }) => [status, attempts])).toEqual([
    ['done', 1],
    ['done', 1],
  ]);
  expect(stage.read('ran').trim().split('\n').sort()).toEqual(['1', '2']);
});

test('an agent that was started anew on the wrong store finds back to the right one with its jobs', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'wandering');
  const agent = await stage.agent({ experiments: ['wandering'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  const rightKey = server.key;
  await experiment.add({ command: GATED, params: { n: 1 } });
  await begins(experiment, 1);
  await server.stop();
  cpSync(server.data_dir, stage.path('kept'), { recursive: true });
  rmSync(server.data_dir, { recursive: true });
  await server.start();
  await createExperiment(server, 'wandering');
  await agent.kill9();
  await agent.start(server.key);
  const elsewhere = openExperiment(server, 'wandering');
  await elsewhere.add({ command: 'true' });
  await elsewhere.reaches(1, 'done');
  expect(isAlive(pidOf(stage, 1))).toBe(true);
  await server.stop();
  replaceData(server, stage.path('kept'));
  await server.start();
  await agent.kill9();
  await agent.start(rightKey);
  stage.file('gate-1', '');
  const [job] = await openExperiment(server, 'wandering').ends();
  expect(job).toMatchObject({ status: 'done', attempts: 1 });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('begun 1\nover 1\n'));
  expect(stage.read('ran')).toBe('1\n');
});

test('a data directory on a network file system is refused, and taken with --force', async (context) => {
  const stage = openStage(context);
  const env = { NODE_OPTIONS: `--require ${resolve(import.meta.dirname, '../support/network-disk.cjs')}` };
  const data = stage.path('data-on-nfs');
  for (const verb of ['server', 'up']) {
    const { code, output } = await stage.drover([verb, '--port', '0', '--data-dir', data], env);
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(/on a network file system.*--force/) as string });
  }
  const server = await stage.server({ data_dir: data, args: ['--force'], env });
  expect((await server.api.server.status({})).experiments).toEqual([]);
});
