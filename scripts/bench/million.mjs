// A large experiment: how long a matrix of a million jobs takes to create, what lists and searches in it cost, how fast the server is
// back with it, and what memory it holds.
import { createExperiment, createMatrix, counts } from './experiment.mjs';
import { line, percentile, rounds } from './figures.mjs';
import { measureLists } from './lists.mjs';
import { registerAgent, varied } from './protocol-agent.mjs';

const EXPERIMENT = 'large';
const MEMORY = { unit: 'MB', aim: { below: 400 } };

export const MILLION = {
  name: 'million',
  title: 'One experiment with very many jobs',
  async run(stage, plan, { emit, baseLine }) {
    let server = await stage.server('million');
    emit(line('million.memory_empty', 'Server memory, empty', 'MB', { rounds: [megabytes(server)] }));
    await createExperiment(server, EXPERIMENT);
    await creation(stage, { server, plan, emit, baseLine });
    emit(line('million.memory_created', 'Server memory after creating them', MEMORY.unit, { rounds: [megabytes(server)], aim: MEMORY.aim }));
    await work(server, plan.ended);
    await measureLists(server, { experiment: EXPERIMENT, plan, emit, against: baseLine('base.echo_time') });
    emit(line('million.memory_used', 'Server memory after lists and claims', MEMORY.unit, { rounds: [megabytes(server)], aim: MEMORY.aim }));
    server = await restarts(server, plan, emit);
    await server.stop();
  },
};

/** Names of params as people have them; two of them with many values. */
export function largeMatrix(jobs) {
  const side = Math.round(Math.cbrt(jobs));
  const numbers = (length, of) => Array.from({ length }, (_, index) => of(index));
  return {
    lr: numbers(side, (index) => (index + 1) / 100),
    units: numbers(side, (index) => 8 * (index + 1)),
    seed: numbers(Math.floor(jobs / side ** 2), (index) => `run-${index}`),
  };
}

async function creation(stage, { server, plan, emit, baseLine }) {
  const matrix = largeMatrix(plan.large);
  const size = Object.values(matrix).reduce((product, values) => product * values.length, 1);
  const began = performance.now();
  await createMatrix(server, EXPERIMENT, { matrix, command: 'python3 train.py --lr {lr} --units {units} --seed {seed}' });
  const seconds = (performance.now() - began) / 1000;
  const { pending } = await counts(server, EXPERIMENT);
  if (pending !== size) throw new Error(`${size} jobs were to be created, but ${pending} are pending.`);
  const title = `A matrix of ${size.toLocaleString('en-US')} jobs, until all are there`;
  emit(line('million.creation', title, 's', { rounds: [seconds], aim: { below: 20 } }));
  emit(line('million.creation_rate', 'Jobs created', 'per second', { rounds: [size / seconds], against: baseLine('base.inserts') }));
}

/** So that sorts by started, finished and duration have something to sort. */
async function work(server, jobs) {
  const agent = await registerAgent(server, { experiment: EXPERIMENT, slots: 1_000, instance: 'worked' });
  let ended = 0;
  await agent.sync();
  while (ended < jobs) ended += await agent.sync({ describe: varied, claim: ended + agent.holds() < jobs });
  agent.close();
}

async function restarts(server, plan, emit) {
  const firstClaims = [];
  let current = server;
  const times = await rounds(plan.restarts, async (round) => {
    current = await current.restart();
    const agent = await registerAgent(current, { experiment: EXPERIMENT, slots: 1, instance: `first${round}` });
    const began = performance.now();
    await agent.sync();
    firstClaims.push(performance.now() - began);
    await agent.sync({ claim: false });
    agent.close();
    return current.ready_ms;
  });
  emit(line('million.restart', 'Start of the server with them, until it is ready', 'ms', { rounds: times }));
  emit(line('million.first_claim', 'First claim after the start', 'ms', { rounds: firstClaims, value: percentile(firstClaims, 50) }));
  emit(line('million.memory_restarted', 'Server memory after a restart', MEMORY.unit, { rounds: [megabytes(current)], aim: MEMORY.aim }));
  return current;
}

function megabytes(server) {
  return server.memory() / 1e6;
}
