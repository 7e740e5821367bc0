// Where workers of `jd_worker_cli` run that nobody made ready for them: as the first process of a container, and many on one machine.
import { spawnSync } from 'node:child_process';

import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { createExperiment } from '../support/experiment.ts';
import { JD_WORKER_CLI, openJd } from '../support/jd.ts';
import { isAlive } from '../support/program.ts';

const NAMESPACE = ['-pf', '--mount-proc'] as const;
const reason = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0 ? null : 'this user may not make a pid namespace';
if (reason !== null) process.stderr.write(`The test of workers in a container is skipped: ${reason}.\n`);

test.skipIf(reason !== null)('in a container without init: as its first process, and behind a shell that is', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune', { grace_seconds: 1 });
  // It leaves an orphan behind, which the first process inherits.
  stage.file('work/train.py', 'import os, subprocess\nprint("in", os.getpid() < 1000)\nsubprocess.Popen(["sh", "-c", "sleep 0.3 &"])\n');
  const inside = async (words: readonly string[]) => {
    const program = stage.start(['unshare', ...NAMESPACE, ...words], { JD_SERVER: server.url, JD_EXP_ID: 'digits-tune', JD_ENTRY_SCRIPT: 'train.py' });
    const { code } = await program.exited;
    return { code, output: program.output() };
  };
  await experiment.add({ times: 2 });
  const first = await inside([process.execPath, JD_WORKER_CLI, 'foreground=true', 'once=true']);
  expect(first.output).toMatch(/agent runs .* pid=1 /);
  expect(first.output).toMatch(/job ended .* outcome=succeeded exit_code=0/);
  expect(first.code).toBe(0);
  // In the background, with a shell that waits for nobody but its own.
  const jd = `'${process.execPath}' '${JD_WORKER_CLI}'`;
  const wait = `while [ ! -e '${stage.path('ended')}' ]; do sleep 0.1; done`;
  const behind = inside(['sh', '-c', `${jd} num_workers=1 && ${jd} worker-list && ${wait} && ${jd} stop all`]);
  const jobs = await experiment.ends({ within: 60_000 });
  expect(jobs.map(({ status, attempts }) => [status, attempts])).toEqual(Array(2).fill(['done', 1]));
  stage.file('ended', '');
  const { code, output } = await behind;
  expect(output).toMatch(/_0 +\d+ +(?:busy|idle) [^]*Stopped \S+_0\./);
  expect(code).toBe(0);
});

test('two hundred workers are one process, with all their jobs done once', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune');
  stage.file('work/train.py', 'print("ran")\n');
  const jd = openJd(stage, server.url);
  await jd.ok('expId=digits-tune entry_script=train.py num_workers=200');
  const workers = await jd.json<{ worker_id: string; pid: number; status: string }[]>('expId=digits-tune worker-list');
  expect(new Set(workers.map(({ pid, status }) => `${pid} ${status}`))).toEqual(new Set([`${workers[0]!.pid} idle`]));
  expect(workers.map(({ worker_id }) => worker_id)).toEqual(Array.from({ length: 200 }, (_, slot) => `${jd.instance()}_${slot}`));
  await experiment.add({ times: 200 });
  const ended = await experiment.ends({ within: 100_000 });
  expect(new Set(ended.map(({ status }) => status))).toEqual(new Set(['done']));
  // On a busy machine, one that waited for its turn behind another is given back unbegun.
  for (const { number, attempts } of ended.filter(({ attempts: tries }) => tries > 1)) {
    const before = (await experiment.attempts(number)).slice(0, -1).map(({ outcome, started_at }) => `${outcome} ${started_at}`);
    expect(before).toEqual(Array.from({ length: attempts - 1 }, () => 'released null'));
  }
  await jd.ok('expId=digits-tune stop all');
  expect(isAlive(workers[0]!.pid)).toBe(false);
});
