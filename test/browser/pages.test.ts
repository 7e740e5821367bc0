// Every page in light, in dark and on a phone: accessible (axe-core), without sideways scrolling, and kept as a picture to look at.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type { Page } from 'playwright-core';
import { beforeAll, expect } from 'vitest';

import { browserTest, rows, SCREENSHOTS, type Scene } from '../support/browser.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 800 };

beforeAll(() => {
  rmSync(SCREENSHOTS, { recursive: true, force: true });
  mkdirSync(SCREENSHOTS, { recursive: true });
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
  { name: 'jobs-no-worker', path: '/experiments/resnet-ablation/jobs', ready: (page) => page.getByText(/no worker polls/).waitFor() },
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
  { name: 'workers-none', path: '/experiments/empty/workers', ready: (page) => page.getByText('No worker polls').waitFor() },
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

/** What is wrong with it, one line each. */
async function lookAt(page: Page, name: string): Promise<string[]> {
  const faults: string[] = [];
  const hasDialog = (await page.getByRole('dialog').count()) > 0;
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
    // The dark scheme differs in nothing but colours.
    faults.push(...(await axe(page, scheme === 'light' ? null : ['color-contrast'])).map((fault) => `${name}, ${scheme}: ${fault}`));
    await page.screenshot({ path: join(SCREENSHOTS, `${name}-${scheme}.png`), fullPage: !hasDialog });
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(PHONE);
  await page.locator('html[data-mantine-color-scheme=light]').waitFor();
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (excess > 0) faults.push(`${name}, phone: ${excess} px too wide`);
  faults.push(...(await axe(page, null)).map((fault) => `${name}, phone: ${fault}`));
  await page.screenshot({ path: join(SCREENSHOTS, `${name}-phone.png`), fullPage: !hasDialog });
  return faults;
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** Colours that are still changing are nobody's colours. */
async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => document.getAnimations().every((each) => each.playState !== 'running' || each.effect?.getTiming().iterations === Infinity));
}

async function axe(page: Page, rules: readonly string[] | null): Promise<string[]> {
  await settle(page);
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
  const options = { resultTypes: ['violations'], ...(rules === null ? {} : { runOnly: rules }) };
  const { violations } = await page.evaluate((asked) => (window as unknown as { axe: { run(options: object): Promise<AxeResult> } }).axe.run(asked), options);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}, ${help}: ${html.slice(0, 160)}`));
}
