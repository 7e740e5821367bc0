// Addresses that somebody typed, cut off or kept from an older version: a page takes what it knows of them, and shows itself without the rest.
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const TAB = '/experiments/typed';

browserTest('what an address says that no page knows is left out, and the rest counts', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'typed');
  await experiment.add({ command: 'echo hello', times: 3 });
  await stage.agent({ experiments: ['typed'], url: server.url, key: server.key });
  await experiment.ends();
  const page = await admin(`${TAB}/jobs?status=ended&sort=beauty&order=up&size=many&job=first&matrix=x&add=maybe&columns=none,of,these`);
  await counts(rows(page), 3);
  await addressBecomes(page, { path: `${TAB}/jobs`, query: {} });
  await page.goto(`${server.url}${TAB}/jobs?status=done&sort=beauty&order=asc`);
  await reads(rows(page).first().locator('[data-row-link]'), '1');
  await addressBecomes(page, { query: { status: 'done', order: 'asc' } });

  await page.goto(`${server.url}${TAB}/charts?view=failures&bucket=year&until=never&split=colour`);
  await page.getByRole('heading', { name: 'Jobs ended' }).waitFor();
  await addressBecomes(page, { path: `${TAB}/charts`, query: {} });
  await page.goto(`${server.url}${TAB}/jobs/2?attempt=last&stream=stdall&line=7`);
  await page.getByRole('log').getByText('hello').waitFor();
  await addressBecomes(page, { path: `${TAB}/jobs/2`, query: {} });
  await page.goto(`${server.url}${TAB}/workers?state=gone&tab=shoes`);
  await page.locator('.dr-worker-table').waitFor();
  await page.goto(`${server.url}${TAB}/matrices?before=yesterday`);
  await page.getByText('No matrix yet').waitFor();
  await page.goto(`${server.url}${TAB}/compare?jobs=1-3&axis=z`);
  await page.getByRole('heading', { name: 'Compare 3 jobs' }).waitFor();
  expect(await page.getByText('This could not be loaded').count()).toBe(0);
});

browserTest('a place in the list that the server does not know leads to the first page, with filter and order kept', async ({ server, admin, expects }) => {
  expects(/status of 422/);
  const experiment = await createExperiment(server, 'paged');
  await experiment.add({ command: 'true', times: 3, held: true });
  const page = await admin('/');
  const typed = Buffer.from('[2,"done"]').toString('base64url');
  for (const cursor of ['nonsense', typed]) {
    await page.goto(`${server.url}/experiments/paged/jobs?status=pending&order=asc&cursor=${cursor}&page=4`);
    await page.getByText('This page of the list is not there any more').waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).count()).toBe(0);
    if (cursor === typed) expect(await lookAt(page, 'jobs-foreign-cursor')).toEqual([]);
    await page.setViewportSize(DESK);
    await page.getByRole('button', { name: 'Go to the first page' }).click();
    await counts(rows(page), 3);
    await addressBecomes(page, { path: '/experiments/paged/jobs', query: { status: 'pending', order: 'asc' } });
  }
});

browserTest('a job has a number; what is none is told as a page that is not there', async ({ server, admin }) => {
  await createExperiment(server, 'numbered');
  const page = await admin('/');
  await page.goto(`${server.url}/experiments/numbered/jobs/first`);
  await page.getByText('There is no such page').waitFor();
});
