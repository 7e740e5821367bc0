// The attempts of a job as bars on one axis of time: chosen by mouse and keyboard, growing while one runs, one or two hundred of them.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import type { FinishedAttemptShape } from '../../src/contract/index.ts';
import { addressBecomes, browserTest, counts, reads, type Scene } from '../support/browser.ts';
import { apiOf } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const region = (page: Page) => page.getByRole('region', { name: 'Attempts' });
const bars = (page: Page) => region(page).getByRole('radio');

/** How long the newest bar is on the screen. */
async function runWidth(page: Page): Promise<number> {
  const box = await page.locator('.dr-attempt [data-kind=run]').first().boundingBox();
  return box?.width ?? 0;
}

browserTest('each try is a bar with its outcome; choosing one shows its output, by keyboard too; the running one grows', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tries', { max_attempts: 3, backoff_base_seconds: 0.2 });
  const command = 'echo try $JD_ATTEMPT; [ $JD_ATTEMPT -lt 3 ] && exit 7; while [ ! -e "$STAGE/end" ]; do sleep 0.05; done';
  await experiment.add({ command });
  await stage.agent({ experiments: ['tries'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await eventually(async () => expect(await experiment.job(1)).toMatchObject({ status: 'running', attempts: 3 }), { within: 20_000 });
  const page = await admin('/experiments/tries/jobs/1');
  await counts(bars(page), 3);
  await reads(page.locator('.dr-attempt').first(), /^#3Running.*_0$/);
  await reads(page.locator('.dr-attempt').last(), /^#1Failed.*_0$/);
  // The first try is shorter beside the running one with every second.
  const failed = page.locator('.dr-attempt').last().locator('[data-kind=run]');
  const before = { run: await runWidth(page), failed: (await failed.boundingBox())!.x };
  await eventually(async () => expect((await failed.boundingBox())!.x).toBeLessThan(before.failed), { within: 15_000 });
  expect(await runWidth(page)).toBeGreaterThan(before.run);

  await bars(page).first().focus();
  await page.keyboard.press('ArrowDown');
  await addressBecomes(page, { query: { attempt: '2' } });
  await page.getByRole('log').getByText('try 2').waitFor();
  await reads(region(page).locator('.dr-attempt-details'), /Attempt 2.*after .+ of back-off.*exit code 7/s);
  await page.keyboard.press('ArrowDown');
  await addressBecomes(page, { query: { attempt: '1' } });
  await reads(region(page).locator('.dr-attempt-details'), /Attempt 1.*in the queue; its process began/s);
  await page.locator('.dr-attempt').filter({ hasText: '#3' }).click();
  await addressBecomes(page, { query: {} });
  await page.getByRole('log').getByText('try 3').waitFor();
  await page.setViewportSize(DESK);
  expect(await lookAt(page, 'job-attempts')).toEqual([]);
  stage.file('end', '');
  await reads(page.locator('.dr-attempt').first(), /^#3Succeeded/);
});

/** Claims and gives back a job again and again, as an agent would that is told to leave each time. */
async function giveBack({ server }: Scene, experiment: string, times: number): Promise<void> {
  const total = { cpus: 1, memory_bytes: 1e9, gpus: 0 };
  const { secret } = await server.api.agents.register({
    body: { host: 'spot', instance: 'fig', experiments: [experiment], workers: 1, total, version: '0.1.0' },
  });
  const agent = apiOf(server.url, secret);
  let finished: FinishedAttemptShape[] = [];
  // What is given back in one sync is handed out again in the next.
  for (let sync_seq = 1; sync_seq <= 2 * times; sync_seq += 1) {
    const sent_at = new Date().toISOString();
    const reply = await agent.agents.sync({
      body: { incarnation: '1', sync_seq, sent_at, free_slots: [0], free: total, running: [], finished },
    });
    finished = reply.leases.map(({ job_id, attempt, rank, token }) => ({
      ...{ job_id, attempt, rank, token, exit_code: null, signal: null, started_at: sent_at, finished_at: sent_at, duration_ms: attempt * 10 },
      ...{ outcome: 'released', message: 'The machine was taken away.' },
    }));
  }
}

browserTest(
  'as what a job was run is told for each attempt: command, directory, variables, to be copied; the CLI tells it too',
  async ({ stage, server, admin }) => {
    const experiment = await createExperiment(server, 'as-run');
    await experiment.add({ command: `printf '%s' {text}; env | grep ^JD_`, params: { text: "it's <b>here</b>" } });
    await stage.agent({ experiments: ['as-run'], url: server.url, key: server.key, env: { CUDA_VISIBLE_DEVICES: '3', MY_PASSWORD: 'hunter2' } });
    await experiment.reaches(1, 'done');
    const page = await admin('/experiments/as-run/jobs/1', DESK);
    const panel = page.getByRole('region', { name: 'As it was run' });
    await reads(panel.locator('pre'), `printf '%s' 'it'\\''s <b>here</b>'; env | grep ^JD_`);
    await reads(panel, /attempt 1.*Directory.*Host.*Process.*Drover \d+\.\d+\.\d+/s);
    await panel.getByText(/^\d+ variables$/).click();
    await reads(panel.locator('details'), /CUDA_VISIBLE_DEVICES3.*JD_ATTEMPT1.*JD_JOB_ID1/s);
    expect(await panel.textContent()).not.toMatch(/hunter2|MY_PASSWORD|jdt_|JD_WORKER_TOKEN/);
    expect(await lookAt(page, 'job-as-run')).toEqual([]);
    const { stdout } = await stage.drover(['job', 'show', 'as-run/1', '--url', server.url], { DROVER_API_KEY: server.key });
    expect(stdout.toString()).toMatch(/Was run as +printf '%s' 'it'\\''s <b>here<\/b>'; env/);
  },
);

browserTest('what the machine did during the attempt is drawn, live, and can be folded away', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'measured');
  await experiment.add({ command: 'while [ ! -e "$STAGE/end-measured" ]; do sleep 0.05; done' });
  await stage.agent({ experiments: ['measured'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await experiment.reaches(1, 'running');
  const page = await admin('/experiments/measured/jobs/1', DESK);
  const machine = page.getByRole('region', { name: 'Machine', exact: true });
  for (const title of ['CPU', 'Memory used', 'Load', 'Disk free'])
    await machine.getByRole('region', { name: title }).locator('canvas').waitFor({ timeout: 25_000 });
  await reads(machine.getByRole('region', { name: 'CPU' }).locator('header'), /% on average, .*% at most/);
  expect(await lookAt(page, 'job-machine')).toEqual([]);
  await page.setViewportSize(DESK);
  await page.getByRole('button', { name: 'Hide what the machine did' }).click();
  await counts(machine.locator('canvas'), 0);
  await page.reload();
  await page.getByRole('button', { name: 'Show what the machine did' }).waitFor();
  await counts(machine.locator('canvas'), 0);
  stage.file('end-measured', '');
  await experiment.reaches(1, 'done');
  await page.getByRole('button', { name: 'Show what the machine did' }).click();
  await machine.getByText('CPU', { exact: true }).waitFor();
});

browserTest('a job between two tries says that it waits', async ({ stage, server, admin }) => {
  const single = await createExperiment(server, 'one-try', { max_attempts: 3, backoff_base_seconds: 600 });
  await single.add({ command: 'exit 1' });
  await stage.agent({ experiments: ['one-try'], url: server.url, key: server.key });
  await eventually(async () => expect(await single.job(1)).toMatchObject({ status: 'pending', attempts: 1 }), { within: 20_000 });
  const page = await admin('/experiments/one-try/jobs/1', DESK);
  await reads(page.locator('.dr-attempt').first(), /^–Back-off.*next try$/);
  await counts(bars(page), 1);
  expect(await lookAt(page, 'job-attempts-one')).toEqual([]);
});

browserTest('time that a job spent on hold is told apart from time in the queue, also when it is over', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'was-held');
  const params = { experiment: 'was-held', number: 1 };
  await experiment.add({ command: 'true' });
  const { held_at } = await server.api.jobs.hold({ params });
  await eventually(() => expect(Date.now() - Date.parse(held_at!)).toBeGreaterThan(3_000), { within: 10_000 });
  await server.api.jobs.unhold({ params });
  await stage.agent({ experiments: ['was-held'], url: server.url, key: server.key });
  await experiment.reaches(1, 'done');
  const page = await admin('/experiments/was-held/jobs/1', DESK);
  await reads(region(page).locator('.dr-attempt-details'), /, after .+ in the queue and [3-9](\.\d+)?s on hold; its process began/);
  await reads(region(page).locator('.dr-attempt-key'), /in the queue on hold/);
  // Both kinds of waiting can be seen, and told from each other.
  const looks = await page.locator('.dr-track i').evaluateAll((spans) => spans.map((span) => [span.dataset['kind'], getComputedStyle(span).backgroundImage]));
  const [waited, held] = ['wait', 'hold'].map((kind) => looks.find(([each]) => each === kind)?.[1]);
  expect(waited).toMatch(/gradient/);
  expect(held).toMatch(/gradient/);
  expect(held).not.toBe(waited);
  expect(await lookAt(page, 'job-was-held')).toEqual([]);
});

browserTest('a job that was created on hold and then stood in a queue on hold tells both, as they happen and afterwards', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'queue-held');
  const params = { experiment: 'queue-held' };
  const hold = (held: boolean) => server.api.experiments.change({ params, body: { held } });
  const passes = (since: string) => eventually(() => expect(Date.now() - Date.parse(since)).toBeGreaterThan(2_500), { within: 10_000 });
  await experiment.add({ command: 'true', held: true });
  const queue = await hold(true);
  const page = await admin('/experiments/queue-held/jobs/1', DESK);
  await reads(region(page), /Not tried yet: it is on hold since its creation/);
  await passes(queue.held_at!);
  await server.api.jobs.unhold({ params: { ...params, number: 1 } });
  await reads(region(page), /Not tried yet: the whole queue is on hold/);
  await reads(page.getByRole('alert'), /The queue of queue-held is held/);
  await passes((await experiment.job(1)).created_at);
  await passes(new Date().toISOString());
  await hold(false);
  await reads(region(page), /Not tried yet: it waits for a worker/);
  await stage.agent({ experiments: ['queue-held'], url: server.url, key: server.key });
  await experiment.reaches(1, 'done');
  await reads(
    region(page).locator('.dr-attempt-details'),
    /, after [2-9](\.\d+)?s on hold since its creation(,| and) [2-9](\.\d+)?s with the whole queue on hold.*; its process/,
  );
  await reads(region(page).locator('.dr-attempt-key'), /on hold since its creation.*the queue was on hold/);
  await reads(page.getByRole('region', { name: 'History' }), /The whole queue was let run.*after .*Created on hold/s);
  expect(await lookAt(page, 'job-queue-held')).toEqual([]);
});

browserTest('two hundred tries fit into a box that scrolls, with the chosen one in sight', async (scene) => {
  const { server, admin } = scene;
  const experiment = await createExperiment(server, 'many-tries');
  await experiment.add({ command: 'true' });
  await giveBack(scene, 'many-tries', 200);
  expect(await experiment.job(1)).toMatchObject({ attempts: 200, status: 'pending' });
  const page = await admin('/experiments/many-tries/jobs/1?attempt=3', DESK);
  await counts(bars(page), 200);
  expect((await region(page).boundingBox())!.height).toBeLessThan(520);
  const box = (await page.locator('.dr-attempts').boundingBox())!;
  const chosen = (await page.locator('.dr-attempt[data-chosen]').boundingBox())!;
  expect(chosen.y).toBeGreaterThanOrEqual(box.y);
  expect(chosen.y + chosen.height).toBeLessThanOrEqual(box.y + box.height);
  expect(await lookAt(page, 'job-attempts-many')).toEqual([]);
});
