// Real processes: /bin/true through a real agent, from the submission until every end is on the server's disk, against launchers that
// record nothing (xargs) or a line per job (GNU parallel).
import { createExperiment } from './experiment.mjs';
import { line, median } from './figures.mjs';
import { SLOTS, gnuParallel, hasGnuParallel, throughDrover, xargs } from './launchers.mjs';

const COMMAND = '/bin/true';

export const PROCESSES = {
  name: 'processes',
  title: 'Real processes: /bin/true, two at a time, with their output kept',
  async run(stage, plan, { emit }) {
    const server = await stage.server('processes');
    const experiment = await createExperiment(server, 'processes');
    const agent = await stage.agent(server, { workers: SLOTS, experiment });
    const work = { command: COMMAND, count: plan.processes };
    const launchers = { drover: throughDrover(server, experiment), xargs: (what) => xargs(stage, what) };
    if (hasGnuParallel()) launchers.parallel = (what) => gnuParallel(stage, what);
    const rates = {};
    // One after the other in each round, so that a noisy minute hits all of them.
    for (let round = 0; round < plan.process_rounds; round += 1) {
      for (const [name, launch] of Object.entries(launchers)) {
        const began = performance.now();
        await launch(work);
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
