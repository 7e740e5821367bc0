// The page of an experiment: five numbers that lead somewhere, a list that stays live, and a URL that holds what one looks at.
import { expect } from 'vitest';

import { addressBecomes, browserTest, card, cardCount, counts, markDocument, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

const GATED = 'while [ ! -e "$STAGE/gate-{step}" ]; do sleep 0.02; done; [ "{step}" != fail ] || { echo broken >&2; exit 3; }';

browserTest('numbers, rows and workers change while jobs run, without a reload', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune');
  for (const step of ['one', 'two', 'fail']) await experiment.add({ command: GATED, params: { step } });
  const page = await admin('/experiments/tune/jobs');
  const document = await markDocument(page);
  await reads(page.getByRole('alert'), /3 jobs are waiting, but no worker is connected.*drover worker start --experiment tune/s);
  const numbers = ['Total', 'Pending', 'Running', 'Done', 'Aborted'] as const;
  const show = async (expected: string): Promise<void> => {
    for (const [index, text] of expected.split(' ').entries()) await reads(cardCount(page, numbers[index]!), text);
  };
  await show('3 3 0 0 0');
  await stage.agent({ experiments: ['tune'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await show('3 1 2 0 0');
  await counts(page.getByRole('alert'), 0);
  await reads(page.locator('.dr-pace'), /2\s*busy workers.*0\s*idle workers/);
  stage.file('gate-one', '');
  await show('3 0 2 1 0');
  stage.file('gate-two', '');
  stage.file('gate-fail', '');
  await show('3 0 0 2 1');
  await reads(page.locator('.dr-pace'), /100% 3 of 3 ended.*2\s*idle workers/);
  await reads(rows(page).nth(0).locator('[data-column=status]'), 'Aborted');
  await reads(rows(page).nth(2).locator('[data-column=status]'), 'Done');
  await reads(rows(page).nth(2).locator('[data-column=worker]'), /^\S+ \d+$/);
  expect(await document.stillThere()).toBe(true);

  await card(page, 'Aborted').click();
  await addressBecomes(page, { query: { status: 'aborted' } });
  await counts(rows(page), 1);
  await reads(rows(page).locator('[data-column=params]'), 'stepfail');
  await card(page, 'Total').click();
  await addressBecomes(page, { query: {} });
  await counts(rows(page), 3);
});

browserTest('filter, search, sort and page stand in the URL, and reload and back keep them', async ({ server, admin }) => {
  await createExperiment(server, 'grid');
  const matrix = { lr: [0.1, 0.01], seed: Array.from({ length: 60 }, (_, index) => index) };
  await server.api.jobs.create({ params: { experiment: 'grid' }, body: { command: 'true', matrix } });
  const page = await admin('/experiments/grid/jobs');
  await counts(rows(page), 50);
  const search = page.getByLabel('Search jobs');
  await search.fill('lr=0.1');
  await addressBecomes(page, { query: { search: 'lr=0.1' } });
  await reads(page.getByRole('navigation', { name: 'Pages' }), /1 to 50 of 60/);
  await reads(rows(page).first().locator('[data-column=number]'), '60');
  await page
    .getByRole('navigation', { name: 'Filter by status' })
    .getByRole('link', { name: /Pending/ })
    .click();
  await page.getByRole('columnheader', { name: 'ID' }).getByRole('button').click();
  await reads(rows(page).first().locator('[data-column=number]'), '1');
  await page.getByLabel('Rows per page').selectOption('25');
  await counts(rows(page), 25);
  await page.getByRole('button', { name: 'Next page' }).click();
  await reads(rows(page).first().locator('[data-column=number]'), '26');
  await page.getByRole('button', { name: 'Next page' }).click();
  await reads(rows(page).first().locator('[data-column=number]'), '51');
  await reads(page.getByRole('navigation', { name: 'Pages' }), /51 to 60 of 60/);
  expect(await page.getByRole('button', { name: 'Next page' }).isDisabled()).toBe(true);

  await page.reload();
  await counts(rows(page), 10);
  expect(await search.inputValue()).toBe('lr=0.1');
  expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({ status: 'pending', search: 'lr=0.1', order: 'asc', size: '25', page: '3' });
  await page.goBack();
  await reads(rows(page).first().locator('[data-column=number]'), '26');
  await page.getByRole('button', { name: 'Previous page' }).click();
  await reads(rows(page).first().locator('[data-column=number]'), '1');
  await rows(page).first().getByRole('link', { name: 'Job 1', exact: true }).click();
  await page.getByRole('heading', { name: 'grid/1', level: 1 }).waitFor();
  await page.goBack();
  await reads(rows(page).first().locator('[data-column=number]'), '1');
  expect(await search.inputValue()).toBe('lr=0.1');

  await search.fill('lr=77');
  await page.getByText('No job fits this filter').waitFor();
  await page.getByRole('button', { name: 'Show all jobs' }).click();
  await reads(page.getByRole('navigation', { name: 'Pages' }), /1 to 50 of 120/);
});

browserTest('home shows experiments with problems first, and its counts are links', async ({ server, admin }) => {
  const calm = await createExperiment(server, 'calm');
  const waiting = await createExperiment(server, 'waiting');
  await waiting.add({ command: 'true', times: 4 });
  const held = await calm.add({ command: 'true' });
  await server.api.jobs.cancel({ params: { experiment: 'waiting', number: 1 }, body: { force: false } });
  await server.api.jobs.remove({ params: { experiment: 'calm', number: held } });
  const page = await admin('/');
  const names = page.locator('.dr-experiment-name');
  await page.getByText('No worker is connected').first().waitFor();
  const shown = await names.allTextContents();
  expect(shown.at(-1)).toBe('calm');
  expect(shown.indexOf('waiting')).toBeLessThan(shown.indexOf('calm'));
  await waiting.add({ command: 'true' });
  const pending = page
    .locator('.dr-experiment')
    .first()
    .getByRole('link', { name: /pending/ });
  await reads(pending, '4 pending');
  await pending.click();
  await addressBecomes(page, { path: '/experiments/waiting/jobs', query: { status: 'pending' } });
  await counts(rows(page), 4);

  await page.goto(server.url);
  await page.getByRole('button', { name: 'New experiment' }).click();
  await page.getByLabel('Name').fill('Not Good');
  await page.getByText('Only small letters').waitFor();
  await page.getByLabel('Name').fill('brand-new');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('No jobs yet').waitFor();
  await addressBecomes(page, { path: '/experiments/brand-new/jobs' });
});

browserTest('who leaves right after typing a search is not called back', async ({ server, admin }) => {
  await createExperiment(server, 'leaving');
  const page = await admin('/experiments/leaving/jobs');
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route(/\/assets\/workers-[^/]*\.js$/, async (route) => {
    await held;
    await route.continue();
  });
  await page.clock.install();
  await page.getByLabel('Search jobs').fill('lr=0.1');
  await page.getByRole('link', { name: 'Workers', exact: true }).click();
  // The search is due while the page to come is still being loaded.
  await page.clock.runFor(2_000);
  release();
  await page.getByLabel('Search workers').waitFor();
  await addressBecomes(page, { path: '/experiments/leaving/workers' });
});
