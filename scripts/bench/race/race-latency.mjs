// From submission to start on a consumer that idles. Producer and consumer are one process, so that both moments come from one clock.
import { createExperiment } from '../experiment.mjs';
import { median, percentile } from '../figures.mjs';
import { registerAgent } from '../protocol-agent.mjs';
import { submitOne } from '../start-latency.mjs';
import { contest } from './contest.mjs';
import { openResources } from './resources.mjs';
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const GROUP = 'latency.claim';
const PROCESS = 'latency.process';
const IDLE_MS = { least: 20, spread: 20 };

/** The middle of each round's samples; and what one in a hundred of all samples exceeds. */
const FIGURES = [
  { suffix: '.p50', rounds: (values) => values.map(median) },
  { suffix: '.p99', rounds: (values) => values.map((samples) => percentile(samples, 99)), value: (values) => percentile(values.flat(), 99) },
];

export const RACE_LATENCY = {
  name: 'latency',
  title: 'From submission to start, on an idle consumer',
  async run(stage, plan, { emit, leaveOut, selected }) {
    const resources = openResources(stage);
    try {
      const contestants = [
        claimed(resources, plan, { engine: 'sqlite', name: 'SQLite' }),
        claimed(resources, plan, { engine: 'postgres', name: 'PostgreSQL' }),
        ...peers(resources, plan),
        started(stage, resources, plan),
      ];
      await contest(contestants, { rounds: plan.rounds, selected, emit, leaveOut });
    } finally {
      await resources.close();
    }
  },
};

const common = { group: GROUP, unit: 'ms', figures: FIGURES, who: 'peer', durable: true };

/** Until the reply with the job is read where an agent's loop would read it. */
function claimed(resources, plan, { engine, name }) {
  return {
    ...{ ...common, who: 'drover', id: `${GROUP}.drover-${engine}`, title: `Drover on ${name}: HTTP submission to the claim at an agent` },
    limit: 'Two commits one after the other, each on disk: the job, then its claim. Two HTTP requests.',
    async open() {
      const server = await resources.drover(engine);
      if (server.missing !== undefined) return server;
      const experiment = await createExperiment(server, 'latency');
      const agent = await registerAgent(server, { experiment, slots: 1, instance: 'idle', wait_seconds: 25 });
      return { measure: () => claimTimes({ server, experiment, agent }, plan.race_samples) };
    },
  };
}

export async function claimTimes({ server, experiment, agent }, samples) {
  const times = [];
  for (let index = 0; index < samples; index += 1) {
    const claim = agent.sync().then(() => performance.now());
    await Promise.race([claim, sleep(IDLE_MS.least + Math.random() * IDLE_MS.spread)]);
    const sent = performance.now();
    const submitted = server.api.call('POST', `/experiments/${experiment}/jobs`, { command: 'true', jobs: [{ params: { row: index, column: 0 } }] });
    const [at] = await Promise.all([claim, submitted]);
    if (agent.holds() !== 1) throw new Error(`The agent got ${agent.holds()} jobs instead of one.`);
    times.push(at - sent);
    await agent.sync({ claim: false });
  }
  return times;
}

/** Until the shell of the job has opened a file. */
function started(stage, resources, plan) {
  return {
    ...{ ...common, who: 'drover', group: PROCESS, id: `${PROCESS}.drover`, title: 'Drover on SQLite: HTTP submission to the running process' },
    limit: 'The same, then the start of two shells and the lease in the attempt directory.',
    async open() {
      const { server, experiment } = await resources.agent('started');
      const directory = stage.path('started');
      mkdirSync(directory);
      let index = 0;
      return {
        async measure() {
          const times = [];
          for (let sample = 0; sample < plan.race_samples; sample += 1) times.push(await submitOne(server, { experiment, directory, index: (index += 1) }));
          return times;
        },
      };
    },
  };
}

function peers(resources, plan) {
  const latency = async (starting) => {
    const peer = await starting;
    if (peer.missing !== undefined) return peer;
    return { measure: () => peer.ask('latency', { samples: plan.race_samples, idle_ms: IDLE_MS }) };
  };
  return [
    {
      ...{ ...common, id: `${GROUP}.bullmq`, title: 'BullMQ, Redis default: add to handler', durable: false },
      limit: 'No disk.',
      open: () => latency(resources.bullmq('default')),
    },
    {
      ...{ ...common, id: `${GROUP}.bullmq-always`, title: 'BullMQ, Redis appendfsync always: add to handler' },
      limit: 'Two writes to disk.',
      open: () => latency(resources.bullmq('always')),
    },
    {
      ...{ ...common, id: `${GROUP}.graphile-worker`, title: 'graphile-worker: addJob to task' },
      limit: 'Two commits and a notification.',
      open: () => latency(resources.onPostgres('graphile-worker')),
    },
    {
      ...{ ...common, id: `${GROUP}.pg-boss`, title: 'pg-boss with notify: send to handler' },
      limit: 'Two commits and a notification.',
      open: () => latency(resources.onPostgres('pg-boss')),
    },
  ];
}
