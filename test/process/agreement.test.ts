// Agent and server lose sight of one another: a reply that never arrives, two processes with one identity.
// Whatever happens, a job that was handed out is neither forgotten nor recorded twice.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import type { SyncReplyShape } from '../../src/contract/index.ts';
import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { startProxy, type Exchange } from '../support/proxy.ts';

const RUN_ONCE = 'echo {n} >>"$STAGE/ran"';

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function isSync(exchange: Exchange): boolean {
  return exchange.path === '/api/v1/agent/sync' && exchange.status === 200;
}

function replyOf(exchange: Exchange): SyncReplyShape {
  return JSON.parse(exchange.reply.toString()) as SyncReplyShape;
}

/** The events tell each end once, whatever was sent how often. */
async function endsInHistory(server: { api: Parameters<typeof createExperiment>[0]['api'] }, experiment: TestExperiment, number: number): Promise<number> {
  const { events } = await server.api.server.history({ params: { experiment: experiment.name }, query: { number, limit: 1_000 } });
  return events.filter(({ kind }) => kind === 'jobs_finished').length;
}

test('a reply lost after it assigned a job, and one after it settled an end: the same lease is offered again and runs once', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'lost-reply');
  const proxy = await startProxy(server.url);
  stage.atEnd(proxy.close);
  const assigned = proxy.loseReply((exchange) => isSync(exchange) && replyOf(exchange).leases.length > 0);
  const settled = proxy.loseReply((exchange) => isSync(exchange) && replyOf(exchange).settled.length > 0);
  await stage.agent({ experiments: ['lost-reply'], url: proxy.url, key: server.key, env: { STAGE: stage.directory } });
  for (const n of numbers(6)) await experiment.add({ command: RUN_ONCE, params: { n } });
  const lost = replyOf(await assigned).leases[0]!;
  const repeated = replyOf(await settled).settled[0]!;
  const jobs = await experiment.ends();
  expect(jobs.map(({ status, attempts }) => [status, attempts])).toEqual(numbers(6).map(() => ['done', 1]));
  expect(
    stage
      .read('ran')
      .trim()
      .split('\n')
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(numbers(6));
  const offers = proxy.exchanges.filter(isSync).flatMap((exchange) => replyOf(exchange).leases);
  expect(offers.filter(({ job_id }) => job_id === lost.job_id).map(({ attempt, token }) => [attempt, token])).toEqual([
    [1, lost.token],
    [1, lost.token],
  ]);
  const answers = proxy.exchanges.filter(isSync).flatMap((exchange) => replyOf(exchange).settled);
  expect(answers.filter(({ job_id }) => job_id === repeated.job_id).map(({ result }) => result)).toEqual(['recorded', 'repeated']);
  for (const n of numbers(6)) expect(await endsInHistory(server, experiment, n)).toBe(1);
});

test('every second reply of any kind is lost: all jobs end once, with whole logs', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'bad-line');
  const proxy = await startProxy(server.url);
  stage.atEnd(proxy.close);
  await stage.agent({ experiments: ['bad-line'], url: proxy.url, key: server.key, env: { STAGE: stage.directory } });
  let turn = 0;
  let losses = 0;
  const lose = (): void =>
    void proxy
      .loseReply(({ path }) => path.startsWith('/api/v1/agent/') && (turn += 1) % 2 === 0)
      .then(() => {
        losses += 1;
        lose();
      });
  lose();
  for (const n of numbers(12)) await experiment.add({ command: `${RUN_ONCE}; seq {n} 2000; echo error {n} >&2`, params: { n } });
  const jobs = await experiment.ends({ within: 60_000 });
  expect(losses).toBeGreaterThan(5);
  expect(jobs.map(({ status, attempts }) => [status, attempts])).toEqual(numbers(12).map(() => ['done', 1]));
  expect(
    stage
      .read('ran')
      .trim()
      .split('\n')
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(numbers(12));
  for (const n of numbers(12)) {
    const lines = Array.from({ length: 2001 - n }, (_, index) => `${n + index}\n`).join('');
    await eventually(async () => expect((await experiment.log(n)).toString()).toBe(lines));
    await eventually(async () => expect((await experiment.log(n, 'stderr')).toString()).toBe(`error ${n}\n`));
    expect(await endsInHistory(server, experiment, n)).toBe(1);
  }
});

test('two agents with one identity: the older one is told, takes nothing more and leaves; every job is recorded once', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'twins');
  const env = { STAGE: stage.directory };
  const older = await stage.agent({ experiments: ['twins'], url: server.url, key: server.key, env });
  await experiment.add({ command: 'echo begun; while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done; echo over' });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('begun\n'));
  // As after a copy of a home directory to another machine: no process holds the copy, and the work is done elsewhere.
  const [name] = readdirSync(stage.path('cache/.cache/twins')).filter((file) => file.endsWith('.json'));
  const record = JSON.parse(readFileSync(stage.path('cache/.cache/twins', name!), 'utf8')) as { launch: object };
  const copy = stage.file(`copy/${name}`, '');
  writeFileSync(copy, JSON.stringify({ ...record, process: null, launch: { ...record.launch, data: stage.path('other/jd_data') } }));
  const younger = stage.start([process.execPath, stage.agent_file, 'run', '--registry', copy], env);
  await eventually(() => expect(older.log()).toContain('another process has taken over this agent'));
  for (const n of numbers(6)) await experiment.add({ command: RUN_ONCE, params: { n } });
  stage.file('gate', '');
  expect(await older.exited).toMatchObject({ code: 3 });
  const jobs = await experiment.ends({ within: 60_000 });
  expect(jobs.filter(({ status }) => status !== 'done')).toEqual([]);
  expect(jobs.slice(1).map(({ attempts }) => attempts)).toEqual(numbers(6).map(() => 1));
  for (const { number } of jobs) expect(await endsInHistory(server, experiment, number)).toBe(1);
  expect(
    stage
      .read('ran')
      .trim()
      .split('\n')
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(numbers(6));
  await experiment.recount();
  expect(younger.hasExited()).toBe(false);
});
