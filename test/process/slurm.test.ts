// Preemption, end to end: agents as tasks of a Slurm array; when one is taken away, by scancel or because its time is over, its job saves its state, goes back
// into the queue, and goes on elsewhere from there.
import { execFileSync } from 'node:child_process';
import { userInfo } from 'node:os';

import { expect, test } from 'vitest';

import { openStage, type Stage, type TestServer } from '../support/drover.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { eventually } from '../support/eventually.ts';

const SCRIPT = `
import os, signal, sys, time
from jd import jd_get_last_checkpoint, jd_update_checkpoint

stop_requests = []
signal.signal(signal.SIGTERM, lambda number, frame: stop_requests.append(number))
state = jd_get_last_checkpoint() or {"steps": 0, "tasks": []}
state["tasks"].append(os.environ["SLURM_ARRAY_TASK_ID"])
print("from", state["steps"], "in task", state["tasks"][-1], flush=True)
while not os.path.exists(os.environ["GOAL_FILE"]):
    if stop_requests:
        jd_update_checkpoint(state, max_retries=1)
        sys.exit(143)
    state["steps"] += 1
    time.sleep(0.05)
print("tasks", ",".join(state["tasks"]), flush=True)
`;

const OPEN_MS = 60_000;

interface Cluster {
  ask(program: string, ...words: string[]): string;
  /** The tasks of an array of two, each an agent with one worker; the number of the array. */
  submit(): string;
}

type Start = Readonly<Record<string, string>>;

/** The race has a Slurm of its own already. */
async function raceParts() {
  const load = (name: string): Promise<unknown> => import(new URL(`../../scripts/bench/${name}.mjs`, import.meta.url).href);
  const { openStage: openClusterStage } = (await load('stage')) as { openStage: () => { close(): Promise<void> } };
  const { startSlurm } = (await load('race/slurm')) as { startSlurm: (on: object) => Promise<{ missing?: string; env: Start; stop(): Promise<void> }> };
  return { openClusterStage, startSlurm };
}

async function openCluster(atEnd: (undo: () => Promise<void>) => void, stage: Stage, server: TestServer): Promise<Cluster | { missing: string }> {
  const { openClusterStage, startSlurm } = await raceParts();
  const own = openClusterStage();
  atEnd(() => own.close());
  const slurm = await startSlurm(own);
  if (slurm.missing !== undefined) return { missing: slurm.missing };
  atEnd(() => slurm.stop());
  const script = stage.file('work/train.py', SCRIPT);
  const env = { ...stage.env, ...slurm.env, GOAL_FILE: stage.path('goal') };
  const ask = (program: string, ...words: string[]): string =>
    execFileSync(program, words, { env: { ...env, DROVER_API_KEY: server.key }, cwd: stage.path('work'), encoding: 'utf8' });
  const agent = `exec '${process.execPath}' '${stage.agent_file}' run --url ${server.url} --experiment tune --workers 1 --script ${script} --log-dir ${stage.path('logs')}`;
  // Slurm's own processes around a task outlive its daemons.
  atEnd(async () => {
    ask('scancel', '--user', userInfo().username);
    await eventually(() => expect(ask('squeue', '--noheader')).toBe(''), { within: OPEN_MS });
  });
  return { ask, submit: () => ask('sbatch', '--parsable', '--array=0-1', '-o', `${stage.path('task')}-%a.out`, '--wrap', agent).trim() };
}

test(
  'a job whose machine Slurm takes away goes on elsewhere from where it was: cancelled, and at the end of its time',
  { timeout: 180_000 },
  async (context) => {
    const stage = openStage(context);
    const server = await stage.server();
    const experiment = await createExperiment(server, 'tune');
    const cluster = await openCluster((undo) => context.onTestFinished(undo), stage, server);
    if ('missing' in cluster) {
      process.stderr.write(`The test of preemption by Slurm is skipped: ${cluster.missing}.\n`);
      return context.skip(cluster.missing);
    }
    const array = cluster.submit();
    await eventually(async () => expect((await server.api.workers.list({ params: { experiment: 'tune' }, query: {} })).workers).toHaveLength(2), {
      within: OPEN_MS,
    });
    await experiment.add({ params: {} });
    const first = await taskOf(experiment, 1);
    cluster.ask('scancel', `${array}_${first}`);
    const second = await taskOf(experiment, 2);
    expect(second).not.toBe(first);
    // A third machine for it, before the second one's time is over.
    cluster.submit();
    cluster.ask('scontrol', 'update', `JobId=${array}_${second}`, 'EndTime=now');
    await taskOf(experiment, 3);
    stage.file('goal', '');
    await experiment.reaches(1, 'done');
    const attempts = await experiment.attempts(1);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['released', 'released', 'succeeded']);
    await eventually(async () => expect((await experiment.log(1, 'stdout', 3)).toString()).toMatch(/^from [1-9]\d* in task \d\ntasks \d,\d,\d\n$/));
    expect(await experiment.job(1)).toMatchObject({ status: 'done', attempts: 3 });
  },
);

/** In which task of its array the attempt runs, as its own output says. */
function taskOf(experiment: TestExperiment, attempt: number): Promise<string> {
  return eventually(
    async () => {
      const match = /^from (\d+) in task (\d)/.exec((await experiment.log(1, 'stdout', attempt)).toString());
      expect(match).not.toBeNull();
      // An attempt that begins anew would have lost what the one before had done.
      if (attempt > 1) expect(Number(match![1])).toBeGreaterThan(0);
      return match![2]!;
    },
    { within: OPEN_MS },
  );
}
