// The Charts tab over jobs that really ran: what happened when, on which machine, and what came out of it.
import { readFileSync } from 'node:fs';

import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, markDocument, reads, type Scene } from '../support/browser.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const JOB = `
import math, sys, time, jd
lr, units, seed = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
if lr > 0.5 and seed == 1:
    raise FloatingPointError("the loss is not a number any more")
loss = abs(math.log10(lr) + 1.5) + 8 / units + 0.05 * math.sin(seed * 7)
for epoch in range(3):
    jd.jd_log_metrics({"loss": loss + 1 / (epoch + 1), "accuracy": 1 / (1 + loss)}, step=epoch)
time.sleep(0.005 * units)
`;
const RATES = [1, 0.1, 0.03, 0.01, 0.001];
const UNITS = [16, 32];
const SEEDS = [1, 2, 3];

async function sweep({ stage, server }: Scene, name: string): Promise<TestExperiment> {
  const experiment = await createExperiment(server, name);
  const command = `python3 ${stage.file('job.py', JOB)} {lr} {units} {seed}`;
  const jobs = RATES.flatMap((lr) => UNITS.flatMap((units) => SEEDS.map((seed) => ({ params: { lr, units, seed } }))));
  await server.api.jobs.create({ params: { experiment: name }, body: { command, jobs } });
  await stage.agent({ experiments: [name], url: server.url, key: server.key, workers: 2 });
  await experiment.ends();
  return experiment;
}

const figure = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

async function savedCsv(page: Page, title: string): Promise<string[]> {
  await page.getByRole('button', { name: `Save ${title}` }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Data (CSV)' }).click()]);
  expect(download.suggestedFilename()).toMatch(/\.csv$/);
  return readFileSync(await download.path(), 'utf8')
    .trim()
    .split(/\r?\n/);
}

let swept: Promise<TestExperiment> | null = null;

browserTest('activity: ends, throughput and depth, kept up to date, as a table and as files', async (scene) => {
  const experiment = await (swept ??= sweep(scene, 'sweep'));
  const page = await scene.admin('/experiments/sweep/charts');
  const ended = figure(page, 'Jobs ended');
  await reads(ended.locator('header'), /28 done, 2 aborted/);
  await counts(page.locator('.dr-figure canvas'), 3);
  const document = await markDocument(page);
  await experiment.add({ command: 'true', params: { lr: 0.1, units: 16, seed: 4 } });
  await reads(ended.locator('header'), /29 done, 2 aborted/);
  await page.getByRole('button', { name: 'Jobs ended as a table' }).click();
  expect(await ended.getByRole('row').count()).toBe(61);
  const lines = await savedCsv(page, 'Jobs ended');
  expect(lines).toHaveLength(61);
  const total = (column: number): number => lines.slice(1).reduce((sum, line) => sum + Number(line.split(',')[column]), 0);
  expect([total(1), total(2)]).toEqual([29, 2]);
  await page.getByRole('button', { name: 'Jobs ended as a table' }).click();
  await ended.locator('canvas').waitFor();
  await page.getByRole('button', { name: 'Save Jobs ended' }).click();
  const [picture] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Picture (PNG)' }).click()]);
  expect(
    readFileSync(await picture.path())
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
  await page.getByText('Hours', { exact: true }).click();
  await addressBecomes(page, { query: { bucket: 'hour' } });
  await page.getByRole('button', { name: 'Earlier' }).click();
  await page.getByText('No job ended in this time').waitFor();
  await page.getByRole('button', { name: 'Go to the last one' }).click();
  await reads(ended.locator('header'), /29 done, 2 aborted/);
  expect(await document.stillThere()).toBe(true);
});

browserTest('machines: what each did, and which value of a param fails', async (scene) => {
  await (swept ??= sweep(scene, 'sweep'));
  const page = await scene.admin('/experiments/sweep/charts?view=machines&search=seed%3C4');
  await reads(figure(page, 'Failures by parameter').locator('header'), /2 jobs failed; most often at/);
  await figure(page, 'Failures by parameter').getByRole('combobox', { name: 'Param' }).selectOption('lr');
  await addressBecomes(page, { query: { view: 'machines', search: 'seed<4', param: 'lr' } });
  await reads(figure(page, 'Failures by parameter').locator('header'), /most often at 1: 33 %/);
  expect(await savedCsv(page, 'Failures by parameter')).toContain('1,4,2,0,33.3');
  await page.locator('.dr-chart-bar').getByText('Workers', { exact: true }).click();
  await addressBecomes(page, { query: { view: 'machines', search: 'seed<4', param: 'lr', by: 'worker' } });
  await counts(figure(page, 'Statistics of each').locator('tbody tr'), 2);
});

browserTest('results: the best jobs, replicates told from params, and a point opens its job', async (scene) => {
  await (swept ??= sweep(scene, 'sweep'));
  const page = await scene.admin('/experiments/sweep/charts?view=results&metric=loss&search=seed%3C4');
  const best = page.locator('.dr-best-table tbody tr');
  await reads(best.first(), /0\.0[23]/);
  await best.first().getByRole('link').click();
  await addressBecomes(page, { path: '/experiments/sweep/jobs/16' });
  await page.goBack();
  await best.first().waitFor();
  await page.getByText('Maximise', { exact: true }).click();
  await addressBecomes(page, { query: { view: 'results', metric: 'loss', search: 'seed<4', goal: 'maximise' } });
  await reads(best.first(), /^122\.383/);
  await page.getByLabel('Metric').selectOption('accuracy');
  const groups = await savedCsv(page, 'Replicates');
  expect(groups).toHaveLength(1 + RATES.length * UNITS.length);
});

browserTest('every view: accessible in light, in dark and on a phone, which it fits; kept as pictures', async (scene) => {
  await (swept ??= sweep(scene, 'sweep'));
  await createExperiment(scene.server, 'empty');
  const page = await scene.admin('/', DESK);
  const sights = [
    ['charts-activity', '/experiments/sweep/charts', 3],
    ['charts-machines', '/experiments/sweep/charts?view=machines', 3],
    ['charts-results', '/experiments/sweep/charts?view=results&metric=loss&log=lr', 5],
    ['charts-empty', '/experiments/empty/charts', 'Nothing waited or ran'],
    ['charts-no-metric', '/experiments/empty/charts?view=results', 'No metrics yet'],
  ] as const;
  const faults: string[] = [];
  for (const [name, path, ready] of sights) {
    await page.setViewportSize(DESK);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(scene.server.url + path);
    if (typeof ready === 'string') await page.getByText(ready).waitFor();
    else
      await page
        .locator('.dr-figure canvas')
        .nth(ready - 1)
        .waitFor();
    faults.push(...(await lookAt(page, name)));
  }
  expect(faults).toEqual([]);
});
