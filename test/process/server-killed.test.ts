// The server dies under load: what was answered is there afterwards, once.
import { expect, test } from 'vitest';

import { openStage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

/** Keeps creating until every batch was answered; a batch without an answer is sent again under its key, as a client does. */
async function submit(server: TestServer, experiment: string, batches: readonly string[][]): Promise<Map<string, number>> {
  const answered = new Map<string, number>();
  for (const markers of batches) {
    const body = { command: 'echo {marker}; echo {marker} >>"$STAGE/ran"', jobs: markers.map((marker) => ({ params: { marker } })) };
    const created = await eventually(() => server.api.jobs.create({ params: { experiment }, body }, { idempotency_key: `batch-${markers[0]}` }));
    expect(created.created).toBe(markers.length);
    markers.forEach((marker, index) => answered.set(marker, created.from! + index));
  }
  return answered;
}

function batchesOf(prefix: string, count: number): string[][] {
  return Array.from({ length: count }, (_, batch) => Array.from({ length: 4 }, (__, each) => `${prefix}-${batch}-${each}`));
}

test('killed with -9 under load, three times: all that was answered is there, counters are right, and every job runs once', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'load');
  for (let count = 0; count < 2; count += 1) {
    await stage.agent({ experiments: ['load'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  }
  const submitted = Promise.all(['a', 'b', 'c'].map((prefix) => submit(server, 'load', batchesOf(prefix, 12))));
  for (const least of [5, 40, 80]) {
    const settled = await eventually(async () => {
      const done = (await experiment.all()).filter((job) => job.status === 'done');
      expect(done.length).toBeGreaterThanOrEqual(least);
      return done;
    });
    await server.kill9();
    await server.start();
    for (const job of settled) expect(await experiment.job(job.number)).toEqual(job);
    await experiment.recount();
  }
  const answered = new Map((await submitted).flatMap((each) => [...each]));
  const jobs = await experiment.ends({ within: 60_000 });
  await experiment.recount();
  expect(new Map(jobs.map((job) => [job.params['marker'], job.number]))).toEqual(answered);
  // An agent may have given one back before it began: that is another attempt, and not another run.
  expect(jobs.filter((job) => job.status !== 'done' || job.outcome !== 'succeeded')).toEqual([]);
  expect(stage.read('ran').trim().split('\n').sort()).toEqual([...answered.keys()].sort());
  for (const [marker, number] of [...answered].slice(0, 20)) {
    await eventually(async () => expect((await experiment.log(number)).toString()).toBe(`${marker}\n`));
  }
});
