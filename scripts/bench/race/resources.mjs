// Servers that several contestants share: each is started when the first of them wants it, and all are stopped at the end, the last one first.
import { execFileSync } from 'node:child_process';

import { createExperiment } from '../experiment.mjs';
import { throughDrover } from '../launchers.mjs';
import { firstLine } from '../machine.mjs';
import { installPeers, openPeer } from './peer-packages.mjs';
import { query, startPostgres } from './postgres-server.mjs';
import { startRedis } from './redis-server.mjs';
import { startSlurm } from './slurm.mjs';

export function openResources(stage) {
  const started = new Map();
  const closings = [];

  /** `{ missing }` of one it needs becomes that of who needs it. */
  function shared(name, start) {
    if (!started.has(name)) started.set(name, start());
    return started.get(name);
  }

  function closing(close) {
    closings.push(close);
  }

  const packages = () => shared('packages', async () => ({ missing: (await installPeers()) ?? undefined }));
  const postgres = () =>
    shared('postgres', async () => {
      const server = await startPostgres(stage);
      if (server.missing === undefined) closing(server.stop);
      return server;
    });

  return {
    postgres,
    /** Drover's own server on either engine. */
    drover: (engine) =>
      shared(`drover ${engine}`, async () => {
        const cluster = engine === 'postgres' ? await postgres() : null;
        if (cluster?.missing !== undefined) return cluster;
        const database = cluster === null ? null : await cluster.database('drover');
        const server = await stage.server(`drover-${engine}`, { database });
        closing(server.stop);
        return { ...server, tidy: cluster === null ? async () => {} : () => tidy(database) };
      }),
    /** BullMQ's program on a Redis of its own. */
    bullmq: (persistence) =>
      shared(`bullmq ${persistence}`, async () => {
        if (firstLine('redis-server', ['--version']) === null) return { missing: 'redis-server is not installed. On Debian: apt-get install redis-server' };
        const { missing } = await packages();
        if (missing !== undefined) return { missing };
        const redis = await startRedis(stage, persistence);
        closing(redis.stop);
        const peer = await openPeer('bullmq', { port: redis.port });
        closing(peer.close);
        return { ...peer, tidy: async () => {} };
      }),
    /** graphile-worker or pg-boss in a database of its own. */
    onPostgres: (name) =>
      shared(name, async () => {
        const cluster = await postgres();
        if (cluster.missing !== undefined) return cluster;
        const { missing } = await packages();
        if (missing !== undefined) return { missing };
        const url = await cluster.database(name.replace('-', '_'));
        const peer = await openPeer(name, { url });
        closing(peer.close);
        return { ...peer, tidy: () => tidy(url) };
      }),
    slurm: () =>
      shared('slurm', async () => {
        const slurm = await startSlurm(stage);
        if (slurm.missing === undefined) closing(slurm.stop);
        return slurm;
      }),
    taskSpooler: () =>
      shared('task-spooler', async () => {
        if (firstLine('tsp', ['-V']) === null) return { missing: 'tsp is not installed. On Debian: apt-get install task-spooler' };
        const env = { TS_SOCKET: stage.path('tsp.socket'), TS_SLOTS: '2', TS_MAXFINISHED: '10000' };
        // Its server leaves the family of whoever started it.
        stage.atEnd(() => void firstLine('env', [...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'tsp', '-K']));
        return { env };
      }),
    /** An experiment and a real agent with two workers on Drover's SQLite server. */
    async agent(name) {
      const server = await this.drover('sqlite');
      return shared(`agent ${name}`, async () => {
        const experiment = await createExperiment(server, name);
        const agent = await stage.agent(server, { workers: 2, experiment });
        closing(agent.stop);
        return { server, experiment, runJobs: throughDrover(server, experiment) };
      });
    },
    async close() {
      for (const close of closings.toReversed()) await close();
    },
  };
}

/** Before each measurement on PostgreSQL, for everybody alike: nobody pays for the dead rows and the unwritten pages of the one before. */
async function tidy(url) {
  await query(url, 'vacuum (analyze)');
  await query(url, 'checkpoint');
}

/** The real interpreter: what stands in the path may be a script that looks for it. */
export function pythonProgram() {
  try {
    return execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}
