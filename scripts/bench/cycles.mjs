// Job cycles through HTTP: jobs made aside, claimed and finished by agents without processes. The end of the last set and the claim of
// the next travel in one sync; every answer comes after its commit.
import { createExperiment, createMatrix, counts, gridOf } from './experiment.mjs';
import { line, rounds } from './figures.mjs';
import { registerAgent } from './protocol-agent.mjs';

const SETTINGS = [
  { id: 'cycles.64', agents: 1, slots: 64, title: 'Job cycles, 1 agent asking for 64', base: 'base.queue_64', least: 15_000 },
  { id: 'cycles.2000', agents: 1, slots: 2_000, title: 'Job cycles, 1 agent asking for 2,000', base: 'base.queue_2000', least: 40_000 },
  { id: 'cycles.32x1', agents: 32, slots: 1, title: 'Job cycles, 32 agents asking for 1', base: 'base.echo', least: 5_000 },
];

export const CYCLES = {
  name: 'cycles',
  title: 'Job cycles: claim and finish, durable, through HTTP, without a process',
  async run(stage, plan, { emit, baseLine }) {
    const server = await stage.server('cycles');
    const experiment = await createExperiment(server, 'cycles');
    const perRound = (setting) => plan.cycles[setting.id];
    // A warm-up of a round, and what agents claim beyond the end of a round.
    const size = SETTINGS.reduce((sum, setting) => sum + perRound(setting) * (plan.rounds + 1) + (plan.rounds + 2) * setting.slots * setting.agents, 0);
    await createMatrix(server, experiment, { matrix: gridOf(size) });
    let done = 0;
    for (const setting of SETTINGS) {
      const agents = await openAgents(server, { experiment, ...setting });
      const round = async () => {
        const { cycles, seconds } = await cycleRound(agents, perRound(setting));
        done += cycles;
        return cycles / seconds;
      };
      await round();
      emit(
        line(setting.id, setting.title, 'cycles per second', {
          rounds: await rounds(plan.rounds, round),
          against: baseLine(setting.base),
          aim: { least: setting.least },
        }),
      );
      for (const agent of agents) agent.close();
    }
    const counted = await counts(server, experiment);
    if (counted.done !== done || counted.running !== 0) throw new Error(`${done} cycles, but the server counts ${JSON.stringify(counted)}.`);
    await server.stop();
  },
};

/** Agents that ask for the jobs of one experiment, each for as many as it has slots. */
export function openAgents(server, { experiment, agents, slots }) {
  return Promise.all(Array.from({ length: agents }, (_, index) => registerAgent(server, { experiment, slots, instance: `a${slots}x${index}` })));
}

/** From the first claim until at least so many ends are recorded and nothing is claimed. */
export async function cycleRound(agents, jobs) {
  const share = jobs / agents.length;
  const began = performance.now();
  const worked = await Promise.all(agents.map((agent) => agent.work((count) => count >= share)));
  return { cycles: worked.reduce((sum, count) => sum + count, 0), seconds: (performance.now() - began) / 1000 };
}
