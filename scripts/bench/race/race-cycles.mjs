// Durable job cycles without a process: dispatch and complete, with everything submitted beforehand. One consumer process each.
import { cycleRound, openAgents } from '../cycles.mjs';
import { counts, createExperiment, createMatrix, gridOf } from '../experiment.mjs';
import { recordBareQueue } from './bare-queue.mjs';
import { contest } from './contest.mjs';
import { openResources } from './resources.mjs';

const UNIT = 'jobs per second';

/** Jobs in flight; `sizes` are the jobs of one round for each kind of contestant. */
const GROUPS = [
  { group: 'cycles.one', slots: 1, size: 'one' },
  { group: 'cycles.few', slots: 64, size: 'few' },
  { group: 'cycles.many', slots: 200, size: 'many' },
  { group: 'cycles.sets', slots: 2_000, size: 'sets' },
];

const ENGINES = { sqlite: 'SQLite', postgres: 'PostgreSQL' };

export const RACE_CYCLES = {
  name: 'cycles',
  title: 'Durable job cycles: dispatch and complete, no process',
  async run(stage, plan, { emit, leaveOut, selected }) {
    const resources = openResources(stage);
    try {
      const bare = bareQueues(stage, { resources, plan, selected });
      for (const group of GROUPS) {
        const contestants = [...ours(resources, group, plan), ...bareLimits(bare, group), ...peers(resources, group, plan)];
        await contest(contestants, { rounds: plan.rounds, selected, emit, leaveOut });
      }
    } finally {
      await resources.close();
    }
  },
};

/** The recordings of all settings, made on first use, for each engine. */
function bareQueues(stage, { resources, plan, selected }) {
  const made = new Map();
  return async (engine) => {
    const wanted = GROUPS.filter(({ group }) => selected(`${group}.bare-${engine}`));
    const settings = wanted.map(({ group, slots, size }) => ({ id: group, slots, cycles: plan.race_cycles[size].bare }));
    const postgres = engine === 'postgres' ? await resources.postgres() : null;
    if (postgres?.missing !== undefined) return postgres;
    if (!made.has(engine)) made.set(engine, recordBareQueue(stage, { settings, postgres }));
    return made.get(engine);
  };
}

function bareLimits(bare, { group, slots }) {
  return Object.entries(ENGINES).map(([engine, name]) => ({
    ...{ id: `${group}.bare-${engine}`, group, unit: UNIT, who: 'bare', durable: true },
    title: `Bare loop: Drover's own SQL on ${name}, ${slots.toLocaleString('en-US')} in a transaction`,
    limit: 'The database alone: one process sends the recorded statements, prepared, and reads the rows.',
    async open() {
      const queue = await bare(engine);
      return queue.missing === undefined ? { measure: () => queue.replay(group) } : queue;
    },
  }));
}

const LIMITS = {
  one: 'One sync and its commit for each job: the way there and back, and one write to disk.',
  few: 'One agent has one sync in flight: server and agent take turns.',
  many: 'The same turns, with three times the jobs in each.',
  sets: "The processor time of the database's thread; JSON and checks come on top.",
};

const FLEET = 'An HTTP request with its own checks for each job; requests that arrive together share a commit.';
const PAIR = "The server's own thread: while one agent reads its answer, the other's sync is worked on.";

/** Beside one agent: the same number of jobs in flight at several, as pg-boss has several loops. */
const FLEETS = { one: [], few: [32, 2], many: [2], sets: [2] };

function ours(resources, { group, slots, size }, plan) {
  const fleet = (engine, agents) => {
    // Whoever asks for sets asks for whole ones.
    const each = size === 'sets' ? slots : Math.round(slots / agents);
    return {
      ...{ group, unit: UNIT, who: 'drover', durable: true, base: `${group}.bare-${engine}` },
      limit: agents === 1 ? LIMITS[size] : agents === 2 ? PAIR : FLEET,
      id: `${group}.drover-${engine}${agents === 1 ? '' : `-${agents}x`}`,
      title: `Drover on ${ENGINES[engine]}, ${agents} ${agents === 1 ? 'agent' : 'agents'} × ${each.toLocaleString('en-US')}`,
      open: () => openDrover(resources, { engine, agents, slots: each, jobs: plan.race_cycles[size].drover, rounds: plan.rounds }),
    };
  };
  return [fleet('sqlite', 1), ...FLEETS[size].map((agents) => fleet('sqlite', agents)), fleet('postgres', 1)];
}

async function openDrover(resources, { engine, agents, slots, jobs, rounds }) {
  const server = await resources.drover(engine);
  if (server.missing !== undefined) return server;
  const experiment = await createExperiment(server, `race-${agents}x${slots}`);
  // A round for warming up, and what agents claim beyond the end of a round.
  await createMatrix(server, experiment, { matrix: gridOf((rounds + 1) * (jobs + 2 * agents * slots)) });
  const fleet = await openAgents(server, { experiment, agents, slots });
  let done = 0;
  return {
    async measure() {
      await server.tidy();
      const { cycles, seconds } = await cycleRound(fleet, jobs);
      done += cycles;
      const counted = await counts(server, experiment);
      if (counted.done !== done || counted.running !== 0) throw new Error(`${done} cycles, but the server counts ${JSON.stringify(counted)}.`);
      return cycles / seconds;
    },
  };
}

const NOT_DURABLE = 'Redis answers before the disk has it: a crash loses what was done since the last snapshot.';
const REDIS = 'One script in Redis and one turn of the event loop for each job.';
const ALWAYS = 'The same; Redis syncs once for all commands that it read together.';
const GRAPHILE = 'A fetch and a deletion for each set; jobs that end are deleted, no history is kept.';
const GRAPHILE_ONE = 'Two statements and two commits for each job; jobs that end are deleted.';
const BOSS = 'A fetch and an update for each batch; ended jobs stay until their retention is over.';

function peers(resources, { group, size }, plan) {
  const jobs = plan.race_cycles[size];
  const bullmq = (concurrency) => [
    peer({ id: `${group}.bullmq`, title: `BullMQ, Redis default, concurrency ${concurrency}`, durable: false, limit: NOT_DURABLE }, () =>
      consume(resources.bullmq('default'), { jobs: jobs.bullmq, concurrency }),
    ),
    peer({ id: `${group}.bullmq-always`, title: `BullMQ, Redis appendfsync always, concurrency ${concurrency}`, limit: size === 'one' ? REDIS : ALWAYS }, () =>
      consume(resources.bullmq('always'), { jobs: jobs.bullmq_always, concurrency }),
    ),
  ];
  const graphile = (title, settings, limit) =>
    peer({ id: `${group}.graphile-worker`, title: `graphile-worker, ${title}`, limit }, () =>
      consume(resources.onPostgres('graphile-worker'), { jobs: jobs.graphile, ...settings }),
    );
  const boss = (loops, batch) =>
    peer({ id: `${group}.pg-boss`, title: `pg-boss, ${loops} × batch ${batch.toLocaleString('en-US')}`, limit: BOSS }, () =>
      consume(resources.onPostgres('pg-boss'), { jobs: jobs.boss, loops, batch }),
    );
  const peer = (what, open) => ({ group, unit: UNIT, who: 'peer', durable: true, ...what, open });
  if (size === 'one') return [...bullmq(1), graphile('concurrency 1', { concurrency: 1 }, GRAPHILE_ONE), boss(1, 1)];
  if (size === 'few') return [...bullmq(50), graphile('concurrency 24', { concurrency: 24 }, GRAPHILE_ONE), boss(8, 1)];
  const batched = (local_queue) =>
    graphile(`local queue ${local_queue.toLocaleString('en-US')}, completion in batches`, { concurrency: 24, local_queue }, GRAPHILE);
  if (size === 'many') return [...bullmq(200), batched(200), boss(2, 100)];
  return [batched(2_000), boss(4, 2_000)];
}

async function consume(starting, { jobs, ...settings }) {
  const peer = await starting;
  if (peer.missing !== undefined) return peer;
  return {
    async measure() {
      await peer.ask('enqueue', { jobs });
      await peer.tidy();
      return (jobs * 1_000) / (await peer.ask('consume', { jobs, ...settings }));
    },
  };
}
