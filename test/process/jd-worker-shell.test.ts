// The shell of `jd_worker_cli` at a terminal, and what a terminal that closes does to workers.
import { statSync } from 'node:fs';
import { hostname } from 'node:os';

import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { openJd } from '../support/jd.ts';
import { isAlive } from '../support/program.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const UP = '\u001b[A';

test('lines with an experiment that stays, completion, history, Ctrl-C and Ctrl-D', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  await createExperiment(server, 'digits-tune');
  await createExperiment(server, 'other-tune');
  const jd = openJd(stage, server.url);
  const secret = `jd${'_'}${'k3v9aTt2fYc8'.repeat(3)}`;
  const here = 'jd[digits-tune]> ';
  // The first letter of this host's ids.
  const letter = /[a-z0-9]/.exec(hostname().toLowerCase())![0];
  const seen = await jd.typed([
    ['jd> ', 'use\r'],
    ['No experiment is set: use NAME', ''],
    ['jd> ', 'use dig\t'],
    ['use digits-tune', '\r'],
    ["Using experiment 'digits-tune'.", ''],
    [here, 'num_workers=2\r'],
    ['They go on when you log out.', ''],
    [here, 'worker-li\t'],
    ['worker-list', ';\r'],
    ['ENTRY_SCRIPT', ''],
    [here, `worker-status ${letter}\t`],
    ['_', ''],
    ['_', '0\r'],
    ['uptime', ''],
    [here, `server-info api_key=${secret}\r`],
    ['Set JD_API_KEY', ''],
    [here, 'worker-lst\r'],
    ['Did you mean worker-list?', ''],
    [here, 'half a line that is left'],
    ['half a line that is left', CTRL_C],
    [here, UP],
    ['worker-lst', CTRL_C],
    [here, `worker-logs ${letter}\t`],
    ['_', ''],
    ['_', '0 follow=true\r'],
    ['agent runs', CTRL_C],
    [here, 'use\rstop all\r'],
    ['Stopped', ''],
    [here, 'worker-list expId=other-tune\r'],
    ['No workers of other-tune', ''],
    [here, '\\h\r'],
    ['Usage: jd_worker_cli', ''],
    [here, CTRL_D],
  ]);
  expect(seen, seen).toContain('[exit 0]');
  expect(seen).toContain('jd_worker_cli 0.1.0, interactive mode\nType help for commands, exit or Ctrl-D to quit.\n');
  expect(seen).toMatch(/WORKER_ID +PID +STATUS +STARTED +ENTRY_SCRIPT/);
  const history = stage.read('cache/.cache/jd_worker_history');
  expect(statSync(stage.path('cache/.cache/jd_worker_history')).mode & 0o777).toBe(0o600);
  expect(history.split('\n')).toEqual(expect.arrayContaining(['use digits-tune', 'worker-list;', 'worker-lst', 'stop all']));
  expect(history).not.toContain(secret);
  expect(history).not.toContain('api_key');
  expect(history).not.toContain('half a line');
  // The next shell remembers.
  expect(
    await jd.typed(
      [
        ['jd[other-tune]> ', UP],
        ['\\h', CTRL_C],
        ['jd[other-tune]> ', 'exit;\r'],
      ],
      ['-i', 'expId=other-tune'],
    ),
  ).toContain('[exit 0]');
});

test('without a server what concerns this machine works; a key that is wanted is asked for, and not shown', async (lifetime) => {
  const stage = openStage(lifetime);
  const alone = openJd(stage, null);
  const seen = await alone.typed([
    ['No server answers at http://127.0.0.1:1. What concerns this machine works all the same.', ''],
    ['jd> ', 'exp-list\r'],
    ['No workers run on this machine.', 'where\r'],
    ['registry', 'use digits-tune\r'],
    ['jd[digits-tune]> ', 'server-info\r'],
    ['No server answers', 'quit\r'],
  ]);
  expect(seen, seen).toContain('[exit 0]');

  const server = await stage.server();
  await createExperiment(server, 'digits-tune');
  const stranger = { XDG_CONFIG_HOME: stage.path('nobody') };
  const jd = openJd(stage, server.url);
  const asked = await jd.typed(
    [
      // As it is shown in lists, cut short.
      ['wants an API key', `${server.key.slice(0, 8)}…\r`],
      ['No API key looks like that: it is one word of plain letters, digits and signs. Copy the whole of it.', `${server.key}\r`],
      ['jd> ', 'health\r'],
      ['API key', 'exit\r'],
    ],
    [],
    stranger,
  );
  expect(asked, asked).toMatch(/API key +OK/);
  expect(asked).not.toContain(server.key);
  expect(stage.read('cache/.cache/jd_worker_history')).not.toContain(server.key);
  const wrong = await jd.typed(
    [
      ['wants an API key', `${server.key}x\r`],
      ['This key was not accepted. Another one', '\r'],
      ['Without a key', ''],
      ['jd> ', CTRL_D],
    ],
    [],
    stranger,
  );
  expect(wrong).toContain('[exit 0]');
  const mended = await jd.typed(
    [
      ['does not accept the API key of DROVER_API_KEY. Another one', `${server.key}x\r`],
      ['This key was not accepted. Another one', `${server.key}\r`],
      ['jd> ', 'health\r'],
      ['API key', 'exit\r'],
    ],
    [],
    { ...stranger, DROVER_API_KEY: 'jd_bad' },
  );
  expect(mended, mended).toMatch(/API key +OK/);
});

test('lines from a pipe run one after the other, and the code tells of the last that failed', async (lifetime) => {
  const stage = openStage(lifetime);
  const jd = openJd(stage, null);
  const said = await jd('interactive', { input: '# a remark\nuse digits-tune\n\nwhere json=true;\nworker-lst\nuse' });
  expect(said.code).toBe(2);
  expect(said.stdout).toMatch(/^Using experiment 'digits-tune'\.\n\{[^]*"experiment": "digits-tune"[^]*\}\nUsing experiment 'digits-tune'\.\n$/);
  expect(said.output).toContain('Did you mean worker-list?');
  const nothing = await jd('', { input: '\n', env: { JD_EXP_ID: 'digits-tune', JD_ENTRY_SCRIPT: 'train.py' } });
  expect(nothing).toMatchObject({ code: 2, output: expect.stringContaining('To start workers: jd_worker_cli expId=NAME') as string });
  expect((await jd('-i', { input: 'use Not_a_Name\nexit\nnever-read' })).output).toContain('cannot be an experiment');
});

test('workers in the background survive the terminal that started them', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune');
  const jd = openJd(stage, server.url);
  await jd.typed([
    ['jd> ', 'expId=digits-tune num_workers=2\r'],
    ['They go on when you log out.', 'HANGUP'],
  ]);
  const workers = await jd.json<{ pid: number }[]>('expId=digits-tune worker-list');
  expect(workers).toHaveLength(2);
  await experiment.add({ command: 'true' });
  await eventually(async () => expect((await experiment.job(1)).status).toBe('done'));
  expect(isAlive(workers[0]!.pid)).toBe(true);
});

test('a job that does not hear SIGTERM is killed after half a minute, and its worker is gone', async (lifetime) => {
  const stage = openStage(lifetime);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'digits-tune', { grace_seconds: 3_000 });
  const jd = openJd(stage, server.url);
  await experiment.add({ command: `trap 'echo no' TERM; echo $$ > ${stage.path('pid')}; while :; do sleep 0.1; done` });
  await jd.ok('expId=digits-tune');
  await eventually(() => expect(stage.read('pid')).toMatch(/\d+\n/));
  const began = performance.now();
  expect(await jd.ok('expId=digits-tune stop job=1')).toContain('Job 1 went back into the queue.');
  expect(performance.now() - began).toBeGreaterThan(29_000);
  expect(isAlive(Number(stage.read('pid')))).toBe(false);
  expect((await experiment.attempts(1)).map(({ outcome }) => outcome)).toEqual(['released']);
});
