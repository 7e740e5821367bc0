// Real processes: /bin/true through a real agent, from the submission until every end is on the server's disk, against launchers that
// record nothing (xargs) or a line per job (GNU parallel).
import { mkdirSync, rmSync } from 'node:fs';

import { allDone, createExperiment } from './experiment.mjs';
import { line, median } from './figures.mjs';
import { firstLine } from './machine.mjs';

const SLOTS = 2;

export const PROCESSES = {
  name: 'processes',
  title: 'Real processes: /bin/true, two at a time, with their output kept',
  async run(stage, plan, emit) {
    const server = await stage.server('processes');
    const experiment = await createExperiment(server, 'processes');
    const agent = await stage.agent(server, { workers: SLOTS, experiment });
    const launchers = { drover: () => drover(server, experiment, plan.processes), xargs: () => xargs(stage, plan.processes) };
    const hasParallel = firstLine('parallel', ['--version'])?.startsWith('GNU parallel') === true;
    if (hasParallel) launchers.parallel = () => parallel(stage, plan.processes);
    const rates = {};
    // One after the other in each round, so that a noisy minute hits all of them.
    for (let round = 0; round < plan.process_rounds; round += 1) {
      for (const [name, launch] of Object.entries(launchers)) {
        const began = performance.now();
        await launch();
        (rates[name] ??= []).push((plan.processes * 1000) / (performance.now() - began));
      }
    }
    await agent.stop();
    await server.stop();
    emitAll(rates, emit);
  },
};

function emitAll({ drover: ours, xargs: bare, parallel: rival }, emit) {
  const xargsLine = line('processes.xargs', 'xargs -P2, output to files', 'processes per second', { rounds: bare });
  const common = { rounds: ours, against: { id: xargsLine.id, title: xargsLine.title, value: xargsLine.value } };
  emit(xargsLine);
  if (rival === undefined) {
    emit(
      line('processes.drover', 'Drover, 2 workers', 'processes per second', {
        ...common,
        note: 'GNU PARALLEL IS NOT INSTALLED: no comparison with it. On Debian: apt-get install parallel',
      }),
    );
    return;
  }
  emit(line('processes.parallel', 'GNU parallel -j2 --joblog --results', 'processes per second', { rounds: rival }));
  emit(line('processes.drover', 'Drover, 2 workers', 'processes per second', { ...common, aim: { least: median(rival) } }));
}

let target = 0;

async function drover(server, experiment, count) {
  target += count;
  await server.api.call('POST', `/experiments/${experiment}/jobs`, { command: '/bin/true', jobs: [{}], times: count });
  await allDone(server, experiment, target);
}

async function xargs(stage, count) {
  await inDirectory(stage, 'xargs', (directory) =>
    shell(stage, `seq ${count} | xargs -P ${SLOTS} -I @@ sh -c '/bin/true > "${directory}/@@.out" 2> "${directory}/@@.err"'`),
  );
}

async function parallel(stage, count) {
  await inDirectory(stage, 'parallel', (directory) =>
    shell(
      stage,
      `seq ${count} | parallel --will-cite -j ${SLOTS} --joblog "${directory}/log" --results "${directory}/results" /bin/true '#' > "${directory}/all" 2>&1`,
    ),
  );
}

async function shell(stage, text) {
  const program = stage.start('/bin/sh', ['-c', text], { label: 'launcher' });
  const { code } = await program.ended;
  if (code !== 0) throw new Error(`${text} ended with ${code}:\n${program.read()}`);
}

async function inDirectory(stage, name, work) {
  const directory = stage.path(name);
  mkdirSync(directory);
  await work(directory);
  rmSync(directory, { recursive: true });
}
