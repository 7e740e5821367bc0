// BullMQ as its users run it: one queue, one worker with a concurrency, bulk submission. Finished jobs are removed, which is its fastest way.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

import { answer, now, startTimes } from './answer.mjs';

const BULK = 1_000;
const KEEP_NOTHING = { removeOnComplete: true, removeOnFail: true };

let connection;
let queue;
let count = 0;

/** A queue of its own for each round, and the connections that its worker needs. */
function openQueue() {
  count += 1;
  return new Queue(`race-${count}`, { connection, defaultJobOptions: KEEP_NOTHING });
}

function openWorker(work, concurrency) {
  return new Worker(queue.name, work, { connection: connection.duplicate(), concurrency, autorun: false, ...KEEP_NOTHING_WORKER });
}

const KEEP_NOTHING_WORKER = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } };

answer({
  open({ port }) {
    connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
  },
  async enqueue({ jobs }) {
    queue = openQueue();
    for (let from = 0; from < jobs; from += BULK) {
      await queue.addBulk(Array.from({ length: Math.min(BULK, jobs - from) }, (_, index) => ({ name: 'job', data: { row: from + index, column: index } })));
    }
  },
  /** Milliseconds until every job was fetched and its completion was answered by Redis. */
  async consume({ jobs, concurrency }) {
    const worker = openWorker(async () => {}, concurrency);
    await worker.waitUntilReady();
    let done = 0;
    const all = new Promise((resolve, reject) => {
      worker.on('completed', () => (done += 1) === jobs && resolve());
      worker.on('error', reject);
      worker.on('failed', (_, error) => reject(error));
    });
    const began = now();
    void worker.run();
    await all;
    const taken = now() - began;
    const left = await queue.getJobCountByTypes('waiting', 'active', 'failed');
    if (left !== 0) throw new Error(`${left} jobs are left.`);
    await worker.close();
    await queue.obliterate({ force: true });
    await queue.close();
    return taken;
  },
  async latency(plan) {
    queue = openQueue();
    let onStart = () => {};
    const worker = openWorker(async () => onStart(), 1);
    await worker.waitUntilReady();
    void worker.run();
    const times = await startTimes(plan, { submit: (index) => queue.add('job', { row: index, column: 0 }), onStart: (callback) => (onStart = callback) });
    await worker.close();
    await queue.obliterate({ force: true });
    await queue.close();
    return times;
  },
  close: () => connection.quit(),
});
