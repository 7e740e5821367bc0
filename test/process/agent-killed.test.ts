// The agent dies or is told to end in the middle of a job. The job outlives it, and whoever comes next on that machine takes over.
import { expect, test } from 'vitest';

import { openStage, type Stage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { groupOf, isAlive, kill } from '../support/program.ts';

/** Writes every line twice, to its log and to a file of its own, until the gate opens; binary bytes too. */
const WRITER = `
import os, sys, time
stage, name = os.environ["STAGE"], sys.argv[1]
own = open(stage + "/own-" + name, "wb")
with open(stage + "/pid-" + name, "w") as pid:
    pid.write(str(os.getpid()))
line = 0
while not os.path.exists(stage + "/gate"):
    text = b"%d \\xff\\x00\\xe2\\x82 %s\\n" % (line, b"x" * (line * 37 % 500))
    own.write(text)
    own.flush()
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
    line += 1
    time.sleep(0.002)
`;

interface Started {
  readonly pid: number;
  readonly worker_ids: string[];
}

/** As people start it: in the background. */
async function startWorker(stage: Stage, experiment: string, url: string): Promise<Started> {
  const words = ['worker', 'start', '--experiment', experiment, '--workers', '2', '--url', url, '--json'];
  const { code, stdout, output } = await stage.drover(words, { STAGE: stage.directory });
  expect(code, output).toBe(0);
  return (JSON.parse(stdout.toString()) as Started[])[0]!;
}

async function kill9(pid: number): Promise<void> {
  kill(pid, 'SIGKILL');
  await eventually(() => expect(isAlive(pid)).toBe(false));
}

test('killed with -9, again and again, in the middle of a job: it ends done once, and its log is complete byte for byte', async (context) => {
  const stage = openStage(context);
  const script = stage.file('writer.py', WRITER);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'survive');
  const first = await startWorker(stage, 'survive', server.url);
  await experiment.add({ command: `python3 ${script} {name}`, params: { name: 'seen' } });
  await experiment.add({ command: `python3 ${script} {name}`, params: { name: 'unseen' } });
  let agent = first;
  for (let round = 1; round <= 3; round += 1) {
    const before = (await experiment.log(1)).length;
    await eventually(async () => expect((await experiment.log(1)).length).toBeGreaterThan(before + 10_000));
    await kill9(agent.pid);
    // The second job ends while nobody looks.
    if (round === 3) {
      kill(Number(stage.read('pid-unseen')), 'SIGTERM');
      await eventually(() => expect(isAlive(Number(stage.read('pid-unseen')))).toBe(false));
    }
    agent = await startWorker(stage, 'survive', server.url);
    expect(agent.worker_ids).toEqual(first.worker_ids);
  }
  stage.file('gate', '');
  const [seen, unseen] = await experiment.ends();
  expect(seen).toMatchObject({ status: 'done', attempts: 1, outcome: 'succeeded', exit_code: 0, worker_id: first.worker_ids[0] });
  expect(unseen).toMatchObject({ status: 'aborted', attempts: 1, outcome: 'failed', signal: 'SIGTERM', worker_id: first.worker_ids[1] });
  await eventually(async () => {
    expect((await experiment.log(1)).equals(stage.bytes('own-seen'))).toBe(true);
    expect((await experiment.log(2)).equals(stage.bytes('own-unseen'))).toBe(true);
  });
  expect((await experiment.attempts(1)).map(({ outcome }) => outcome)).toEqual(['succeeded']);
});

test('the machine loses agent and job together: the attempt is lost, the job runs again, nothing is recorded twice', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'crash');
  const script = stage.file('job.sh', 'echo $$ >"$STAGE/pid"; echo "attempt $JD_ATTEMPT"; while [ ! -e "$STAGE/gate" ]; do sleep 0.05; done');
  const env = { STAGE: stage.directory };
  const agent = await stage.agent({ experiments: ['crash'], url: server.url, key: server.key, env });
  await experiment.add({ command: `sh ${script}` });
  await eventually(async () => expect((await experiment.log(1)).toString()).toBe('attempt 1\n'));
  const group = groupOf(Number(stage.read('pid')));
  await agent.kill9();
  // Shim and job, as a power cut would.
  kill(-group!, 'SIGKILL');
  await eventually(() => expect(isAlive(Number(stage.read('pid')))).toBe(false));
  await agent.start();
  stage.file('gate', '');
  const [job] = await experiment.ends();
  expect(job).toMatchObject({ status: 'done', attempts: 2 });
  expect((await experiment.attempts(1)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual(
    expect.arrayContaining([
      [1, 'lost'],
      [2, 'succeeded'],
    ]),
  );
  await eventually(async () => expect((await experiment.log(1, 'stdout', 2)).toString()).toBe('attempt 2\n'));
  expect((await experiment.log(1, 'stdout', 1)).toString()).toBe('attempt 1\n');
});

const RESUMABLE = `
import os, signal, sys, time, jd
stage = os.environ["STAGE"]
state = jd.jd_get_last_checkpoint() or {"step": 0, "starts": []}
state["starts"].append(state["step"])
def leave(*_):
    print("told to end at", state["step"], flush=True)
    jd.jd_update_checkpoint(state, max_retries=1)
    sys.exit(3)
signal.signal(signal.SIGTERM, leave)
print("from", state["step"], flush=True)
while state["step"] < 1000 and not os.path.exists(stage + "/gate"):
    state["step"] += 1
    time.sleep(0.01)
print("starts", len(state["starts"]), state["starts"][-1] > 0, flush=True)
`;

test('SIGTERM to `drover up`: the job gets SIGTERM and its grace, is released, and resumes at the next start', async (context) => {
  const stage = openStage(context);
  const script = stage.file('resumable.py', RESUMABLE);
  const env = { STAGE: stage.directory, DROVER_PORT: String(await stage.freePort()), DROVER_DATA_DIR: stage.path('up-data') };
  const words = [...stage.program, 'up', '--workers', '1'] as [string, ...string[]];
  const up = stage.start(words, env);
  await eventually(() => expect(up.output()).toContain('Ctrl-C'));
  expect((await stage.drover(['experiment', 'create', 'resume'], env)).code).toBe(0);
  expect((await stage.drover(['job', 'add', '-e', 'resume', '--', `python3 ${script}`], env)).code).toBe(0);
  await eventually(async () => expect((await stage.drover(['job', 'log', 'resume/1'], env)).stdout.toString()).toBe('from 0\n'));
  up.signal('SIGTERM');
  expect(await up.exited).toEqual({ code: 0, signal: null });
  stage.file('gate', '');
  const again = stage.start(words, env);
  await eventually(() => expect(again.output()).toContain('Ctrl-C'));
  expect((await stage.drover(['wait', '-e', 'resume'], env)).code).toBe(0);
  const shown = JSON.parse((await stage.drover(['job', 'show', 'resume/1', '--json'], env)).stdout.toString()) as {
    job: object;
    attempts: { outcome: string; attempt: number }[];
  };
  expect(shown.job).toMatchObject({ status: 'done', attempts: 2, exit_code: 0 });
  expect(shown.attempts.sort((a, b) => a.attempt - b.attempt).map(({ outcome }) => outcome)).toEqual(['released', 'succeeded']);
  const log = (attempt: number) => stage.drover(['job', 'log', 'resume/1', '--attempt', String(attempt)], env).then(({ stdout }) => stdout.toString());
  await eventually(async () => expect(await log(1)).toMatch(/^from 0\ntold to end at \d+\n$/));
  await eventually(async () => expect(await log(2)).toMatch(/^from [1-9]\d*\nstarts 2 True\n$/));
});

test('kill -9 of the agent of `drover up`: another one takes over, the job is not disturbed, and Ctrl-C ends both in order', async (context) => {
  const stage = openStage(context);
  const env = { STAGE: stage.directory, DROVER_PORT: String(await stage.freePort()), DROVER_DATA_DIR: stage.path('up-data') };
  const up = stage.start([...stage.program, 'up', '--workers', '1'] as [string, ...string[]], env);
  await eventually(() => expect(up.output()).toContain('Ctrl-C'));
  expect((await stage.drover(['experiment', 'create', 'night'], env)).code).toBe(0);
  const command = 'echo one; until [ -e "$STAGE/gate" ]; do sleep 0.05; done; echo two';
  expect((await stage.drover(['job', 'add', '-e', 'night', '--times', '2', '--', command], env)).code).toBe(0);
  const log = () => stage.drover(['job', 'log', 'night/1'], env).then(({ stdout }) => stdout.toString());
  await eventually(async () => expect(await log()).toBe('one\n'));
  const agents = async () => JSON.parse((await stage.drover(['worker', 'ls', '--local', '--json'], env)).stdout.toString()) as { pid: number | null }[];
  const [{ pid }] = (await agents()) as [{ pid: number }];
  await kill9(pid);
  await eventually(() => expect(up.output()).toContain('another agent takes over'));
  await eventually(async () => expect((await agents()).filter((agent) => agent.pid !== null && agent.pid !== pid)).toHaveLength(1));
  stage.file('gate', '');
  expect((await stage.drover(['wait', '-e', 'night'], env)).code).toBe(0);
  const jobs = JSON.parse((await stage.drover(['job', 'ls', '-e', 'night', '--json'], env)).stdout.toString()) as object[];
  expect(jobs).toEqual([expect.objectContaining({ attempts: 1, exit_code: 0 }), expect.objectContaining({ attempts: 1, exit_code: 0 })]);
  expect(await log()).toBe('one\ntwo\n');
  up.signal('SIGINT');
  expect(await up.exited).toEqual({ code: 0, signal: null });
  expect(up.output()).toContain('Stopped. Everything is kept');
});
