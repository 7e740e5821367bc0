// Tags: given and taken in the bar, seen in the list, found in the search.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, rows, type Scene } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

async function make({ server }: Scene, name: string): Promise<void> {
  await createExperiment(server, name);
  const params = { experiment: name };
  const jobs = Array.from({ length: 6 }, (_, index) => ({ params: { lr: [0.1, 0.01, 0.001][index % 3]!, units: 16 + index } }));
  await server.api.jobs.create({ params, body: { command: 'true', jobs } });
  await server.api.jobs.bulk({ params, body: { action: 'add_tags', filter: { numbers: '1-2' }, tags: ['baseline'] } });
  await server.api.jobs.bulk({ params, body: { action: 'cancel', filter: { numbers: '1' } } });
}

const tags = (page: Page, job: number): Locator =>
  rows(page)
    .filter({ has: page.getByRole('link', { name: `Job ${job}`, exact: true }) })
    .locator('.dr-tag');

async function openTags(page: Page, jobs: readonly number[]): Promise<Locator> {
  for (const job of jobs) await page.getByRole('checkbox', { name: `Select job ${job}`, exact: true }).check();
  await page.getByRole('region', { name: 'Selected jobs' }).getByRole('button', { name: 'Tags' }).click();
  return page.getByRole('dialog');
}

browserTest('tags are added and taken away, told before, and lead to the jobs that have them', async (scene) => {
  await make(scene, 'tagged');
  const page = await scene.admin('/experiments/tagged/jobs');
  const dialog = await openTags(page, [1, 2, 6]);
  await dialog.getByRole('combobox', { name: 'Tags' }).fill('baseline');
  await page.keyboard.press('Enter');
  await dialog.getByText('1 of 3 jobs will be tagged.').waitFor();
  await dialog.getByText('2 have all of them already').waitFor();
  await dialog.getByRole('combobox', { name: 'Tags' }).fill('look at this');
  await page.keyboard.press('Enter');
  await dialog.getByRole('heading').click();
  // An aborted job is tagged as any other.
  await dialog.getByRole('button', { name: 'Tag 3 jobs' }).click();
  await page.getByText('Tagged 3 jobs').waitFor();
  await counts(tags(page, 6), 2);
  await tags(page, 6).filter({ hasText: 'look at this' }).press('Enter');
  await addressBecomes(page, { query: { search: 'tag:"look at this"' } });
  await counts(rows(page), 3);
  await tags(page, 1).first().click();
  await addressBecomes(page, { query: { search: 'tag:"look at this" tag:baseline' } });
  await page.getByLabel('Search jobs').fill('-tag:baseline');
  await counts(rows(page), 3);
  await reads(page.getByRole('navigation', { name: 'Pages' }), /1 to 3 of 3/);

  await page.getByLabel('Search jobs').fill('');
  await counts(rows(page), 6);
  const again = await openTags(page, [2, 3]);
  await again.getByText('Remove', { exact: true }).click();
  await again.getByRole('combobox', { name: 'Tags' }).click();
  await page.getByRole('option', { name: 'baseline' }).click();
  await again.getByText('1 of 2 jobs will lose tags.').waitFor();
  await again.getByRole('heading').click();
  await again.getByRole('button', { name: 'Take tags from 1 job' }).click();
  await counts(tags(page, 2), 1);
  expect((await scene.server.api.jobs.tags({ params: { experiment: 'tagged' } })).tags).toEqual(['baseline', 'look at this']);
});

browserTest('tags in the list and their dialog: accessible in light, in dark and on a phone, which it fits; kept as pictures', async (scene) => {
  await make(scene, 'tags-seen');
  const params = { experiment: 'tags-seen' };
  const tag = (numbers: string, ...names: string[]) => scene.server.api.jobs.bulk({ params, body: { action: 'add_tags', filter: { numbers }, tags: names } });
  await tag('4-5', 'paper', 'look at this again before the deadline, please: 60 letters');
  await tag('6', 'best');
  const page = await scene.admin('/experiments/tags-seen/jobs', DESK);
  await counts(tags(page, 5), 2);
  const faults = await lookAt(page, 'jobs-tags');
  await page.setViewportSize(DESK);
  const dialog = await openTags(page, [4, 5, 6]);
  await dialog.getByRole('combobox', { name: 'Tags' }).fill('paper');
  await page.keyboard.press('Enter');
  await dialog.getByText('1 of 3 jobs will be tagged.').waitFor();
  await page.getByRole('heading', { name: 'Tag the selected jobs' }).click();
  faults.push(...(await lookAt(page, 'jobs-tag-dialog')));
  expect(faults).toEqual([]);
});
