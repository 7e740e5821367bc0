// Networks as they are: a server that goes away and comes back, and a page served over plain HTTP from another host.
import { expect } from 'vitest';

import { addressBecomes, browserTest, cardCount, counts, OTHER_HOST, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

browserTest('a lost connection is shown, and heals with everything that happened meanwhile', async ({ server, admin, expects }) => {
  const experiment = await createExperiment(server, 'tune');
  await experiment.add({ command: 'true', params: { lr: 0.1 } });
  const page = await admin('/experiments/tune/jobs');
  const live = page.getByRole('button', { name: /live updates$/ });
  await reads(live, 'Live');
  expects(/ERR_|Failed to load resource/);
  // Soon after a page is there, the programs of the others are there too.
  await page.waitForFunction(() => performance.getEntriesByName('all pages are there').length > 0);
  await server.stop();
  await reads(live, 'Reconnecting');
  await page.getByRole('link', { name: 'Workers', exact: true }).click();
  await addressBecomes(page, { path: '/experiments/tune/workers' });
  await page.getByRole('heading', { name: 'tune', level: 1 }).waitFor();
  // It is asked several times first, with pauses that grow.
  await page.getByRole('main').getByText('The server does not answer').waitFor({ timeout: 45_000 });
  await page.getByRole('link', { name: 'Jobs', exact: true }).click();
  await counts(rows(page), 1);
  await server.start();
  await experiment.add({ command: 'true', params: { lr: 0.2 } });
  await reads(live, 'Live');
  await reads(cardCount(page, 'Total'), '2');
  await experiment.add({ command: 'true', params: { lr: 0.3 } });
  await reads(cardCount(page, 'Total'), '3');
});

browserTest('paused means paused: news are counted, and shown when asked for', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'tune-2');
  await experiment.add({ command: 'true' });
  const page = await admin('/experiments/tune-2/jobs');
  const live = page.getByRole('button', { name: /live updates$/ });
  await reads(live, 'Live');
  await live.click();
  await reads(live, 'Paused');
  await experiment.add({ command: 'true' });
  await reads(live, 'Paused · 1 new');
  expect(await cardCount(page, 'Total').textContent()).toBe('1');
  await live.click();
  await reads(cardCount(page, 'Total'), '2');
  // A new row would push the others down, so it waits for a click.
  await page.getByRole('button', { name: '1 new: update the list' }).click();
  await reads(rows(page).first().locator('[data-column=number]'), '2');
});

browserTest('over plain HTTP from another host everything works, copying too', async ({ server, stranger, loginLink }) => {
  const experiment = await createExperiment(server, 'tune-3');
  await experiment.add({ command: 'echo "{note}"', params: { note: 'copy me, please' } });
  const url = server.url.replace('127.0.0.1', OTHER_HOST);
  const page = await stranger();
  await page.goto(url + (await loginLink()));
  await page.getByRole('heading', { name: 'Experiments' }).waitFor();
  expect(await page.evaluate(() => window.isSecureContext)).toBe(false);
  await page.goto(`${url}/experiments/tune-3/jobs/1`);
  await page.getByRole('button', { name: 'Copy note' }).click();
  await page.getByRole('button', { name: 'Copy note' }).and(page.locator(':has(.tabler-icon-check)')).waitFor();
  await page.goto(`${url}/experiments/tune-3/jobs`);
  await page.getByLabel('Search jobs').focus();
  await page.keyboard.press('Control+V');
  expect(await page.getByLabel('Search jobs').inputValue()).toBe('copy me, please');
  await page.getByLabel('Search jobs').fill('');

  // Writes are taken from there too, and the stream is live.
  await page.getByRole('button', { name: 'Edit job 1' }).click();
  await page.getByRole('dialog').getByLabel('note').fill('changed');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await reads(rows(page).first().locator('[data-column=params]'), 'notechanged');
  await experiment.add({ command: 'true' });
  await reads(cardCount(page, 'Total'), '2');

  // A browser that lets no page copy.
  await page.evaluate(() => void (document.execCommand = () => false));
  await page
    .getByRole('button', { name: /^Copy command/ })
    .first()
    .click();
  await page.getByText(/does not let this page copy/).waitFor();
});
