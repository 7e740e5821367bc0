// The race against the peers: its parts, their sizes, and the versions of whoever takes part.
import { firstLine } from '../machine.mjs';
import { GROWTH_AGENTS, GROWTH_JOBS } from './growth.mjs';
import { peerVersion } from './peer-packages.mjs';
import { postgresVersion } from './postgres-server.mjs';
import { RACE_CYCLES } from './race-cycles.mjs';
import { RACE_LATENCY } from './race-latency.mjs';
import { RACE_PROCESSES } from './race-processes.mjs';
import { redisVersion } from './redis-server.mjs';
import { slurmVersion } from './slurm.mjs';

export const RACE_PARTS = [RACE_CYCLES, RACE_LATENCY, RACE_PROCESSES, GROWTH_JOBS, GROWTH_AGENTS];

/** Jobs of a round: about a second of each on two cores. */
export const RACE_FULL = {
  race_cycles: {
    one: { drover: 600, bare: 800, bullmq: 6_000, bullmq_always: 2_500, graphile: 800, boss: 500 },
    few: { drover: 6_400, bare: 6_400, bullmq: 25_000, bullmq_always: 15_000, graphile: 4_000, boss: 2_500 },
    many: { drover: 10_000, bare: 12_000, bullmq: 25_000, bullmq_always: 20_000, graphile: 15_000, boss: 8_000 },
    sets: { drover: 30_000, bare: 30_000, graphile: 60_000, boss: 48_000 },
  },
  race_samples: 60,
  race_processes: { true: 600, python: 300, slurm: { array: 12, steps: 60 } },
  growth: { jobs: [1_000, 10_000, 100_000, 1_000_000], cycles: 8_000, agents: [1, 10, 100, 1_000], fleet_cycles: 2_000, idle_ms: 4_000, pause_ms: 30 },
};

/** Small enough to see that all of it works. */
export const RACE_QUICK = {
  race_cycles: {
    one: { drover: 100, bare: 100, bullmq: 400, bullmq_always: 200, graphile: 100, boss: 50 },
    few: { drover: 1_280, bare: 1_280, bullmq: 3_000, bullmq_always: 2_000, graphile: 500, boss: 300 },
    many: { drover: 2_000, bare: 2_000, bullmq: 4_000, bullmq_always: 3_000, graphile: 2_000, boss: 1_000 },
    sets: { drover: 6_000, bare: 6_000, graphile: 12_000, boss: 12_000 },
  },
  race_samples: 10,
  race_processes: { true: 60, python: 40, slurm: { array: 4, steps: 10 } },
  growth: { jobs: [1_000, 10_000], cycles: 640, agents: [1, 20], fleet_cycles: 200, idle_ms: 300, pause_ms: 10 },
};

/** Versions of whoever is there. */
export function raceVersions() {
  const versions = {
    postgres: postgresVersion(),
    xargs: firstLine('xargs', ['--version']),
    parallel: firstLine('parallel', ['--version']),
    python: firstLine('python3', ['--version']),
    redis: redisVersion(),
    task_spooler: firstLine('tsp', ['-V'])?.split(' - ')[0] ?? null,
    slurm: slurmVersion(),
    ...Object.fromEntries(['bullmq', 'graphile-worker', 'pg-boss'].map((name) => [name, versionOf(name)])),
  };
  return Object.fromEntries(Object.entries(versions).filter(([, version]) => version !== null));
}

function versionOf(name) {
  try {
    return peerVersion(name);
  } catch {
    return null;
  }
}
