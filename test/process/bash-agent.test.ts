// The protocol is small enough for a shell: examples/agent.sh takes jobs, runs them, ships what they print, and leaves.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { createExperiment } from '../support/experiment.ts';
import { commandLine, processesWith } from '../support/program.ts';

const SCRIPT = resolve(import.meta.dirname, '../../examples/agent.sh');
const missing = ['bash', 'curl', 'jq'].filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
if (missing.length > 0) process.stderr.write(`The test of the bash agent is skipped: ${missing.join(', ')} not installed.\n`);

test.skipIf(missing.length > 0)('the bash agent finishes jobs, a failing one too, with their output byte for byte', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'by-hand');
  await experiment.add({ command: 'echo {text}; echo error >&2', params: { text: 'it\'s $(rm) "quoted" 💥' } });
  await experiment.add({ command: 'printf "\\377\\000"; exit 3' });
  await experiment.add({ command: 'seq 1 300000' });
  const agent = stage.start(['bash', SCRIPT, 'by-hand'], {
    DROVER_URL: server.url,
    DROVER_API_KEY: server.key,
    AGENT_WAIT_SECONDS: '1',
    AGENT_IDLE_ROUNDS: '1',
  });
  // Command lines are seen by every user of the machine, so they are looked at as long as the agent lives.
  const seen = new Set<string>();
  while (!agent.hasExited()) {
    for (const pid of processesWith('HOME', stage.env['HOME']!)) seen.add(commandLine(pid).join(' '));
    await new Promise((look) => setTimeout(look, 2));
  }
  expect([...seen].join('\n')).toMatch(/^curl .*\/api\/v1\/agent\/sync/m);
  expect([...seen].filter((line) => /\bjd[akt]?_[A-Za-z0-9_.-]{12,}/.test(line))).toEqual([]);
  expect(await agent.exited, agent.output()).toMatchObject({ code: 0 });
  const [text, failing, long] = await experiment.all();
  expect(text).toMatchObject({ status: 'done', attempts: 1, outcome: 'succeeded', exit_code: 0 });
  expect(failing).toMatchObject({ status: 'aborted', attempts: 1, outcome: 'failed', exit_code: 3 });
  expect(long).toMatchObject({ status: 'done', attempts: 1 });
  expect((await experiment.log(1)).toString()).toBe('it\'s $(rm) "quoted" 💥\n');
  expect((await experiment.log(1, 'stderr')).toString()).toBe('error\n');
  expect(await experiment.log(2)).toEqual(Buffer.from([255, 0]));
  expect((await experiment.log(3)).toString()).toBe(Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join(''));
  const { workers } = await server.api.workers.list({ params: { experiment: 'by-hand' }, query: { state: 'all' } });
  expect(workers).toHaveLength(1);
  expect(workers[0]).toMatchObject({ status: 'disabled', instance: 'bash', jobs_completed: 2 });
});
