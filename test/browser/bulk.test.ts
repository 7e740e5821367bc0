// Experiments so large that the server answers in parts: a search that has not looked at all jobs yet, and bulk actions in the background.
import { expect } from 'vitest';

import { addressBecomes, browserTest, cardCount, counts, reads, rows, type Scene } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { lookAt } from './look.ts';

/** More than the answers that one page joins look at. */
const JOBS = 70_000;

let made: Promise<void> | null = null;

/** Almost all alike, but for the first one and the last one. */
async function makeJobs({ server }: Scene): Promise<void> {
  const experiment = await createExperiment(server, 'wide');
  await experiment.add({ command: 'true', params: { x: 0, y: 1 } });
  await experiment.add({ command: 'true', params: { x: 0, y: 0 }, times: JOBS });
  await experiment.add({ command: 'true', params: { x: 0, y: 2 } });
}

const jobs = (search: string): string => `/experiments/wide/jobs?search=${encodeURIComponent(search)}`;

browserTest('a search that has looked at a part says so, and goes on from there', async (scene) => {
  await (made ??= makeJobs(scene));
  const page = await scene.admin(jobs('x=0 y!=0 y!=2'));
  const nothing = page.getByText('Searched the first 40,000 jobs, nothing yet');
  await nothing.waitFor();
  expect(await page.getByText('No job fits').count()).toBe(0);
  expect(await lookAt(page, 'jobs-search-on')).toEqual([]);
  await page.getByRole('button', { name: 'Search on' }).focus();
  await page.keyboard.press('Enter');
  await reads(page.locator('[data-row-link]'), '1');
  expect(new URL(page.url()).searchParams.get('before')).toBe('0');
});

browserTest('a page that is not full leads on, numbers its rows rightly, and finds its way back', async (scene) => {
  await (made ??= makeJobs(scene));
  const page = await scene.admin(jobs('x=0 y!=0'));
  const pager = page.getByRole('navigation', { name: 'Pages' });
  await reads(rows(page), /^70,?002/);
  await page.getByText('Searched the first 40,000 jobs, 1 found so far').waitFor();
  await reads(pager, /1 to 1 of 1 or more/);
  expect(await lookAt(page, 'jobs-found-so-far')).toEqual([]);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByRole('button', { name: 'Search on' }).click();
  await reads(pager, /2 to 2 of 2/);
  expect(await page.getByText(/found so far/).count()).toBe(0);
  await page.getByRole('button', { name: 'Previous page' }).click();
  await reads(pager, /1 to 1 of 1 or more/);
  await addressBecomes(page, { query: { search: 'x=0 y!=0' } });
});

browserTest('a bulk action in the background shows how far it is and how it ended, live', async (scene) => {
  await (made ??= makeJobs(scene));
  const params = { experiment: 'wide' };
  const page = await scene.admin('/experiments/wide/jobs');
  await counts(rows(page), 50);
  const banner = page.getByRole('region', { name: 'Bulk actions' });
  expect(await banner.count()).toBe(0);
  await scene.server.api.jobs.cancel({ params: { ...params, number: 1 }, body: { force: false } });
  const ask = (action: 'cancel' | 'requeue') => scene.server.api.jobs.bulk({ params, body: { action, filter: {} } });
  expect((await ask('cancel')).operation).not.toBeNull();
  await ask('requeue');
  await banner
    .getByRole('progressbar', { name: /^(Cancelling|Requeueing) 70,002 jobs$/ })
    .first()
    .waitFor();
  await banner.getByText('Cancelled 70,001 of 70,002 jobs').waitFor();
  await banner.getByText('1 had already ended and stayed as it was').waitFor();
  await eventually(async () => expect(await banner.getByText('Requeued 70,002 jobs').count()).toBe(1), { within: 30_000 });
  await reads(cardCount(page, 'Pending'), '70,002');
  expect(await lookAt(page, 'jobs-operation-done')).toEqual([]);
  await page.getByRole('button', { name: /^Close: Cancelled/ }).press('Enter');
  await page.getByRole('button', { name: /^Close: Requeued/ }).press('Enter');
  await banner.waitFor({ state: 'hidden' });
});

browserTest('bulk actions that run, wait and failed: how they look, and a failure stays closed', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'slow');
  await experiment.add({ command: 'true', times: 3 });
  const page = await admin('/');
  const now = new Date().toISOString();
  const made = { created_at: now, created_by: 'key:laptop', finished_at: null, problem: null, refused: {} };
  const operations = [
    { ...made, id: 9, action: 'hold', state: 'running', matched: 1_000_000, done: 0, changed: 0 },
    { ...made, id: 8, action: 'cancel', state: 'running', matched: 250_000, done: 40_000, changed: 39_990, refused: { job_ended: 10 } },
    { ...made, id: 7, action: 'requeue', state: 'failed', matched: 20_000, done: 5_000, changed: 5_000, finished_at: now, problem: 'Too many values fit.' },
  ];
  await page.route('**/experiments/slow/operations', (route) => route.fulfill({ json: { operations } }));
  await page.goto(`${server.url}/experiments/slow/jobs`);
  const banner = page.getByRole('region', { name: 'Bulk actions' });
  await reads(banner.getByRole('alert'), /Requeueing stopped after 5,000 of 20,000 jobs.*Too many values fit\./);
  expect(await banner.getByRole('progressbar', { name: 'Cancelling 250,000 jobs' }).getAttribute('aria-valuenow')).toBe('16');
  await reads(banner, /10 had already ended and stayed as they were.*Holding 1,000,000 jobs.*waits for the one before/);
  expect(await lookAt(page, 'jobs-operation')).toEqual([]);
  await page.getByRole('button', { name: /^Close: Requeueing/ }).press('Enter');
  await counts(banner.getByRole('alert'), 0);
  await page.reload();
  await banner.getByText('Cancelling').waitFor();
  expect(await banner.getByRole('alert').count()).toBe(0);
});
