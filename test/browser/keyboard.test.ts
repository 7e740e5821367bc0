// The main flow without a mouse.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

/** One right after the other: what takes the page long to do for the first does not come between them. */
async function pressBoth(page: Page, first: string, second: string): Promise<void> {
  await Promise.all([page.keyboard.press(first), page.keyboard.press(second)]);
}

browserTest('from the list to a job and back by keys alone; live changes take neither focus nor an open menu', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'tune');
  for (const lr of [0.1, 0.2, 0.3]) await experiment.add({ command: 'true', params: { lr } });
  const page = await admin('/experiments/tune/jobs');
  await counts(rows(page), 3);
  const focused = page.locator(':focus');
  await page.keyboard.press('j');
  await reads(focused, '3');
  await page.keyboard.press('j');
  await reads(focused, '2');
  await page.keyboard.press('k');
  await reads(focused, '3');
  await page.keyboard.press('j');
  const edit = (lr: number, revision: number) => server.api.jobs.edit({ params: { experiment: 'tune', number: 2 }, body: { params: { lr }, revision } });
  await edit(0.25, 1);
  await reads(rows(page).nth(1).locator('[data-column=params]'), 'lr0.25');
  await reads(focused, '2');
  await page.getByRole('button', { name: 'More actions for job 2' }).press('Enter');
  await page.getByRole('menuitem', { name: 'Hold' }).waitFor();
  await edit(0.26, 2);
  await reads(rows(page).nth(1).locator('[data-column=params]'), 'lr0.26');
  expect(await page.getByRole('menuitem', { name: 'Hold' }).isVisible()).toBe(true);
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'hidden' });

  await page.locator('[data-row-link]').nth(1).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'tune/2', level: 1 }).waitFor();
  await page.keyboard.press('j');
  await page.getByRole('heading', { name: 'tune/3', level: 1 }).waitFor();
  await page.keyboard.press('k');
  await page.getByRole('heading', { name: 'tune/2', level: 1 }).waitFor();
  await pressBoth(page, 'g', 'j');
  await addressBecomes(page, { path: '/experiments/tune/jobs' });
  await counts(rows(page), 3);

  await page.keyboard.press('/');
  await page.keyboard.type('lr=0.1');
  await counts(rows(page), 1);
  // Keys rest while one types: no dialog, no other page.
  await page.keyboard.type('n?');
  expect(await page.getByRole('dialog').count()).toBe(0);
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  const keys = page.getByRole('dialog', { name: 'Keys on this page' });
  await reads(keys, /Search jobs.*Show|Search jobs/);
  await page.keyboard.press('Escape');
  await keys.waitFor({ state: 'hidden' });
  const scheme = page.locator('html');
  expect(await scheme.getAttribute('data-mantine-color-scheme')).toBe('light');
  await page.keyboard.press('t');
  await expect.poll(() => scheme.getAttribute('data-mantine-color-scheme')).toBe('dark');
  await pressBoth(page, 'g', 'w');
  await addressBecomes(page, { path: '/experiments/tune/workers' });
  await pressBoth(page, 'g', 'h');
  await addressBecomes(page, { path: '/' });
});

browserTest('the first stop of the Tab key skips to the content, and a dialog keeps the focus and gives it back', async ({ server, admin }) => {
  await createExperiment(server, 'tune-2');
  const page = await admin('/experiments/tune-2/jobs');
  await page.keyboard.press('Tab');
  await reads(page.locator(':focus'), 'Skip to the content');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('main');
  const add = page.getByRole('button', { name: 'Add jobs' }).first();
  await add.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Add jobs' });
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Name of parameter 1');
  for (let step = 0; step < 25; step += 1) {
    await page.keyboard.press('Tab');
    expect(await dialog.locator(':focus').count()).toBe(1);
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await reads(page.locator(':focus'), 'Add jobs');
});

browserTest('the palette: a job by its number, a place, another experiment, a search, an action', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'jumps');
  await createExperiment(server, 'other');
  for (const lr of [0.1, 0.2]) await experiment.add({ command: 'true', params: { lr } });
  const page = await admin('/experiments/jumps/jobs');
  await counts(rows(page), 2);
  const jump = async (text: string): Promise<void> => {
    await page.keyboard.press('Control+k');
    await page.locator('[role=dialog] input:focus').waitFor();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  };
  await jump('2');
  await page.getByRole('heading', { name: 'jumps/2', level: 1 }).waitFor();
  await jump('jumps/1');
  await page.getByRole('heading', { name: 'jumps/1', level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'jumps/2', level: 1 }).waitFor();
  await page.goBack();
  await counts(rows(page), 2);
  await jump('lr=0.2');
  await addressBecomes(page, { path: '/experiments/jumps/jobs', query: { search: 'lr=0.2' } });
  await counts(rows(page), 1);

  await page.getByRole('button', { name: 'Search or jump to' }).click();
  await page.locator('[role=dialog] input:focus').waitFor();
  await page.keyboard.type('to');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.type(' workers');
  await page.keyboard.press('Enter');
  await addressBecomes(page, { path: '/experiments/jumps/workers' });
  const palette = page.getByRole('dialog');
  await palette.waitFor({ state: 'hidden' });
  await page.keyboard.press('Control+k');
  await page.locator('[role=dialog] input:focus').waitFor();
  await page.keyboard.type('oth');
  await page.getByRole('button', { name: 'other' }).click();
  await addressBecomes(page, { path: '/experiments/other/jobs' });
});
