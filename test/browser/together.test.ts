// Several at once: ten tabs of one browser, and two people with a command line beside them.
import { expect } from 'vitest';

import { browserTest, card, cardCount, counts, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

browserTest('ten tabs of one browser open, stay live, and share one connection', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'tabs');
  await experiment.add({ command: 'true', times: 3 });
  const first = await admin('/experiments/tabs/jobs');
  const tabs = [first];
  // Browsers allow six connections to a server: without a shared one the seventh tab would not even get its page.
  for (let tab = 1; tab < 10; tab += 1) {
    const page = await first.context().newPage();
    await page.goto(`${server.url}/experiments/tabs/${tab % 3 === 0 ? 'workers' : tab % 3 === 1 ? 'jobs' : 'jobs/1'}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    tabs.push(page);
  }
  for (const page of tabs) await reads(page.getByRole('button', { name: /live updates$/ }), 'Live');
  await server.api.jobs.cancel({ params: { experiment: 'tabs', number: 1 }, body: { force: false } });
  for (const page of tabs.filter((one) => one.url().endsWith('/jobs'))) await reads(cardCount(page, 'Aborted'), '1');
  for (const page of tabs.filter((one) => one.url().endsWith('/jobs/1'))) await reads(page.locator('.dr-job-head'), /Cancelled/);
  // The tab that came first may go: the others stay live.
  await first.close();
  await experiment.add({ command: 'true' });
  for (const page of tabs.slice(1).filter((one) => one.url().endsWith('/jobs'))) await reads(cardCount(page, 'Total'), '4');
});

browserTest('where browsers have no shared workers, a page has a connection of its own', async ({ server, stranger, loginLink }) => {
  const experiment = await createExperiment(server, 'alone');
  const page = await stranger();
  await page.addInitScript(() => Reflect.deleteProperty(window, 'SharedWorker'));
  await page.goto(server.url + (await loginLink()));
  await page.getByRole('heading', { name: 'Experiments' }).waitFor();
  await page.goto(`${server.url}/experiments/alone/jobs`);
  await reads(page.getByRole('button', { name: /live updates$/ }), 'Live');
  await experiment.add({ command: 'true' });
  await reads(cardCount(page, 'Total'), '1');
});

browserTest('two people and a command line act at once, and all see the same', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'shared');
  await experiment.add({ command: 'true', times: 6 });
  const [one, other] = await Promise.all([admin('/experiments/shared/jobs'), admin('/experiments/shared/jobs')]);
  await Promise.all([counts(rows(one), 6), counts(rows(other), 6)]);
  const act = async (page: typeof one, number: number, name: string): Promise<void> => {
    await page.getByRole('button', { name: `More actions for job ${number}` }).press('Enter');
    await page.locator('[role=menu]:focus-within').waitFor();
    await page.getByRole('menuitem', { name, exact: true }).press('Enter');
  };
  const cli = stage.drover(['job', 'cancel', 'shared/3-4', '--yes'], { DROVER_URL: server.url, DROVER_API_KEY: server.key });
  await Promise.all([act(one, 1, 'Hold'), act(other, 2, 'Hold'), cli]);
  expect((await cli).code).toBe(0);
  for (const page of [one, other]) {
    await reads(cardCount(page, 'Aborted'), '2');
    await reads(cardCount(page, 'Pending'), '4');
    for (const [row, status] of [
      [5, 'Held'],
      [4, 'Held'],
      [3, 'Cancelled'],
      [0, 'Pending'],
    ] as const) {
      await reads(rows(page).nth(row).locator('[data-column=status]'), status);
    }
  }
  // Both want the same: one of them comes second, and the job is as both wanted.
  await Promise.all([act(one, 1, 'Let it run'), act(other, 1, 'Let it run')]);
  await reads(rows(other).nth(5).locator('[data-column=status]'), 'Pending');
  await reads(rows(one).nth(5).locator('[data-column=status]'), 'Pending');
  expect((await experiment.job(1)).held_at).toBeNull();
  await card(one, 'Aborted').click();
  await counts(rows(one), 2);
  await counts(rows(other), 6);
});

browserTest('a job that no longer fits the filter stays in sight until the list is updated, and is no longer counted', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'moved');
  await experiment.add({ command: 'true', times: 3 });
  const page = await admin('/experiments/moved/jobs?status=pending');
  const place = page.getByRole('navigation', { name: 'Pages' });
  await reads(place, /1 to 3 of 3/);
  await server.api.jobs.cancel({ params: { experiment: 'moved', number: 2 }, body: { force: false } });
  await page.getByRole('button', { name: '1 moved on: update the list' }).waitFor();
  await counts(rows(page), 3);
  await reads(place, /1 to 2 of 2/);
});

browserTest('who signs out in one tab is signed out in the others at once', async ({ server, admin, expects }) => {
  await createExperiment(server, 'leaving');
  const page = await admin('/experiments/leaving/jobs');
  const other = await page.context().newPage();
  await other.goto(`${server.url}/experiments/leaving/workers`);
  await reads(other.getByRole('button', { name: /live updates$/ }), 'Live');
  expects(/status of 401/);
  // A tab that nobody sees draws nothing, and what draws nothing cannot be clicked.
  await page.bringToFront();
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await other.waitForURL(/\/login/);
  // Chromium may never end a context in which a page is still on its way.
  for (const each of [page, other]) await each.getByRole('heading', { name: 'Sign in to Drover' }).waitFor();
});
