// A large experiment: the page asks the server for one page of rows and never holds more.
import { expect } from 'vitest';

import { browserTest, cardCount, counts, reads, rows } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

browserTest('100,000 jobs open, filter and page with one page of rows in the document', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'large');
  const upTo = (length: number): number[] => Array.from({ length }, (_, index) => index);
  const matrix = { a: upTo(100), b: upTo(100), c: upTo(10) };
  await server.api.jobs.create({ params: { experiment: 'large' }, body: { command: 'true', matrix } });
  await eventually(
    async () => expect((await server.api.experiments.get({ params: { experiment: 'large' } })).counts).toMatchObject({ pending: 100_000, expanding: 0 }),
    { within: 40_000 },
  );
  const page = await admin('/experiments/large/jobs');
  await reads(cardCount(page, 'Total'), '100,000');
  await counts(rows(page), 50);
  await reads(page.getByRole('navigation', { name: 'Pages' }), /1 to 50 of 100,000/);
  const search = page.getByLabel('Search jobs');
  await search.fill('b=42');
  await reads(page.getByRole('navigation', { name: 'Pages' }), /1 to 50 of 1,000/);
  expect(await rows(page).count()).toBe(50);
  await reads(rows(page).first().locator('[data-column=params]'), 'a99b42c9');
  await page.getByLabel('Rows per page').selectOption('250');
  await counts(rows(page), 250);
  await page.getByRole('button', { name: 'Next page' }).click();
  await reads(page.getByRole('navigation', { name: 'Pages' }), /251 to 500 of 1,000/);
  expect(await rows(page).count()).toBe(250);
  await search.fill('a=99 b=98 c=7');
  await counts(rows(page), 1);
  await server.api.jobs.cancel({ params: { experiment: 'large', number: 1 }, body: { force: false } });
  await reads(cardCount(page, 'Aborted'), '1');
  await reads(cardCount(page, 'Pending'), '99,999');
  expect(await experiment.job(1)).toMatchObject({ status: 'aborted' });
});
