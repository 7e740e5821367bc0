// From a submission to the start of its process, on an idle agent. Both moments are times of files: one that is written just before the
// request is sent, and one that the job's own shell opens first of all. So both come from one clock, the kernel's.
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { createExperiment } from './experiment.mjs';
import { line, median, percentile } from './figures.mjs';

/** Between two submissions, so that the agent hangs in its long poll again, and not always at the same phase of anything. */
const IDLE_MS = { least: 30, spread: 20 };
const LOOK_MS = 5;
const WARM_UP = 20;

export const START = {
  name: 'start',
  title: 'From submission to process start, on an idle agent',
  async run(stage, plan, { emit, baseLine }) {
    const server = await stage.server('start');
    const experiment = await createExperiment(server, 'start');
    const agent = await stage.agent(server, { workers: 1, experiment });
    const directory = stage.path('starts');
    mkdirSync(directory);
    const times = [];
    for (let index = 0; index < WARM_UP + plan.starts; index += 1) {
      const taken = await submitOne(server, { experiment, directory, index });
      if (index >= WARM_UP) times.push(taken);
    }
    const against = baseLine('base.echo_time');
    const spread = [Math.min(...times), Math.max(...times)];
    emit(line('start.p50', 'Submission to process start, p50', 'ms', { rounds: spread, value: median(times), against, aim: { below: 10 } }));
    emit(line('start.p99', 'Submission to process start, p99', 'ms', { rounds: spread, value: percentile(times, 99), against }));
    await agent.stop();
    await server.stop();
  },
};

/** Submits one job and gives the milliseconds until its shell opened a file. */
export async function submitOne(server, { experiment, directory, index }) {
  const started = `${directory}/${index}.started`;
  const sent = `${directory}/${index}.sent`;
  for (const path of [started, sent]) {
    writeFileSync(path, '');
    // A file whose time was read gets an exact time at its next change; otherwise kernels write the time of the last tick.
    modified(path);
  }
  const before = modified(started);
  const body = { command: ': > {file}', jobs: [{ params: { file: started } }] };
  closeSync(openSync(sent, 'w'));
  const { from } = await server.api.call('POST', `/experiments/${experiment}/jobs`, body);
  for (;;) {
    await sleep(LOOK_MS);
    const { job } = await server.api.call('GET', `/experiments/${experiment}/jobs/${from}`);
    if (job.status === 'aborted') throw new Error(`A job of the benchmark failed: ${job.message}`);
    if (job.status === 'done') break;
  }
  const after = modified(started);
  if (after === before) throw new Error('The job did not write its file.');
  await sleep(IDLE_MS.least + Math.random() * IDLE_MS.spread);
  return Number(after - modified(sent)) / 1e6;
}

function modified(path) {
  return statSync(path, { bigint: true }).mtimeNs;
}
