// The server is away for longer than anything that it or an agent counts in days: workers of `jd_worker_cli` go on, and bring everything
// with its own times.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { expect, test } from 'vitest';

import { openStage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { openJd } from '../support/jd.ts';

const FALSE_CLOCK = resolve(import.meta.dirname, '../support/false-clock.cjs');
/** More than the 30 days for which agents that fell silent and tokens of attempts that ended are kept. */
const AWAY_MS = 45 * 24 * 3_600_000;
/** Moments of agent and server may differ by what a request takes. */
const TOLERANCE_MS = 2_000;

const TRAIN = `
import os, sys, time, jd
stage, job = os.environ["STAGE"], os.environ["JD_JOB_ID"]
print("begun", flush=True)
while not os.path.exists(f"{stage}/gate-{job}"):
    time.sleep(0.02)
jd.jd_log_metric("loss", 0.5, step=1)
path = jd.jd_job_dir() / "result.txt"
path.write_text("of job " + job)
jd.jd_upload(path)
print("over", flush=True)
with open(f"{stage}/over-{job}", "w") as over:
    over.write(str(time.time() * 1000))
sys.exit(int(open(f"{stage}/gate-{job}").read()))
`;

test('away for 45 days: what ended meanwhile arrives as it was, what runs goes on, and the workers are the same', async (lifetime) => {
  const stage = openStage(lifetime);
  const clock = stage.file('clock', '0');
  const env = { NODE_OPTIONS: `--require ${FALSE_CLOCK}`, FALSE_CLOCK: clock, STAGE: stage.directory, JD_UPLOAD_MAX_RETRIES: '1' };
  const server = await stage.server({ env });
  const experiment = await createExperiment(server, 'digits-tune');
  stage.file('work/train.py', TRAIN);
  const jd = openJd(stage, server.url);
  for (let job = 1; job <= 3; job += 1) await experiment.add({});
  await jd.ok('expId=digits-tune entry_script=train.py num_workers=3', { env });
  for (let job = 1; job <= 3; job += 1) await eventually(async () => expect((await experiment.log(job)).toString()).toBe('begun\n'));
  const begun = new Map((await experiment.all()).map(({ number, started_at }) => [number, Date.parse(started_at!)]));
  await server.stop();
  stage.file('gate-1', '0');
  stage.file('gate-2', '7');
  await eventually(() => expect([1, 2].map((job) => existsSync(stage.path(`over-${job}`)))).toEqual([true, true]));
  await eventually(async () =>
    expect(await jd.ok('expId=digits-tune worker-status {W}_0', { env })).toMatch(/^undelivered +[1-9]\d*, until the server takes them$/m),
  );
  stage.file('clock', String(AWAY_MS));
  await server.start();
  for (const [job, end] of [
    [1, { status: 'done', outcome: 'succeeded', exit_code: 0 }],
    [2, { status: 'aborted', outcome: 'failed', exit_code: 7 }],
  ] as const) {
    const row = await experiment.reaches(job, end.status, { within: 60_000 });
    expect(row).toMatchObject({ ...end, attempts: 1 });
    expect(Math.abs(Date.parse(row.started_at!) - begun.get(job)!), 'started_at').toBeLessThan(TOLERANCE_MS);
    const over = Number(stage.read(`over-${job}`));
    expect(Math.abs(Date.parse(row.finished_at!) - over), 'finished_at').toBeLessThan(TOLERANCE_MS);
    await eventually(async () => expect((await experiment.log(job)).toString()).toBe('begun\nover\n'));
    const params = { experiment: 'digits-tune', number: job };
    await eventually(async () => expect(await (await server.api.results.download({ params: { ...params, name: 'result.txt' } })).text()).toBe(`of job ${job}`));
    const { pieces } = await server.api.results.logIndex({ params });
    const { series } = await server.api.results.metricSeries({ params, query: { name: 'loss' } });
    for (const at of [...pieces.map((piece) => piece.at), ...series[0]!.points.map((point) => point.at)]) {
      expect(Math.abs(Date.parse(at) - over), `${at} of job ${job}`).toBeLessThan(60_000);
    }
  }
  // The third went on all the time.
  expect(await experiment.job(3)).toMatchObject({ status: 'running', attempts: 1 });
  stage.file('gate-3', '0');
  expect(await experiment.reaches(3, 'done', { within: 60_000 })).toMatchObject({ attempts: 1, outcome: 'succeeded' });
  const last = await experiment.add({});
  stage.file(`gate-${last}`, '0');
  expect((await experiment.reaches(last, 'done', { within: 60_000 })).worker_id).toMatch(new RegExp(`^${jd.instance()}_\\d$`));
  await experiment.recount();
});
