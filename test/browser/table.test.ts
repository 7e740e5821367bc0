// The table of jobs as somebody sets it up: columns of one's own, kept, shared by link, and live.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, markDocument, reads, rows, type Scene } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment, type TestExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const JOB = `
import math, os, sys, time, jd
lr, units = float(sys.argv[1]), int(sys.argv[2])
loss = abs(math.log10(lr) + 1.5) + 8 / units
for epoch in range(4):
    jd.jd_log_metrics({"loss": loss + 1 / (epoch + 1), "val/accuracy": 1 / (1 + loss)}, step=epoch)
    jd.jd_progress(epoch + 1, 4)
    if units == 64 and epoch == 1:
        while not os.path.exists(os.environ["STAGE"] + "/end"):
            time.sleep(0.05)
if lr > 0.5:
    jd.jd_log_metric("loss", float("nan"), 4)
    raise FloatingPointError("the loss is not a number any more")
`;

let swept: Promise<TestExperiment> | null = null;

/** Nine jobs: seven are done, one failed, and one runs until the file \`end\` is there. */
async function sweep({ stage, server }: Scene): Promise<TestExperiment> {
  const experiment = await createExperiment(server, 'sweep');
  const command = `python3 ${stage.file('job.py', JOB)} {lr} {units}`;
  const jobs = [...[0.1, 0.03, 0.01, 0.001].flatMap((lr) => [16, 32].map((units) => ({ lr, units }))), { lr: 1, units: 16 }];
  await server.api.jobs.create({ params: { experiment: 'sweep' }, body: { command, jobs: jobs.map((params) => ({ params })) } });
  await server.api.jobs.create({ params: { experiment: 'sweep' }, body: { command, jobs: [{ params: { lr: 0.02, units: 64 } }], tags: ['slow'] } });
  await stage.agent({ experiments: ['sweep'], url: server.url, key: server.key, workers: 2, env: { STAGE: stage.directory } });
  await experiment.reaches(9, 'aborted');
  await experiment.reaches(10, 'running');
  return experiment;
}

const cell = (page: Page, job: number, column: string) =>
  page
    .locator('table.dr-job-table tbody tr')
    .filter({ has: page.getByRole('link', { name: `Job ${job}`, exact: true }) })
    .locator(`[data-column="${column}"]`);

browserTest('columns of one’s own: metrics that are live, params, kept for the next visit and told by the link', async (scene) => {
  await (swept ??= sweep(scene));
  const page = await scene.admin('/experiments/sweep/jobs');
  await counts(rows(page), 10);
  await page.keyboard.press('c');
  const chooser = page.getByRole('dialog', { name: 'Choose columns' });
  await chooser.getByRole('checkbox', { name: 'loss', exact: true }).press('Space');
  await chooser.getByRole('checkbox', { name: 'val/accuracy' }).check();
  await chooser.getByRole('checkbox', { name: 'lr', exact: true }).check();
  await chooser.getByRole('checkbox', { name: 'Worker' }).uncheck();
  await page.keyboard.press('Escape');
  await chooser.waitFor({ state: 'hidden' });
  await reads(cell(page, 1, 'metric:loss'), '1.25');
  await reads(cell(page, 9, 'metric:loss'), 'not finite');
  await reads(cell(page, 3, 'param:lr'), '0.03');
  // What has a column of its own is no chip any more.
  await reads(cell(page, 3, 'params'), 'units16');
  expect(await page.locator('th[data-column=worker]').count()).toBe(0);
  const columns = 'params,status,param:lr,metric:loss,metric:val/accuracy,started,finished,duration,progress,attempts';
  await addressBecomes(page, { query: { columns } });

  const document = await markDocument(page);
  const before = await cell(page, 10, 'metric:loss').textContent();
  scene.stage.file('end', '');
  await eventually(async () => expect(await cell(page, 10, 'metric:loss').textContent()).not.toBe(before));
  expect(await document.stillThere()).toBe(true);

  await page.goto(`${scene.server.url}/experiments/sweep/jobs`);
  await reads(cell(page, 1, 'metric:loss'), '1.25');
  const other = await scene.admin(`/experiments/sweep/jobs?columns=status,metric%253Aloss,colour,metric:loss`);
  await reads(cell(other, 1, 'metric:loss'), '1.25');
  expect(await other.locator('thead th').allTextContents()).toEqual(['', 'ID', 'Status', 'loss', 'Actions']);

  await page.getByRole('button', { name: 'Choose columns' }).click();
  await page.getByRole('button', { name: 'Reset columns' }).click();
  await page.locator('th[data-column=worker]').waitFor();
  await page.reload();
  await page.locator('th[data-column=worker]').waitFor();
  expect(await page.locator('th[data-column="metric:loss"]').count()).toBe(0);
});

browserTest('the table is sorted by a metric and by progress, and a worker is told by its machine and process', async (scene) => {
  await (swept ??= sweep(scene));
  const page = await scene.admin('/experiments/sweep/jobs?columns=status,metric:loss,worker,progress');
  await counts(rows(page), 10);
  const numbers = async (): Promise<number[]> => (await page.locator('[data-row-link]').allTextContents()).map(Number);
  await page.getByRole('columnheader', { name: 'loss' }).getByRole('button').press('Enter');
  await addressBecomes(page, { query: { sort: 'metric:loss', order: 'desc', columns: 'status,metric:loss,worker,progress' } });
  await page.getByRole('columnheader', { name: 'loss' }).getByRole('button').press('Enter');
  await page.locator('th[aria-sort=ascending][data-column="metric:loss"]').waitFor();
  await eventually(async () => {
    const values = await page.locator('td[data-column="metric:loss"]').allTextContents();
    const known = values.slice(0, 9).map(Number);
    expect(known).toEqual(known.toSorted((a, b) => a - b));
    expect(values[9]).toBe('not finite');
  });
  await page.reload();
  await eventually(async () => expect((await numbers()).at(-1)).toBe(9));
  await page.getByRole('columnheader', { name: 'Progress' }).getByRole('button').press('Enter');
  await addressBecomes(page, { query: { sort: 'progress', order: 'desc', columns: 'status,metric:loss,worker,progress' } });

  const [worker] = (await scene.server.api.workers.list({ params: { experiment: 'sweep' } })).workers;
  await reads(cell(page, 1, 'worker'), `${worker!.host} ${worker!.process_id}`);
  const link = cell(page, 1, 'worker').getByRole('link');
  await link.hover();
  await reads(page.getByRole('tooltip'), new RegExp(`^${worker!.host}_${worker!.instance}_[01]$`));
  await link.press('Enter');
  await page.getByRole('dialog', { name: worker!.host }).getByText('Jobs done').waitFor();
});

const RACE = `
import os, sys, time, jd
loss = float(sys.argv[1])
jd.jd_log_metric("loss", loss, 0)
if loss > 2:
    while not os.path.exists(os.environ["STAGE"] + "/better"):
        time.sleep(0.05)
    jd.jd_log_metric("loss", 0.5, 1)
    while not os.path.exists(os.environ["STAGE"] + "/over"):
        time.sleep(0.05)
`;

browserTest('sorted by a metric, a value that arrives moves no row until it is asked for', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'race');
  const command = `python3 ${stage.file('race.py', RACE)} {loss}`;
  const jobs = [1, 2, 3].map((loss) => ({ params: { loss } }));
  await server.api.jobs.create({ params: { experiment: 'race' }, body: { command, jobs } });
  await stage.agent({ experiments: ['race'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await experiment.reaches(2, 'done');
  await experiment.reaches(3, 'running');
  const page = await admin('/experiments/race/jobs?sort=metric:loss&order=asc&columns=status,metric:loss');
  await reads(cell(page, 3, 'metric:loss'), '3');
  const numbers = (): Promise<string[]> => page.locator('[data-row-link]').allTextContents();
  await eventually(async () => expect(await numbers()).toEqual(['1', '2', '3']));
  stage.file('better', '');
  await reads(cell(page, 3, 'metric:loss'), '0.5');
  const news = page.getByRole('button', { name: '1 in another place: update the list' });
  await news.waitFor();
  expect(await numbers()).toEqual(['1', '2', '3']);
  await news.press('Enter');
  await eventually(async () => expect(await numbers()).toEqual(['3', '1', '2']));
  await counts(news, 0);
  stage.file('over', '');
});

browserTest('where the browser keeps nothing, columns are still chosen', async (scene) => {
  await (swept ??= sweep(scene));
  const page = await scene.stranger();
  await page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('denied', 'SecurityError');
      },
    });
  });
  await page.goto(scene.server.url + (await scene.loginLink()));
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByRole('link', { name: 'sweep', exact: true }).first().click();
  await page.getByRole('button', { name: 'Choose columns' }).click();
  await page.getByRole('checkbox', { name: 'loss', exact: true }).check();
  await page.keyboard.press('Escape');
  await reads(cell(page, 1, 'metric:loss'), '1.25');
});

browserTest('the table with columns of one’s own: accessible in light, in dark and on a phone, which it fits; kept as pictures', async (scene) => {
  await (swept ??= sweep(scene));
  const page = await scene.admin('/', DESK);
  const path = '/experiments/sweep/jobs?columns=params,status,param:lr,metric:loss,metric:val/accuracy,message,started,duration,progress';
  await page.goto(scene.server.url + path);
  await reads(cell(page, 1, 'metric:loss'), '1.25');
  const faults = await lookAt(page, 'jobs-columns');
  await page.setViewportSize(DESK);
  await page.getByRole('button', { name: 'Choose columns' }).click();
  await page.getByRole('checkbox', { name: 'loss', exact: true }).waitFor();
  faults.push(...(await lookAt(page, 'jobs-column-chooser')));
  expect(faults).toEqual([]);
});

browserTest('a few params are shown all; of many those that differ, and the rest on hover; a tag stands beside them in one line', async ({ server, admin }) => {
  await createExperiment(server, 'params-shown');
  const params = { experiment: 'params-shown' };
  const few = [1, 2].map((seed) => ({ params: { lr: 0.1, units: 16, seed } }));
  await server.api.jobs.create({ params, body: { command: 'true', jobs: few, tags: ['first'], held: true } });
  const page = await admin('/experiments/params-shown/jobs', DESK);
  await counts(rows(page), 2);
  const chips = rows(page).first().locator('.dr-chips');
  await reads(chips, 'lr0.1units16seed2');
  const places = await Promise.all([chips.boundingBox(), rows(page).first().locator('.dr-tags').boundingBox()]);
  const [left, right] = places.map((place) => place!);
  expect(right!.x).toBeGreaterThan(left!.x + left!.width);
  expect(Math.abs(right!.y + right!.height / 2 - left!.y - left!.height / 2)).toBeLessThan(6);
  const many = [1, 2].map((seed) => ({ params: { lr: 0.1, units: 16, depth: 3, heads: 8, dropout: 0, seed } }));
  await server.api.jobs.create({ params, body: { command: 'true', jobs: many, replace_pending: true } });
  await page.reload();
  await reads(rows(page).first().locator('.dr-chips'), 'seed2+5');
  await rows(page).first().getByText('+5').hover();
  await page.getByText('depth = 3').waitFor();
});
