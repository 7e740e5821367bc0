// graphile-worker: one by one, or with its local queue and batched completion, as its page on performance advises.
import { makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

import { answer, now, startTimes } from './answer.mjs';

const BULK = 5_000;
const LOOK_MS = 2;

let pool;
let tools;

answer({
  async open({ url }) {
    pool = new pg.Pool({ connectionString: url, max: 30 });
    pool.on('error', complain);
    pool.on('connect', (client) => client.on('error', complain));
    tools = await makeWorkerUtils({ pgPool: pool, logger: await quiet() });
    await tools.migrate();
  },
  async enqueue({ jobs }) {
    for (let from = 0; from < jobs; from += BULK) {
      await tools.addJobs(
        Array.from({ length: Math.min(BULK, jobs - from) }, (_, index) => ({ identifier: 'job', payload: { row: from + index, column: index } })),
      );
    }
  },
  /** Milliseconds until the table of jobs is empty: it deletes what is complete. */
  async consume({ jobs, concurrency, local_queue = 0 }) {
    let done = 0;
    let tell;
    const all = new Promise((resolve) => (tell = resolve));
    const task = async () => {
      done += 1;
      if (done === jobs) tell();
    };
    const began = now();
    const runner = await startRunner(task, { concurrency, local_queue });
    await all;
    while (await anyLeft()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const taken = now() - began;
    await runner.stop();
    if (done !== jobs) throw new Error(`${jobs} jobs ran ${done} times.`);
    return taken;
  },
  async latency(plan) {
    let onStart = () => {};
    const runner = await startRunner(async () => onStart(), { concurrency: 1, local_queue: 0 });
    const times = await startTimes(plan, { submit: (index) => tools.addJob('job', { row: index, column: 0 }), onStart: (callback) => (onStart = callback) });
    await runner.stop();
    return times;
  },
  async close() {
    await tools.release();
    await pool.end();
  },
});

const complain = (error) => process.stderr.write(`${error.stack}\n`);

async function startRunner(job, { concurrency, local_queue }) {
  const batched = local_queue === 0 ? {} : { localQueue: { size: local_queue }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  return run({
    pgPool: pool,
    taskList: { job },
    noHandleSignals: true,
    logger: await quiet(),
    preset: { worker: { concurrentJobs: concurrency, pollInterval: 30_000, ...batched } },
  });
}

async function anyLeft() {
  const { rows } = await pool.query('select exists (select from graphile_worker._private_jobs) as left');
  return rows[0].left;
}

async function quiet() {
  const { Logger } = await import('graphile-worker');
  return new Logger(() => () => {});
}
