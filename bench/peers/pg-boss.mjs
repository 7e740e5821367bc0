// pg-boss: loops that fetch a batch and complete it, through its own calls, so that no poll interval is in the way; for latency its
// worker, woken by notify.
import { PgBoss } from 'pg-boss';

import { answer, now, startTimes } from './answer.mjs';

const BULK = 5_000;
const QUEUE = 'race';
const AWAKE = 'race-notify';

let boss;

answer({
  async open({ url }) {
    boss = new PgBoss({ connectionString: url, max: 10, useListenNotify: true, supervise: false, schedule: false });
    boss.on('error', (error) => process.stderr.write(`${error.stack}\n`));
    await boss.start();
    await boss.createQueue(QUEUE);
    await boss.createQueue(AWAKE, { notify: true });
  },
  async enqueue({ jobs }) {
    for (let from = 0; from < jobs; from += BULK) {
      await boss.insert(
        QUEUE,
        Array.from({ length: Math.min(BULK, jobs - from) }, (_, index) => ({ data: { row: from + index, column: index } })),
      );
    }
  },
  /** Milliseconds until `loops` loops of batches have completed every job. */
  async consume({ jobs, loops, batch }) {
    let done = 0;
    const loop = async () => {
      for (;;) {
        const fetched = await boss.fetch(QUEUE, { batchSize: batch });
        if (fetched.length === 0) return;
        await boss.complete(
          QUEUE,
          fetched.map(({ id }) => id),
        );
        done += fetched.length;
      }
    };
    const began = now();
    await Promise.all(Array.from({ length: loops }, loop));
    const taken = now() - began;
    if (done !== jobs) throw new Error(`${done} of ${jobs} jobs were completed.`);
    await boss.deleteAllJobs(QUEUE);
    return taken;
  },
  async latency(plan) {
    let onStart = () => {};
    const id = await boss.work(AWAKE, { batchSize: 1, pollingIntervalSeconds: 30, notifyPollingIntervalSeconds: 30 }, async () => onStart());
    const times = await startTimes(plan, { submit: (index) => boss.send(AWAKE, { row: index, column: 0 }), onStart: (callback) => (onStart = callback) });
    await boss.offWork(AWAKE, { id, wait: true });
    await boss.deleteAllJobs(AWAKE);
    return times;
  },
  close: () => boss.stop({ graceful: false }),
});
