// How Drover's cost grows: with the jobs in the store, and with the agents that ask.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { cycleRound, openAgents } from '../cycles.mjs';
import { createExperiment, createMatrix, gridOf } from '../experiment.mjs';
import { line, rounds } from '../figures.mjs';
import { registerAgent } from '../protocol-agent.mjs';

const SLOTS = 64;
const CYCLES = 'jobs per second';

export const GROWTH_JOBS = {
  name: 'jobs',
  title: 'Growth with the number of jobs',
  async run(stage, plan, { emit, selected }) {
    for (const size of plan.growth.jobs.filter((one) => selected(`jobs.${one}`))) {
      const server = await stage.server(`jobs-${size}`);
      const experiment = await createExperiment(server, 'grown');
      await createMatrix(server, experiment, { matrix: gridOf(size) });
      const agents = await openAgents(server, { experiment, agents: 1, slots: SLOTS });
      // Sets that leave enough for the claim beyond the end; what ended goes back to the queue, so that the number stays.
      const jobs = Math.min(plan.growth.cycles, (Math.floor(size / SLOTS) - 2) * SLOTS);
      const values = await rounds(plan.rounds + 1, async () => {
        const { cycles, seconds } = await cycleRound(agents, jobs);
        await server.api.call('POST', `/experiments/${experiment}/jobs/bulk`, { action: 'requeue', filter: { status: 'done' } });
        return cycles / seconds;
      });
      emit(line(`jobs.${size}.cycles`, `1 agent × ${SLOTS}, ${named(size)} jobs in the store`, CYCLES, { rounds: values.slice(1) }));
      for (const agent of agents) agent.close();
      await server.stop();
    }
  },
};

export const GROWTH_AGENTS = {
  name: 'agents',
  title: 'Growth with the number of agents',
  async run(stage, plan, { emit, selected }) {
    for (const count of plan.growth.agents.filter((one) => selected(`agents.${one}`))) {
      const server = await stage.server(`agents-${count}`);
      const experiment = await createExperiment(server, 'fleet');
      const fleet = await openAgents(server, { experiment, agents: count, slots: 1 });
      const jobs = Math.max(plan.growth.fleet_cycles, 2 * count);
      await createMatrix(server, experiment, { matrix: gridOf((plan.rounds + 1) * (jobs + 2 * count)) });
      const values = await rounds(plan.rounds + 1, async () => {
        const { cycles, seconds } = await cycleRound(fleet, jobs);
        return cycles / seconds;
      });
      emit(line(`agents.${count}.cycles`, `${agentsOf(count)}: cycles`, CYCLES, { rounds: values.slice(1) }));
      for (const agent of fleet) agent.close();
      for (const one of await idleFleet(server, { count, plan })) emit(one);
      await server.stop();
    }
  },
};

/** All agents wait for work: what that costs the server, and how long a submission takes until one of them has it. */
async function idleFleet(server, { count, plan }) {
  const experiment = await createExperiment(server, 'idle');
  const fleet = [];
  for (let index = 0; index < count; index += 1) fleet.push(await registerAgent(server, { experiment, slots: 1, instance: `i${index}`, wait_seconds: 25 }));
  let claimed = () => {};
  let closing = false;
  const waiting = fleet.map(async (agent) => {
    while (!closing) {
      await agent.sync();
      if (agent.holds() === 0) continue;
      claimed(performance.now());
      await agent.sync({ claim: false });
    }
  });
  const failed = Promise.all(waiting.map((one) => one.catch((error) => (closing ? undefined : Promise.reject(error)))));
  failed.catch(() => {});
  const before = processorSeconds(server.pid);
  await Promise.race([sleep(plan.growth.idle_ms), failed]);
  const used = ((processorSeconds(server.pid) - before) * 100_000) / plan.growth.idle_ms;
  const times = [];
  for (let sample = 0; sample < plan.race_samples; sample += 1) {
    const at = new Promise((resolve) => (claimed = resolve));
    const sent = performance.now();
    await server.api.call('POST', `/experiments/${experiment}/jobs`, { command: 'true', jobs: [{ params: { row: sample } }] });
    times.push((await Promise.race([at, failed])) - sent);
    await sleep(plan.growth.pause_ms);
  }
  closing = true;
  for (const agent of fleet) agent.close();
  await failed;
  const label = agentsOf(count);
  return [
    line(`agents.${count}.claim`, `${label}, all waiting: submission to claim`, 'ms', { rounds: times }),
    line(`agents.${count}.idle`, `${label}, all waiting: processor time of the server`, '% of a core', { rounds: [used] }),
  ];
}

const named = (count) => count.toLocaleString('en-US');
const agentsOf = (count) => `${named(count)} ${count === 1 ? 'agent' : 'agents'} × 1`;

/** User and system time of a process. Linux counts it in hundredths of a second. */
function processorSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
