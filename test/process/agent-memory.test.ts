// What an idle agent takes of the machine that it serves, after much work too.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

const linux = process.platform === 'linux';
if (!linux) process.stderr.write('The test of the memory of an agent is skipped: only Linux shows it in /proc.\n');

/** It stays below 80 MB here; kept, what the work below leaves behind is 130 MB and more. */
const MOST_MB = 100;

test.skipIf(!linux)('an agent that has shipped 40 MB of output gives the memory back when it is idle', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'output');
  const started = await stage.drover(['worker', 'start', '-e', 'output', '--workers', '4', '--url', server.url, '--json']);
  const [{ pid }] = JSON.parse(started.stdout.toString()) as [{ pid: number }];
  await experiment.add({ command: 'head -c 75000 /dev/urandom | base64 -w 100; env | grep -c MALLOC_', times: 400 });
  const jobs = await experiment.ends({ within: 100_000 });
  // `grep -c` fails when it counts nothing: the settings of the agent's own memory are not for jobs.
  expect(new Set(jobs.map(({ exit_code }) => exit_code))).toEqual(new Set([1]));
  const rss = (): number => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
  await eventually(() => expect(rss()).toBeLessThan(MOST_MB), { within: 60_000 });
});
