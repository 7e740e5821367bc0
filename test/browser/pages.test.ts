// Every page in light, in dark and on a phone: accessible (axe-core), without sideways scrolling, and kept as a picture to look at.
import { rmSync } from 'node:fs';

import type { Page } from 'playwright-core';
import { beforeAll, expect } from 'vitest';

import { browserTest, rows, SCREENSHOTS, type Scene } from '../support/browser.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

beforeAll(() => {
  rmSync(SCREENSHOTS, { recursive: true, force: true });
});

const TRAIN = `
import json, math, os, sys, time, jd
lr, units = float(sys.argv[1]), int(sys.argv[2])
print("\\x1b[1mtraining\\x1b[0m with learning rate \\x1b[36m%g\\x1b[0m and %d hidden units" % (lr, units), flush=True)
print("dropout is off: the schedule has no warm-up", file=sys.stderr, flush=True)
for epoch in range(24):
    loss = math.exp(-lr * epoch) + 0.02 * math.sin(epoch * units)
    jd.jd_log_metrics({"train_loss": loss, "validation_accuracy": 1 - 0.5 * loss}, step=epoch)
    print("epoch %2d  loss %.4f" % (epoch, loss), flush=True)
    jd.jd_progress(epoch + 1, 24)
    if units == 32 and epoch == 11:
        while not os.path.exists(os.environ["STAGE"] + "/end"):
            time.sleep(0.05)
if lr > 0.4:
    raise FloatingPointError("the loss is not a number any more")
for name, text in (("result.json", json.dumps({"loss": loss})), ("confusion_matrix.csv", "actual,0,1\\n0,9,1\\n1,2,8\\n")):
    path = os.path.join(jd.jd_job_dir(), name)
    with open(path, "w") as out:
        out.write(text)
    jd.jd_upload(path)
`;

async function populate({ stage, server }: Scene): Promise<TestExperiment> {
  const experiment = await createExperiment(server, 'digits-tune', { lost_after_seconds: 60 });
  await server.api.experiments.change({ params: { experiment: 'digits-tune' }, body: { description: 'Which learning rate and size suit the digits' } });
  const command = `python3 ${stage.file('train.py', TRAIN)} {learning_rate} {hidden_units}`;
  for (const learning_rate of [0.5, 0.2, 0.1]) await experiment.add({ command, params: { learning_rate, hidden_units: 16 } });
  for (const learning_rate of [0.2, 0.1, 0.05, 0.02, 0.01]) await experiment.add({ command, params: { learning_rate, hidden_units: 32 } });
  const params = { experiment: 'digits-tune' };
  await server.api.jobs.hold({ params: { ...params, number: 7 } });
  await server.api.jobs.cancel({ params: { ...params, number: 8 }, body: { force: false } });
  const idle = await createExperiment(server, 'resnet-ablation');
  await idle.add({ command: 'true', times: 12 });
  await createExperiment(server, 'empty');
  await stage.agent({ experiments: ['digits-tune'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  for (const number of [2, 3]) await experiment.reaches(number, 'done');
  await experiment.reaches(1, 'aborted');
  for (const number of [4, 5]) await experiment.reaches(number, 'running');
  return experiment;
}

/** A page as people meet it: where it is, how one sees that it is ready, and what opens on it. */
interface Sight {
  readonly name: string;
  readonly path: string;
  readonly ready: (page: Page) => Promise<unknown>;
}

const heading = (name: string) => (page: Page) => page.getByRole('heading', { name, level: 1 }).waitFor();
const charts = (count: number) => (page: Page) =>
  page
    .locator('.dr-chart canvas')
    .nth(count - 1)
    .waitFor();
const dialog = (button: string | RegExp) => async (page: Page) => {
  await page.getByRole('button', { name: button }).first().click();
  await page.getByRole('dialog').waitFor();
};

const LISTS: readonly Sight[] = [
  { name: 'home', path: '/', ready: (page) => page.locator('.dr-experiment').nth(2).waitFor() },
  {
    name: 'jobs',
    path: '/experiments/digits-tune/jobs',
    ready: (page) => rows(page).nth(7).waitFor(),
  },
  { name: 'jobs-empty', path: '/experiments/empty/jobs', ready: (page) => page.getByText('No jobs yet').waitFor() },
  { name: 'jobs-no-worker', path: '/experiments/resnet-ablation/jobs', ready: (page) => page.getByText(/no worker is connected/).waitFor() },
  { name: 'jobs-none-fits', path: '/experiments/digits-tune/jobs?search=lr%3D7', ready: (page) => page.getByText('No job fits').waitFor() },
];

const JOBS: readonly Sight[] = [
  { name: 'job-done', path: '/experiments/digits-tune/jobs/2', ready: charts(2) },
  { name: 'job-aborted', path: '/experiments/digits-tune/jobs/1', ready: charts(2) },
  { name: 'job-running', path: '/experiments/digits-tune/jobs/4', ready: charts(2) },
  { name: 'job-pending', path: '/experiments/digits-tune/jobs/7', ready: heading('digits-tune/7') },
  { name: 'job-file', path: '/experiments/digits-tune/jobs/2', ready: dialog('Look into confusion_matrix.csv') },
];

const OTHERS: readonly Sight[] = [
  { name: 'workers', path: '/experiments/digits-tune/workers', ready: (page) => page.getByRole('row').nth(2).waitFor() },
  { name: 'workers-none', path: '/experiments/empty/workers', ready: (page) => page.getByText('No worker is connected').waitFor() },
  { name: 'workers-wanted', path: '/experiments/resnet-ablation/workers', ready: (page) => page.getByText(/waiting, but no worker is connected/).waitFor() },
  { name: 'settings', path: '/experiments/digits-tune/settings', ready: (page) => page.getByText('Delete this experiment').waitFor() },
  { name: 'not-found', path: '/experiments/nowhere/jobs', ready: (page) => page.getByRole('main').getByRole('alert').waitFor() },
  { name: 'no-page', path: '/nowhere', ready: (page) => page.getByText('There is no such page').waitFor() },
];

const DIALOGS: readonly Sight[] = [
  {
    name: 'add-jobs-form',
    path: '/experiments/digits-tune/jobs?add=true',
    ready: async (page) => {
      await page.getByLabel('Name of parameter 1').fill('learning_rate');
      await page.getByLabel('Values of parameter 1').fill('0.1, 0.01, 0.001');
      await page.getByRole('button', { name: /^More:/ }).click();
      await page.getByLabel('Machine class').waitFor();
    },
  },
  {
    name: 'add-jobs-json',
    path: '/experiments/digits-tune/jobs?add=true',
    ready: async (page) => {
      await page.getByRole('dialog').getByText('JSON', { exact: true }).click();
      await page.getByRole('button', { name: 'Insert an example' }).click();
      await page.locator('.dr-preview').waitFor();
    },
  },
  {
    name: 'add-jobs-review',
    path: '/experiments/empty/jobs?add=true',
    ready: async (page) => {
      await page.getByLabel('Name of parameter 1').fill('seed');
      await page.getByLabel('Values of parameter 1').fill('1, 2, 3');
      await page.getByRole('button', { name: 'Review 3 jobs' }).click();
      await page.locator('.dr-diff').waitFor();
    },
  },
  {
    name: 'edit-job',
    path: '/experiments/digits-tune/jobs/7',
    ready: async (page) => {
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('textbox', { name: 'learning_rate' }).fill('0.3');
    },
  },
  {
    name: 'palette',
    path: '/experiments/digits-tune/jobs',
    ready: async (page) => {
      await page.getByRole('button', { name: 'Search or jump to' }).click();
      await page.locator('[role=dialog] input:focus').waitFor();
      await page.keyboard.type('t');
    },
  },
  { name: 'confirm-cancel', path: '/experiments/digits-tune/jobs/4', ready: dialog('Cancel') },
  {
    name: 'keys',
    path: '/experiments/digits-tune/jobs',
    ready: async (page) => {
      await page.locator('table').waitFor();
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
    },
  },
];

let populated: Promise<TestExperiment> | null = null;

function looksAt(title: string, sights: readonly Sight[]): void {
  browserTest(`${title}: accessible in light, in dark and on a phone, which it fits; kept as pictures`, async (scene) => {
    await (populated ??= populate(scene));
    scene.expects(/status of 404/);
    const page = await scene.admin('/', DESK);
    const faults: string[] = [];
    for (const sight of sights) {
      await page.setViewportSize(DESK);
      await page.emulateMedia({ colorScheme: 'light' });
      await page.goto(scene.server.url + sight.path);
      await sight.ready(page);
      faults.push(...(await lookAt(page, sight.name)));
    }
    expect(faults).toEqual([]);
  });
}

looksAt('lists', LISTS);
looksAt('jobs', JOBS);
looksAt('dialogs', DIALOGS);
looksAt('the rest', OTHERS);

browserTest('login: accessible in light, in dark and on a phone, which it fits; kept as pictures', async ({ server, stranger, expects }) => {
  expects(/status of 401/);
  const page = await stranger(DESK);
  await page.goto(`${server.url}/experiments/digits-tune/jobs`);
  await page.getByRole('heading', { name: 'Sign in to Drover' }).waitFor();
  expect(await lookAt(page, 'login')).toEqual([]);
  await page.setViewportSize(DESK);
  await page.goto(`${server.url}/login?again#link=jdl_used`);
  await page.getByText('This link is used up').waitFor();
  expect(await lookAt(page, 'login-link-used')).toEqual([]);
});
