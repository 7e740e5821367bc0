// As what a job was run, told by a real agent, beside what the job itself saw.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { agentsPerTest, end, ended, output, until, type Agents } from '../../test/support/agent-fixture.ts';
import type { ProtocolServer } from '../../test/support/protocol-server.ts';

let server: ProtocolServer;
let agents: Agents;

agentsPerTest((made) => ({ server, agents } = made));

const emptied = () => until('all attempt directories removed', () => agents.attemptDirectories().length === 0);

test('tells as what a job was run: what the process itself saw, and neither token nor secret', async () => {
  const script = join(agents.home, 'show.py');
  writeFileSync(script, 'import os, sys, json\nprint(json.dumps([sys.executable, os.getcwd(), os.getpgrp(), dict(os.environ)]))\n');
  // A wrapper in its place would run another program, with an environment of its own.
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();
  const job = server.addJob({ params: { rate: 0.1, text: 'two words' } });
  agents.run('--script', script, '--python', python);
  expect(await end(job)).toMatchObject({ outcome: 'succeeded' });
  await emptied();
  const [attempt] = job.attempts;
  const [executable, cwd, group, env] = JSON.parse(output(job)) as [string, string, number, Record<string, string>];
  const told = attempt!.execution!;
  expect(told).toMatchObject({ working_directory: cwd, script, process_id: group, cut: false });
  expect(told.arguments).toEqual([python, script, '--rate', '0.1', '--text', 'two words']);
  expect([told.interpreter, executable]).toEqual([python, python]);
  for (const [name, value] of Object.entries(told.variables)) if (name !== 'JD_ATTEMPT_DIR') expect(env[name], name).toBe(value);
  expect(Object.keys(told.variables)).toEqual(expect.arrayContaining(['JD_JOB_ID', 'JD_SERVER', 'JD_ATTEMPT', 'PATH', 'PYTHONPATH']));
  // Whatever else the agent was started with is nobody's business.
  expect(told.variables).not.toHaveProperty('HOME');
  const text = JSON.stringify(told);
  for (const secret of [attempt!.lease.token, attempt!.lease.token.slice(0, 8), server.agents[0]!.secret, 'jd_test']) expect(text).not.toContain(secret);
  const later = await until('a job that began after the interpreter had told its version', async () => {
    const next = server.addJob({});
    await end(next);
    return next.attempts[0]!.execution?.interpreter_version;
  });
  expect(later).toMatch(/^Python 3\./);
});

test('a long command line is told from its beginning; an agent that takes a job over tells it as it was begun', async () => {
  const long = server.addJob({ command: `: ${'x'.repeat(40_000)}; sleep 100` });
  const first = agents.run();
  const told = await until('the execution', () => long.attempts[0]?.execution);
  expect(told).toMatchObject({ cut: true, arguments: ['/bin/sh', '-c', expect.stringMatching(/^: x+$/)] });
  expect(told.arguments[2]!.length).toBeLessThan(20_000);
  first.kill('SIGKILL');
  await ended(first);
  long.attempts[0]!.execution = null;
  agents.run('--script', writeScript(), '--python', 'python3');
  expect(await until('the execution again', () => long.attempts[0]?.execution)).toEqual(told);
  server.cancel(long);
  await end(long);
});

function writeScript(): string {
  const path = join(agents.home, 'other.py');
  writeFileSync(path, '');
  return path;
}
