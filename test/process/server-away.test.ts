// The server is away in the middle of jobs: they go on and end, and everything about them is delivered afterwards with its own times.
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test } from 'vitest';

import { openStage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';

const JOB = `
import os, sys, time, jd
stage, code = os.environ["STAGE"], int(sys.argv[1])
jd.jd_log_metric("loss", 1.0, step=0)
print("before", flush=True)
while not os.path.exists(stage + "/server-is-gone"):
    time.sleep(0.02)
for step in range(1, 4):
    jd.jd_log_metric("loss", 1.0 / (step + 1), step=step)
    print("alone", step, flush=True)
    print("error", step, file=sys.stderr, flush=True)
path = os.path.join(jd.jd_job_dir(), "result.txt")
with open(path, "w") as result:
    result.write("made while the server was away\\n" * 1000)
told = jd.jd_upload(path)
jd.jd_progress(3, 3)
print("queued", told["queued"], flush=True)
with open(stage + "/over-%d" % code, "w") as over:
    over.write(str(time.time() * 1000))
sys.exit(code)
`;

/** Moments of agent and server may differ by what a request takes. */
const TOLERANCE_MS = 400;
const AWAY_MS = 1_500;

test('jobs go on and end without it; logs, metrics, files and outcomes come later, with original times', async (context) => {
  const stage = openStage(context);
  const script = stage.file('away.py', JOB);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'away');
  const env = { STAGE: stage.directory, JD_UPLOAD_MAX_RETRIES: '1' };
  await stage.agent({ experiments: ['away'], url: server.url, key: server.key, env });
  for (const code of [0, 7]) await experiment.add({ command: `python3 ${script} {code}`, params: { code } });
  await eventually(async () => expect(String(await experiment.log(1)) + String(await experiment.log(2))).toBe('before\nbefore\n'));
  await server.stop();
  stage.file('server-is-gone', '');
  await eventually(() => expect([0, 7].map((code) => existsSync(stage.path(`over-${code}`)))).toEqual([true, true]));
  const over = Date.now();
  // Its absence lasts longer than the tolerance, so that a time of delivery is not taken for one of the job.
  await eventually(() => expect(Date.now() - over).toBeGreaterThan(AWAY_MS));
  await server.start();
  const [succeeded, failed] = await experiment.ends({ within: 40_000 });
  expect(succeeded).toMatchObject({ status: 'done', attempts: 1, outcome: 'succeeded', exit_code: 0 });
  expect(failed).toMatchObject({ status: 'aborted', attempts: 1, outcome: 'failed', exit_code: 7 });
  await deliveredAsItWas(server, experiment, { number: 1, ended: Number(stage.read('over-0')) });
  await deliveredAsItWas(server, experiment, { number: 2, ended: Number(stage.read('over-7')) });
});

async function deliveredAsItWas(server: TestServer, experiment: TestExperiment, { number, ended }: { number: number; ended: number }): Promise<void> {
  const params = { experiment: experiment.name, number };
  const job = await experiment.job(number);
  expect(Math.abs(Date.parse(job.finished_at!) - ended)).toBeLessThan(TOLERANCE_MS);
  expect(Math.abs(Date.parse(job.finished_at!) - Date.parse(job.started_at!) - job.duration_ms!)).toBeLessThan(TOLERANCE_MS);
  await eventually(async () => {
    expect((await experiment.job(number)).progress).toEqual({ done: 3, total: 3 });
    expect((await experiment.log(number)).toString()).toBe('before\nalone 1\nalone 2\nalone 3\nqueued True\n');
    const errors = (await experiment.log(number, 'stderr')).toString();
    expect(errors.split('\n').filter((line) => line.startsWith('error'))).toEqual(['error 1', 'error 2', 'error 3']);
    const { series } = await server.api.results.metricSeries({ params, query: { name: 'loss' } });
    expect(series.flatMap(({ points }) => points.map(({ step, value }) => [step, value]))).toEqual([
      [0, 1],
      [1, 1 / 2],
      [2, 1 / 3],
      [3, 1 / 4],
    ]);
    const file = await server.api.results.download({ params: { ...params, name: 'result.txt' } });
    expect(await file.text()).toBe('made while the server was away\n'.repeat(1000));
  });
  const { series } = await server.api.results.metricSeries({ params, query: { name: 'loss' } });
  for (const { at } of series[0]!.points) expect(Date.parse(at)).toBeLessThan(ended + TOLERANCE_MS);
  const { pieces } = await server.api.results.logIndex({ params });
  for (const { at } of pieces) expect(Date.parse(at)).toBeLessThan(ended + TOLERANCE_MS);
}

test('a stop is not held up by connections that never asked anything, as browsers open them in advance', async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  const begun = performance.now();
  await server.stop();
  expect(performance.now() - begun).toBeLessThan(5_000);
  await closed;
});
