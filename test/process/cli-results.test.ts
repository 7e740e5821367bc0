// What the command line does with jobs, experiments and agents that are there: on the built program, a real server and a real agent.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';

import { openStage, type Stage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

const TRAIN = `python3 -c '
import jd
for step in range(3):
    jd.jd_log_metric("loss", 1 / (step + 1), step=step)
open("out-{n}.bin", "wb").write(bytes(range(256)) * {n})
jd.jd_upload("out-{n}.bin")
jd.jd_update_checkpoint([{n}])
'`;

async function commandLine(stage: Stage, server: TestServer) {
  const env = { DROVER_URL: server.url, DROVER_API_KEY: server.key };
  const drover = (...words: string[]) => stage.drover(words, env);
  const json = async <Shape>(...words: string[]): Promise<Shape> => JSON.parse((await drover('--json', ...words)).stdout.toString()) as Shape;
  return { drover, json };
}

test('files, checkpoints and metrics of jobs come back as they went', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const { drover, json } = await commandLine(stage, server);
  const experiment = await createExperiment(server, 'results');
  await stage.agent({ experiments: ['results'], url: server.url, key: server.key });
  for (const n of [1, 2]) await experiment.add({ command: TRAIN, params: { n } });
  const jobs = await experiment.ends();
  expect(jobs.map(({ status, message }) => [status, message])).toEqual([1, 2].map(() => ['done', null]));

  const metrics = await eventually(async () => {
    const all = await json<{ number: number; name: string; points: number; last: number }[]>('job', 'metrics', 'results/1-2');
    expect(all.map(({ number, name, points }) => [number, name, points])).toEqual([1, 2].map((number) => [number, 'loss', 3]));
    return all;
  });
  expect(metrics[0]!.last).toBeCloseTo(1 / 3);
  const points = await json<{ attempt: number; step: number; value: number }[]>('job', 'metrics', 'results/2', '--points', 'loss');
  expect(points.map(({ attempt, step, value }) => [attempt, step, value])).toEqual([0, 1, 2].map((step) => [1, step, 1 / (step + 1)]));

  const expected = (n: number): Buffer => Buffer.concat(Array.from({ length: n }, () => Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))));
  const files = await eventually(async () => {
    const all = await json<{ number: number; name: string; size_bytes: number; sha256: string }[]>('job', 'files', 'results/1-2');
    expect(all).toHaveLength(2);
    return all;
  });
  expect(files.map(({ number, name, sha256 }) => [number, name, sha256])).toEqual(
    [1, 2].map((n) => [n, `out-${n}.bin`, createHash('sha256').update(expected(n)).digest('hex')]),
  );
  expect((await drover('job', 'file', 'results/2', 'out-2.bin')).stdout).toEqual(expected(2));
  expect((await drover('job', 'files', 'results/1-2', '--download', stage.path('brought'))).code).toBe(0);
  for (const n of [1, 2]) expect(stage.bytes(`brought/results/${n}/out-${n}.bin`)).toEqual(expected(n));
  const [state] = await json<{ sha256: string; kind: string }[]>('job', 'files', 'results/2', '--checkpoints');
  const bytes = (await drover('job', 'file', 'results/2', '--checkpoint')).stdout;
  expect([state!.kind, createHash('sha256').update(bytes).digest('hex')]).toEqual(['checkpoint', state!.sha256]);
  expect(await drover('job', 'file', 'results/1', 'out-2.bin')).toMatchObject({ code: 4 });
  expect(await drover('job', 'files', 'results/9')).toMatchObject({ code: 4 });
});

test('pending jobs and the experiment are changed; what has ended stays, and is no obstacle to cancelling the rest', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const { drover, json } = await commandLine(stage, server);
  const experiment = await createExperiment(server, 'changing');
  expect((await drover('experiment', 'set', 'changing', 'max_attempts=2', 'timeout_seconds=2h', 'held=true', 'description=first = second')).code).toBe(0);
  expect(await json('experiment', 'show', 'changing')).toMatchObject({
    description: 'first = second',
    held_at: expect.any(String) as string,
    settings: { max_attempts: 2, timeout_seconds: 7200, grace_seconds: 30 },
  });
  expect((await drover('experiment', 'set', 'changing', 'crash_limit=0')).code).toBe(3);

  await experiment.add({ command: 'echo {n} {word}', params: { n: 1, word: 'a' }, times: 4 });
  expect((await drover('job', 'edit', 'changing/2', 'n=2', '--tag', 'mine', '--timeout', '90s')).output).toContain('n=2 word=a');
  expect(await experiment.job(2)).toMatchObject({ params: { n: 2, word: 'a' }, tags: ['mine'], timeout_seconds: 90, revision: 2 });
  const refused = await drover('job', 'edit', 'changing/2', '--unset', 'word');
  expect(refused).toMatchObject({ code: 3, output: expect.stringContaining('{word}') as string });
  expect((await drover('job', 'edit', 'changing/2', '--unset', 'word', '--', 'echo {n}')).code).toBe(0);
  expect((await drover('job', 'cancel', 'changing/1')).code).toBe(0);
  expect((await drover('job', 'edit', 'changing/1', 'n=3')).code).toBe(3);

  expect((await drover('job', 'hold', 'changing/3')).code).toBe(0);
  expect((await experiment.job(3)).held_at).not.toBeNull();
  expect((await drover('job', 'unhold', 'changing/3')).code).toBe(0);
  expect(await drover('job', 'cancel', 'changing/1-2', '--yes')).toMatchObject({
    code: 0,
    output: 'Cancelled 1 job: changing/2; 1 had already ended\n',
  });
  expect((await drover('job', 'cancel', '-e', 'changing', '--all', '--yes')).code).toBe(0);
  expect(await drover('job', 'cancel', '-e', 'changing', '--all', '--yes')).toMatchObject({
    code: 0,
    output: expect.stringContaining('4 had already ended') as string,
  });
  expect((await drover('job', 'cancel', 'changing/4')).code).toBe(3);
});

test('an agent that is revoked says so and ends with its job; a fresh one with a wrong key fails at once', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const { drover } = await commandLine(stage, server);
  const experiment = await createExperiment(server, 'revoking');
  const agent = await stage.agent({ experiments: ['revoking'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await experiment.add({ command: 'echo begun; while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done' });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('begun\n'));
  const { worker_id: worker } = (await server.api.workers.list({ params: { experiment: 'revoking' } })).workers[0]!;
  expect(await drover('worker', 'revoke', worker)).toMatchObject({ code: 2, output: expect.stringContaining('--yes') as string });
  expect(await drover('worker', 'revoke', worker, '--yes')).toMatchObject({ code: 0, output: expect.stringContaining('It held 1 job') as string });
  await eventually(() => expect(agent.log()).toContain('this agent was revoked'));
  expect((await server.api.workers.list({ params: { experiment: 'revoking' } })).workers).toEqual([]);
  stage.file('gate', '');
  expect((await agent.exited).code).toBe(3);
  // Nobody could tell how it ended; until the lease has run out, somebody who is trusted still can.
  expect((await experiment.job(1)).status).toBe('running');
  await stage.agent({ experiments: ['revoking'], url: server.url, key: server.key });
  expect(await experiment.reaches(1, 'done')).toMatchObject({ attempts: 1, outcome: 'succeeded' });

  const wrong = { DROVER_URL: server.url, DROVER_API_KEY: 'jd_wrong', DROVER_CACHE: stage.path('other-cache') };
  const fresh = await stage.drover(['worker', 'start', '--experiment', 'revoking'], wrong);
  expect(fresh.code).toBe(3);
  expect(fresh.output).toMatch(/does not accept this API key.*DROVER_API_KEY.*drover key create/);
  expect((await stage.drover(['worker', 'ls', '--local', '--json'], wrong)).stdout.toString()).toBe('[]\n');
});
