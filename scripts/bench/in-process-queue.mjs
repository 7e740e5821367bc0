// The store's own queue in this process, without HTTP: the same schema, the same statements, one commit per round.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { ROOT } from '../step.mjs';
import { gridOf } from './experiment.mjs';

const zone = (path) => import(pathToFileURL(join(ROOT, 'dist', path)).href);
const PLENTY = { cpus: 1_000, memory_bytes: 1e15, gpus: 100 };
const TEMPLATE = {
  command: 'true',
  variables: {},
  machine_class: null,
  cpus: 0,
  memory_bytes: 0,
  gpus: 0,
  priority: 0,
  max_attempts: null,
  timeout_seconds: null,
  grace_seconds: null,
  tags: [],
  held: false,
};

/** A store below `directory`, with so many pending jobs if it is new; on PostgreSQL when a `url` is given. */
export async function inProcessQueue(directory, jobs, { url = null } = {}) {
  const [{ openStore }, experiments, { createMatrix, expandNextChunk }, { registerAgent }, { syncAgents }, { systemClock: clock }] = await Promise.all([
    ...['store/store.js', 'store/experiments.js', 'store/matrices.js', 'store/agents.js', 'store/sync.js', 'runtime/clock.js'].map(zone),
  ]);
  mkdirSync(directory, { recursive: true });
  const engine = url === null ? { kind: 'sqlite', directory, clock, read_threads: 0 } : { kind: 'postgres', url, schema: null, clock };
  let store = await openStore({ engine, directory, clock });
  const terms = { store_id: store.id, key: store.key, next_sync_within_ms: 30_000, random: Math.random };
  if (jobs > 0) {
    const matrix = Object.entries(gridOf(jobs)).map(([name, values]) => ({ name, values }));
    const experiment_id = await store.write((tx) =>
      experiments.createExperiment(tx, { name: 'limit', description: '', settings: {}, pin_cipher: store.key.encrypt('123456') }, 'bench'),
    );
    await store.write((tx) => createMatrix(tx, { experiment_id, matrix, template: TEMPLATE, actor: 'bench' }));
    while (await store.write(expandNextChunk));
  }
  let registered = 0;

  async function register(slots) {
    registered += 1;
    const serial = registered;
    const facts = { workers: slots, drives: [], machine_class: null, has_script: false, total: PLENTY, version: '0.1.0', process_id: 1, platform: 'bench' };
    const identity = {
      host: 'limit',
      instance: `a${serial}`,
      experiments: null,
      secret_hash: `${serial}`,
      next_sync_within_ms: 30_000,
      nextWord: () => `b${serial}`,
    };
    const { id } = await store.write((tx) => registerAgent(tx, { ...identity, ...facts }, 'bench'));
    return { id, slots: Array.from({ length: slots }, (_, slot) => slot), sequence: 0, leases: [] };
  }

  return {
    /** Agents whose messages always come together. */
    async agents(count, slots) {
      const agents = await Promise.all(Array.from({ length: count }, () => register(slots)));
      const round = async (claim = true) => {
        const now = clock.now();
        const inputs = agents.map((agent) => ({ message: message(agent, claim, now), again: false }));
        const answers = await store.write((tx) => syncAgents(tx, inputs, terms));
        answers.forEach((answer, index) => (agents[index].leases = answer.leases));
        return answers.reduce((sum, answer) => sum + answer.settled.length, 0);
      };
      return { round: () => round(), end: () => round(false) };
    },
    /** Does something with the files or the database that nobody has open then. */
    async whileClosed(work) {
      await store.close();
      await work();
      store = await openStore({ engine, directory, clock });
    },
    close: () => store.close(),
  };
}

function message(agent, claim, now) {
  agent.sequence += 1;
  const iso = (moment) => new Date(moment).toISOString();
  const end = { outcome: 'succeeded', exit_code: 0, signal: null, message: null };
  // Each job has moments of its own, as in life.
  const times = (index) => {
    const [duration_ms, finished] = [3 + (index % 7), now - 1 - (index % 97)];
    return { started_at: iso(finished - duration_ms), finished_at: iso(finished), duration_ms };
  };
  return {
    ...{ agent_id: agent.id, incarnation: 'bench', sync_seq: agent.sequence, sent_at: iso(now), store_id: null, store_position: null },
    ...{ free_slots: claim ? agent.slots : [], ahead_slots: [], free: PLENTY, has_script: false, workers: [], running: [] },
    finished: agent.leases.map(({ job_id, attempt, token }, index) => ({ job_id, attempt, rank: 0, token, ...end, ...times(index) })),
  };
}
