// Jobs side by side: what differs between them, what they measured, and their curves over each other.
import { readFileSync } from 'node:fs';

import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, type Scene } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const JOB = `
import math, sys, jd
lr, units = float(sys.argv[1]), int(sys.argv[2])
for epoch in range(30):
    loss = math.exp(-lr * epoch) + 4 / units + 0.02 * math.sin(epoch * units)
    jd.jd_log_metrics({"loss": loss, "accuracy": 1 - 0.5 * loss}, step=epoch)
`;

async function run({ stage, server }: Scene, name: string): Promise<void> {
  const experiment = await createExperiment(server, name);
  const command = `python3 ${stage.file('job.py', JOB)} {lr} {units}`;
  const jobs = [0.5, 0.2, 0.1, 0.05].flatMap((lr) => [16, 32].map((units) => ({ params: { lr, units, data: 'digits' } })));
  await server.api.jobs.create({ params: { experiment: name }, body: { command, jobs, tags: ['first'] } });
  await stage.agent({ experiments: [name], url: server.url, key: server.key, workers: 2 });
  await experiment.ends();
}

let ran: Promise<void> | null = null;

browserTest('from the best jobs: params that differ, last values, curves; jobs come and go', async (scene) => {
  await (ran ??= run(scene, 'sweep'));
  const page = await scene.admin('/experiments/sweep/charts?view=results&metric=loss');
  await page.getByRole('region', { name: 'Best jobs', exact: true }).getByRole('link', { name: 'Compare' }).click();
  await addressBecomes(page, { path: '/experiments/sweep/compare', query: { jobs: '1-8' } });
  await page.getByRole('button', { name: 'Leave job 8 out' }).click();
  await addressBecomes(page, { query: { jobs: '1-7' } });
  const table = page.getByRole('region', { name: 'Compared jobs' });
  const row = (name: string) => table.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
  await reads(row('lr'), /^lr0\.50\.50\.20\.20\.10\.10\.05$/);
  await reads(row('units'), /^units16321632163216$/);
  await counts(row('data'), 0);
  await page.getByRole('switch', { name: 'Also what is the same' }).click();
  await reads(row('data'), /^data(digits){7}$/);
  await reads(row('tags'), /^tags(first){7}$/);
  await reads(row('loss'), /^loss0\.2/);
  await page.getByLabel('Numbers of jobs to add').fill('8, 99');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await addressBecomes(page, { query: { jobs: '1-8,99', all: 'true' } });
  await page.getByText('No job has the number 99').waitFor();
  const loss = page.getByRole('region', { name: 'loss', exact: true });
  await reads(loss.locator('header'), /8 of 8 jobs, over steps/);
  await page.getByText('Time', { exact: true }).click();
  await reads(loss.locator('header'), /over time since their first point/);
  await page.getByRole('button', { name: 'Save loss' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Data (CSV)' }).click()]);
  const lines = readFileSync(await download.path(), 'utf8')
    .trim()
    .split('\r\n');
  expect(lines).toHaveLength(1 + 8 * 30);
  expect(lines[1]).toMatch(/^1,1,0,1\.25,20/);
  await page.reload();
  await reads(loss.locator('header'), /over time since their first point/);
});

browserTest('from a job: one alone, then with others; accessible, and kept as pictures', async (scene) => {
  await (ran ??= run(scene, 'sweep'));
  const page = await scene.admin('/experiments/sweep/jobs/3', DESK);
  await page.getByRole('link', { name: 'Compare' }).click();
  await addressBecomes(page, { path: '/experiments/sweep/compare', query: { jobs: '3' } });
  await page.getByLabel('Numbers of jobs to add').fill('x');
  await page.getByText('Numbers such as 7 or 3-5').waitFor();
  await page.getByLabel('Numbers of jobs to add').fill('1-8');
  await page.keyboard.press('Enter');
  await addressBecomes(page, { query: { jobs: '1-8' } });
  await counts(page.locator('.dr-figure canvas'), 2);
  const faults = await lookAt(page, 'compare');
  await page.setViewportSize(DESK);
  await page.goto(`${scene.server.url}/experiments/sweep/compare`);
  await page.getByText('No jobs to compare yet').waitFor();
  faults.push(...(await lookAt(page, 'compare-none')));
  expect(faults).toEqual([]);
});
