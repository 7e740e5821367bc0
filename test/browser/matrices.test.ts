// The Matrices tab: what was added as one grid, how far it is, its jobs, and more jobs like them.
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const card = (id: number) => `article[aria-label="Matrix ${id}"]`;

browserTest('shows how far each matrix is, leads to its jobs, and adds more like them', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'grid');
  const params = { experiment: 'grid' };
  await experiment.add({ command: 'true', params: { alone: 1 } });
  await server.api.jobs.create({ params, body: { matrix: { lr: [0.1, 0.01, 0.001], units: [16, 32] }, command: 'test {lr} != 0.001', timeout_seconds: 60 } });
  await stage.agent({ experiments: ['grid'], url: server.url, key: server.key, workers: 2 });
  const page = await admin('/experiments/grid/matrices');
  const matrix = page.locator(card(1));
  await reads(matrix, /Matrix 1.*3 × 2 = 6 jobs, numbers 2 to 7.*4 done.*2 aborted/s);
  await reads(matrix.locator('.dr-axes'), /lr0\.10\.010\.001units1632/);
  await matrix.getByRole('link', { name: /4 done/ }).click();
  await addressBecomes(page, { path: '/experiments/grid/jobs', query: { matrix: '1', status: 'done' } });
  await counts(rows(page), 4);
  await page.getByRole('link', { name: 'Only matrix 1: show all jobs' }).click();
  await addressBecomes(page, { query: { status: 'done' } });
  await counts(rows(page), 5);
  await page.getByRole('link', { name: 'Matrices' }).click();
  await matrix.getByRole('link', { name: 'Add jobs like these of matrix 1' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Values of parameter 1').waitFor();
  expect(await dialog.getByLabel('Values of parameter 1').inputValue()).toBe('0.1, 0.01, 0.001');
  await dialog.getByLabel('Values of parameter 1').fill('0.2, 0.3');
  await dialog.getByRole('button', { name: 'Review 4 jobs' }).click();
  await dialog.getByRole('button', { name: /^Create 4/ }).click();
  await dialog.waitFor({ state: 'hidden' });
  const second = (await server.api.matrices.get({ params: { ...params, matrix_id: 2 } })) as object;
  expect(second).toMatchObject({ spec: { lr: [0.2, 0.3], units: [16, 32] }, command: 'test {lr} != 0.001', timeout_seconds: 60 });
  await page.getByRole('link', { name: 'Matrices' }).click();
  await reads(page.locator(card(2)), /Matrix 2.*4 done/s);
  expect(await page.locator('article').first().getAttribute('aria-label')).toBe('Matrix 2');
});

browserTest('a large matrix is told from a share of its jobs, and many matrices page by page', async ({ server, admin }) => {
  await createExperiment(server, 'large');
  const params = { experiment: 'large' };
  for (let seed = 0; seed < 21; seed += 1) await server.api.jobs.create({ params, body: { matrix: { seed: [seed] }, command: 'true' } });
  const values = Array.from({ length: 3_000 }, (_, index) => index);
  await server.api.jobs.create({ params, body: { matrix: { learning_rate: [0.1, 0.01], seed: values }, command: 'true', held: true } });
  const page = await admin('/experiments/large/matrices');
  const first = page.locator('article').first();
  await reads(first, /2 × 3,000 = 6,000 jobs.*and 2,988 more.*≈ 6,000 pending.*from a share of its jobs/s);
  await counts(page.locator('article'), 20);
  await page.getByRole('link', { name: 'Older' }).click();
  await counts(page.locator('article'), 2);
  await page.getByRole('link', { name: 'Newest' }).click();
  await counts(page.locator('article'), 20);
});

browserTest('a heat map over any two params leads to the jobs of a cell, by keyboard too', async ({ stage, server, admin }) => {
  await createExperiment(server, 'heat');
  const params = { experiment: 'heat' };
  const matrix = { I: [1, 2, 3, 4], J: ['linear', 'quadratic', 'exotic'], K: ['banana', 'rockingchair', 'airplane'] };
  const { matrix_id } = await server.api.jobs.create({ params, body: { matrix, command: 'test {J} != exotic' } });
  const id = String(matrix_id);
  await stage.agent({ experiments: ['heat'], url: server.url, key: server.key, workers: 2 });
  const page = await admin('/experiments/heat/matrices');
  const map = page.locator(card(Number(id)));
  await reads(map, /4 × 3 × 3 = 36 jobs.*24 done.*12 aborted/s);
  await map.getByRole('link', { name: `Heat map of matrix ${id}` }).click();
  await addressBecomes(page, { path: '/experiments/heat/matrices', query: { map: id } });
  await counts(map.locator('td[data-tone]'), 12);
  await map.getByLabel('Columns').selectOption('K');
  await map.getByLabel('Rows').selectOption('J');
  await addressBecomes(page, { query: { map: id, x: 'K', y: 'J' } });
  await counts(map.locator('td[data-tone="done"]'), 6);
  await counts(map.locator('td[data-tone="aborted"]'), 3);
  expect(await map.locator('tbody tr').last().locator('td').first().getAttribute('title')).toBe('4 aborted');
  const faults = await lookAt(page, 'matrix-heat');
  expect(faults).toEqual([]);
  await page.setViewportSize(DESK);
  await map.getByRole('link', { name: '4 aborted' }).first().focus();
  await page.keyboard.press('Enter');
  await addressBecomes(page, { path: '/experiments/heat/jobs', query: { matrix: id, search: 'J=exotic K=banana' } });
  await counts(rows(page), 4);
});

browserTest('accessible in light, in dark and on a phone, which it fits; kept as pictures', async (scene) => {
  const { server } = scene;
  await createExperiment(server, 'sights');
  await createExperiment(server, 'none');
  const params = { experiment: 'sights' };
  const command = 'python3 train.py --lr {learning_rate} --optimizer {optimizer} --seed {seed}';
  const seeds = Array.from({ length: 40 }, (_, index) => index);
  await server.api.jobs.create({
    params,
    body: { matrix: { learning_rate: [0.1, 0.03, 0.01], optimizer: ['adam', 'sgd with momentum'], seed: seeds }, command, machine_class: 'gpu' },
  });
  await server.api.jobs.create({ params, body: { matrix: { learning_rate: [0.1], optimizer: ['adam'], seed: [1, 2, 3] }, command } });
  await server.api.jobs.cancel({ params: { ...params, number: 241 }, body: { force: false } });
  const page = await scene.admin('/', DESK);
  const faults: string[] = [];
  for (const [name, path, ready] of [
    ['matrices', '/experiments/sights/matrices', '3 × 2 × 40'],
    ['matrices-none', '/experiments/none/matrices', 'No matrix yet'],
  ] as const) {
    await page.setViewportSize(DESK);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(server.url + path);
    await page.getByText(ready).first().waitFor();
    faults.push(...(await lookAt(page, name)));
  }
  expect(faults).toEqual([]);
});
