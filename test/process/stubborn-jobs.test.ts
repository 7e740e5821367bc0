// Jobs that do not behave: deaf to SIGTERM, flooding, leaving children behind, not startable. Each is its own trouble and nobody else's.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type TestContext } from 'vitest';

import { openStage, type Stage, type TestAgent, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { isAlive, memoryBytes } from '../support/program.ts';

interface Scene {
  readonly stage: Stage;
  readonly server: TestServer;
  readonly agent: TestAgent;
  readonly experiment: TestExperiment;
}

async function openScene(context: TestContext): Promise<Scene> {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'stubborn');
  const agent = await stage.agent({ experiments: ['stubborn'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  return { stage, server, agent, experiment };
}

const DEAF = `trap 'echo "not now"' TERM
echo $$ >"$STAGE/pid-$1"
echo ready
while :; do sleep 0.05; done
`;

test('deaf to SIGTERM: a timeout and a cancel kill it after its grace, a forced cancel does not wait for anybody', async (context) => {
  const { stage, server, agent, experiment } = await openScene(context);
  const command = `exec sh ${stage.file('deaf.sh', DEAF)} {n}`;
  const pid = (n: number): number => Number(stage.read(`pid-${n}`));
  const ready = (n: number) => eventually(async () => expect((await experiment.log(n)).toString()).toBe('ready\n'));

  await experiment.add({ command, params: { n: 1 }, timeout_seconds: 0.6, grace_seconds: 0.4 });
  const timedOut = await experiment.reaches(1, 'aborted');
  expect(timedOut).toMatchObject({ outcome: 'timed_out', signal: 'SIGKILL', attempts: 1 });
  expect(timedOut.message).toContain('0.6 s');
  expect(timedOut.duration_ms).toBeGreaterThanOrEqual(1_000);
  expect(timedOut.duration_ms).toBeLessThan(3_000);
  // The shim may be seen to end before what it ran: both are killed at once, but die one after the other.
  await eventually(() => expect(isAlive(pid(1))).toBe(false));
  await eventually(async () => expect((await experiment.log(1)).toString()).toMatch(/^ready\n(not now\n)+$/));

  await experiment.add({ command, params: { n: 2 }, grace_seconds: 0.4 });
  await ready(2);
  const asked = await server.api.jobs.cancel({ params: { experiment: 'stubborn', number: 2 }, body: {} });
  expect(asked).toMatchObject({ status: 'running', cancel_requested_at: expect.any(String) as string });
  expect(await experiment.reaches(2, 'aborted')).toMatchObject({ outcome: 'cancelled', signal: 'SIGKILL' });
  await eventually(() => expect(isAlive(pid(2))).toBe(false));

  await experiment.add({ command, params: { n: 3 }, grace_seconds: 0.2 });
  await ready(3);
  agent.signal('SIGSTOP');
  const forced = await server.api.jobs.cancel({ params: { experiment: 'stubborn', number: 3 }, body: { force: true } });
  expect(forced).toMatchObject({ status: 'aborted', outcome: 'cancelled' });
  expect(isAlive(pid(3))).toBe(true);
  agent.signal('SIGCONT');
  // Long before the agent would ask again by itself.
  await eventually(() => expect(isAlive(pid(3))).toBe(false), { within: 6_000 });
  await agentIsWell(experiment);
  expect(await experiment.job(3)).toMatchObject({ status: 'aborted', outcome: 'cancelled', attempts: 1 });
});

/** The proof that the worst is over: the same agent takes and ends an ordinary job. */
async function agentIsWell(experiment: TestExperiment): Promise<void> {
  const number = await experiment.add({ command: 'echo well' });
  expect(await experiment.reaches(number, 'done')).toMatchObject({ attempts: 1, exit_code: 0 });
}

test('a cancel that the job heeds is a cancel too, whatever exit code it chooses', async (context) => {
  const { experiment, server } = await openScene(context);
  await experiment.add({ command: `trap 'echo leaving; exit 0' TERM; echo ready; while :; do sleep 0.05; done` });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('ready\n'));
  await server.api.jobs.cancel({ params: { experiment: 'stubborn', number: 1 }, body: {} });
  expect(await experiment.reaches(1, 'aborted')).toMatchObject({ outcome: 'cancelled' });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('ready\nleaving\n'));
});

test('leaving children behind, in its own group and holding its output: they are gone when the job has ended', async (context) => {
  const { stage, experiment } = await openScene(context);
  const command = `(trap '' TERM HUP; sleep 1000) & sleep 1000 & echo $! >"$STAGE/child"; (sh -c 'sleep 1000 & echo $! >"$STAGE/grandchild"') ; echo over`;
  await experiment.add({ command });
  expect(await experiment.reaches(1, 'done')).toMatchObject({ outcome: 'succeeded', attempts: 1 });
  for (const name of ['child', 'grandchild']) {
    const pid = Number(stage.read(name));
    expect(pid).toBeGreaterThan(1);
    await eventually(() => expect(isAlive(pid), name).toBe(false));
  }
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('over\n'));
});

test('a command that cannot start fails alone, says why, and the next job runs', async (context) => {
  const { stage, experiment } = await openScene(context);
  await experiment.add({ command: '/no/such/program --flag' });
  await experiment.add({ command: stage.file('no-program', 'text') });
  await experiment.add({ command: 'if then fi (' });
  const [missing, notExecutable, nonsense] = await experiment.ends();
  expect(missing).toMatchObject({ status: 'aborted', outcome: 'failed', exit_code: 127, attempts: 1 });
  expect(missing!.message).toContain('not found');
  expect(notExecutable).toMatchObject({ status: 'aborted', outcome: 'failed', exit_code: 126, attempts: 1 });
  expect(nonsense).toMatchObject({ status: 'aborted', outcome: 'failed', attempts: 1 });
  await eventually(async () => expect((await experiment.log(1, 'stderr')).toString()).toContain('/no/such/program'));
  await agentIsWell(experiment);
});

/** Lines of 100 bytes that tell their own offset, as fast as they can be written. */
const FLOOD = `
import sys
out, total = sys.stdout.buffer, int(sys.argv[1]) * 1000000
for start in range(0, total, 1000000):
    out.write(b"".join(b"%099d\\n" % offset for offset in range(start, start + 1000000, 100)))
`;

const MB = 1_000_000;
const FLOOD_MB = Number(process.env['DROVER_TEST_FLOOD_MB'] ?? 130);
const HEAD = 10 * MB;
const TAIL = 90 * MB;
const MOST_MEMORY = 400 * MB;

test(`flooding its output with ${FLOOD_MB} MB: not slowed, memory and record bounded, first and last parts kept, the hole told`, async (context) => {
  const { stage, server, agent, experiment } = await openScene(context);
  await experiment.add({ command: `python3 ${stage.file('flood.py', FLOOD)} ${FLOOD_MB}` });
  const job = await experiment.reaches(1, 'done', { within: 90_000 });
  expect(job.duration_ms).toBeLessThan(5_000 + FLOOD_MB * 50);
  const size = FLOOD_MB * MB;
  const path = { experiment: 'stubborn', number: 1 };
  const piece = (from: number, length: number) => server.api.results.log({ params: path, query: { from, length } });
  await eventually(
    async () => {
      const reply = await piece(0, 1);
      expect([reply.headers.get('drover-log-size'), reply.headers.get('drover-log-live')]).toEqual([String(size), 'false']);
    },
    { within: 90_000, every: 200 },
  );
  const lineAt = (offset: number): string => `${String(offset).padStart(99, '0')}\n`;
  expect(await (await piece(0, 100)).text()).toBe(lineAt(0));
  expect(await (await piece(HEAD - 100, 100)).text()).toBe(lineAt(HEAD - 100));
  expect(await (await piece(size - 100, 100)).text()).toBe(lineAt(size - 100));
  expect(await (await piece(size - TAIL + 2 * MB, 100)).text()).toBe(lineAt(size - TAIL + 2 * MB));
  const { bytes, dropped } = await experiment.logWithHoles(1);
  // What is kept is made of whole pieces, which are larger the further the server is behind.
  expect(bytes.length).toBeGreaterThanOrEqual(HEAD + TAIL - 4 * MB);
  expect(bytes.length).toBeLessThanOrEqual(HEAD + TAIL + 4 * MB);
  expect(dropped).toBe(size - bytes.length);
  expect(memoryBytes(server.pid, 'VmHWM')).toBeLessThan(MOST_MEMORY);
  expect(memoryBytes(agent.pid, 'VmHWM')).toBeLessThan(MOST_MEMORY);
  await eventually(() => expect(bytesBelow(server.data_dir)).toBeLessThan(HEAD + TAIL + 100 * MB), { within: 30_000, every: 200 });
  await agentIsWell(experiment);
}, 240_000);

function bytesBelow(directory: string): number {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0), 0);
}
