// Faults that take half a minute to be noticed or forgiven, side by side: a laptop that sleeps, machines whose disk is full.
import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { isAlive } from '../support/program.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../support/small-disk.ts';

const reason = whyNoSmallDisk();
if (reason !== null) process.stderr.write(`The tests of full disks are skipped: ${reason}.\n`);
const MB = 1_000_000;

test.concurrent('a laptop sleeps with a poll open, beyond its loss: it goes on where it was, nothing is lost, nothing runs twice', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'laptop', { lost_after_seconds: 10 });
  const agent = await stage.agent({ experiments: ['laptop'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await experiment.add({ command: 'echo $$ >"$STAGE/pid"; echo begun; while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done; echo over; echo 1 >>"$STAGE/ran"' });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('begun\n'));
  agent.signal('SIGSTOP');
  // Handed to the poll that hangs: the reply waits in the socket of a machine that sleeps.
  await experiment.add({ command: 'echo {n} >>"$STAGE/ran"', params: { n: 2 } });
  await experiment.reaches(2, 'running');
  const [held, offered] = await eventually(
    async () => {
      const jobs = await experiment.all();
      expect(jobs.map(({ status, outcome }) => [status, outcome])).toEqual([
        ['pending', 'lost'],
        ['pending', expect.stringMatching(/lost|released/)],
      ]);
      return jobs;
    },
    { within: 60_000, every: 200 },
  );
  expect([held!.attempts, offered!.attempts]).toEqual([1, 1]);
  agent.signal('SIGCONT');
  await experiment.reaches(1, 'running');
  stage.file('gate', '');
  const jobs = await experiment.ends({ within: 60_000 });
  expect(jobs.map(({ status, attempts }) => [status, attempts])).toEqual([
    ['done', 1],
    ['done', expect.any(Number)],
  ]);
  expect(stage.read('ran').trim().split('\n').sort()).toEqual(['1', '2']);
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('begun\nover\n'));
  await experiment.recount();
});

test.skipIf(reason !== null).concurrent(
  'on the machine of the jobs, from the beginning: no job is taken below the limit, and the agent takes them when there is room',
  async (context) => {
    const stage = openStage(context);
    const disk = mountSmallDisk(stage, 'work-disk', 32);
    const server = await stage.server();
    const experiment = await createExperiment(server, 'narrow');
    disk.fill(3 * MB);
    const args = ['--workspace', disk.path, '--free-space-mb', '8'];
    const agent = await stage.agent({ experiments: ['narrow'], url: server.url, key: server.key, args });
    await eventually(() => expect(agent.log()).toContain('nearly full'));
    await experiment.add({ command: 'echo runs' });
    // Another sync of the agent, after the job was there, has asked for nothing.
    const since = Date.now();
    await eventually(
      async () => {
        const { workers } = await server.api.workers.list({ params: { experiment: 'narrow' } });
        expect(Date.parse(workers[0]!.last_seen_at!)).toBeGreaterThan(since);
      },
      { within: 40_000, every: 100 },
    );
    expect(await experiment.job(1)).toMatchObject({ status: 'pending', attempts: 0 });
    disk.clear();
    expect(await experiment.reaches(1, 'done', { within: 40_000 })).toMatchObject({ attempts: 1 });
  },
  120_000,
);

test.skipIf(reason !== null).concurrent(
  'on the machine of the jobs, in the middle: the jobs of others fail or come back, the agent lives and delivers what there is',
  async (context) => {
    const stage = openStage(context);
    const disk = mountSmallDisk(stage, 'work-disk', 32);
    const server = await stage.server();
    const experiment = await createExperiment(server, 'filled');
    const env = { STAGE: stage.directory };
    const agent = await stage.agent({ experiments: ['filled'], url: server.url, key: server.key, args: ['--workspace', disk.path], env });
    await experiment.add({ command: 'echo begun; while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done; true' });
    await eventually(async () => expect((await experiment.log(1)).toString()).toBe('begun\n'));
    disk.fill();
    // Nothing can be prepared for this one: it is given back unstarted, and that does not count as its failure.
    const next = await experiment.add({ command: 'echo second' });
    await eventually(async () => expect((await experiment.attempts(next)).map(({ outcome }) => outcome)).toContain('released'));
    // This one ends all the same: its exit status has its place on the disk since its start.
    stage.file('gate', '');
    expect(await experiment.reaches(1, 'done')).toMatchObject({ attempts: 1, exit_code: 0 });
    expect(isAlive(agent.pid)).toBe(true);
    disk.clear();
    expect(await experiment.reaches(next, 'done', { within: 60_000 })).toMatchObject({ exit_code: 0 });
    await eventually(async () => expect((await experiment.log(next)).toString()).toBe('second\n'));
  },
  120_000,
);
