// A disk is full: nothing that the server answered is lost, and it goes on by itself when there is space; a launch tidies up behind itself.
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';

import { withLock } from '../../src/agent/registry.ts';
import { ApiError } from '../../src/contract/index.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { mountSmallDisk, whyNoSmallDisk } from '../support/small-disk.ts';

const reason = whyNoSmallDisk();
if (reason !== null) process.stderr.write(`The test of a full server disk is skipped: ${reason}.\n`);

test.skipIf(reason !== null)(
  'on the server: refused with disk_full, to be tried again; what was answered stays, and all is delivered when there is space',
  async (context) => {
    const stage = openStage(context);
    const disk = mountSmallDisk(stage, 'server-disk', 48);
    const server = await stage.server({ data_dir: `${disk.path}/data` });
    const experiment = await createExperiment(server, 'full');
    const agent = await stage.agent({ experiments: ['full'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
    await experiment.add({ command: 'echo begun; while [ ! -e "$STAGE/gate" ]; do sleep 0.02; done; seq 1 200000; echo over >&2', times: 2 });
    await eventually(async () => expect(String(await experiment.log(1)) + String(await experiment.log(2))).toBe('begun\nbegun\n'));
    disk.fill();
    const answered: number[] = [];
    const create = () => experiment.add({ command: 'echo {text} | cksum', params: { text: 'x'.repeat(100_000) } });
    const refusal = await eventually(async () => {
      const problem = await create().then(
        (number) => void answered.push(number),
        (error: unknown) => error,
      );
      expect(problem).toBeInstanceOf(ApiError);
      return problem as ApiError;
    });
    expect(refusal).toMatchObject({ code: 'disk_full', status: 507, retryable: true });
    // The jobs print and end meanwhile.
    stage.file('gate', '');
    await eventually(() => expect(agent.log().match(/job ended/g)).toHaveLength(2));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await expect(create()).rejects.toMatchObject({ code: 'disk_full' });
    disk.clear();
    await eventually(async () => void answered.push(await create()), { within: 10_000 });
    const jobs = await experiment.ends({ within: 60_000 });
    expect(jobs.map(({ number }) => number)).toEqual([1, 2, ...answered]);
    expect(jobs.map(({ status, attempts, exit_code }) => [status, attempts, exit_code])).toEqual(jobs.map(() => ['done', 1, 0]));
    const whole = `begun\n${Array.from({ length: 200_000 }, (_, index) => `${index + 1}\n`).join('')}`;
    for (const number of [1, 2]) {
      await eventually(async () => expect((await experiment.log(number)).equals(Buffer.from(whole))).toBe(true), { within: 60_000 });
      await eventually(async () => expect((await experiment.log(number, 'stderr')).toString()).toBe('over\n'));
    }
    await experiment.recount();
    await server.stop();
    await server.start();
    expect((await experiment.all()).map(({ number, status }) => [number, status])).toEqual(jobs.map(({ number }) => [number, 'done']));
  },
  180_000,
);

test.skipIf(reason !== null)('on the machine of a launch: it is refused, and leaves nothing behind in the registry', async (context) => {
  const stage = openStage(context);
  const disk = mountSmallDisk(stage, 'cache-disk', 1);
  disk.fill();
  let begun = false;
  const launch = () => withLock(disk.path, systemClock, () => Promise.resolve((begun = true)));
  await expect(launch()).rejects.toThrow('ENOSPC');
  expect([begun, readdirSync(disk.path).filter((name) => name.startsWith('.lock'))]).toEqual([false, []]);
  disk.clear();
  await launch();
  expect([begun, readdirSync(disk.path)]).toEqual([true, []]);
});
