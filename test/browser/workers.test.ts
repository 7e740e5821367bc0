// The Workers tab: who is there, and commands that are queued, taken back or applied.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

/** Of workers, without those of hosts. */
const rowsOf = (page: Page): Locator => page.locator('.dr-worker-table tr:has([data-worker])');

browserTest('a drain is queued, taken back before it is applied, and applied when asked for again', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune');
  await experiment.add({ command: 'while [ ! -e "$STAGE/end" ]; do sleep 0.02; done' });
  const agent = await stage.agent({ experiments: ['tune'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await experiment.reaches(1, 'running');
  const page = await admin('/experiments/tune/workers');
  const table = page.getByRole('table');
  const row = table.getByRole('row').filter({ hasText: '_0' });
  const status = row.locator('[data-column=Status]');
  await reads(status, 'Busy');
  await reads(table.getByRole('row').filter({ hasText: '_1' }).locator('[data-column=Status]'), 'Idle');
  await reads(row.locator('[data-column=Job]'), 'tune/1');

  // An agent that stands still does not hear what it is told, so the command waits.
  agent.signal('SIGSTOP');
  const drain = async (): Promise<void> => {
    await row.getByRole('button', { name: /^Command worker/ }).click();
    await page.getByRole('menuitem', { name: 'Drain' }).click();
    const dialog = page.getByRole('dialog');
    await reads(dialog, /Finish the job, then leave/);
    await dialog.getByRole('button', { name: /^Drain worker .*_0$/ }).click();
  };
  await drain();
  await reads(status, /Busy\s*queued drain/);
  await row.getByRole('button', { name: /^Cancel the queued command/ }).click();
  // The drain may be on its way already, so the worker is told to go on, and waits until it has heard that.
  await reads(status, /Busy\s*queued resume/);
  await page.getByRole('button', { name: 'Cancel 1 queued' }).waitFor();
  agent.signal('SIGCONT');
  await reads(status, 'Busy');
  await drain();
  await reads(status, /Busy\s*draining/);
  stage.file('end', '');
  await reads(status, /Idle\s*drained/);
  await experiment.add({ command: 'true' });
  expect((await experiment.reaches(2, 'done')).worker_id).toMatch(/_1$/);

  // Its agent leaves when nothing is left for it to do.
  await page.getByRole('button', { name: 'Drain all workers' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Drain worker .*_1$/ })
    .click();
  await page.getByText('No worker is connected').waitFor();
  await page
    .getByRole('navigation', { name: 'Which workers' })
    .getByRole('link', { name: /Disabled/ })
    .click();
  await addressBecomes(page, { query: { state: 'disabled' } });
  await counts(rowsOf(page), 2);
  for (const slot of [0, 1]) await reads(rowsOf(page).nth(slot), /Disabled.*stopped.*ago/);
});

browserTest('all workers are paused and resumed with one button that names the number', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune-2');
  await stage.agent({ experiments: ['tune-2'], url: server.url, key: server.key });
  const page = await admin('/experiments/tune-2/workers');
  await counts(rowsOf(page), 2);
  await page.getByRole('button', { name: 'Pause all workers' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause 2 workers' }).click();
  for (const slot of [0, 1]) await reads(rowsOf(page).nth(slot).locator('[data-column=Status]'), /Idle\s*paused/);
  await experiment.add({ command: 'true' });
  await page.getByRole('button', { name: 'Resume all workers' }).click();
  expect((await experiment.job(1)).status).toBe('pending');
  await page.getByRole('dialog').getByRole('button', { name: 'Resume 2 workers' }).click();
  await experiment.reaches(1, 'done');
  const search = page.getByLabel('Search workers');
  await search.fill('_1');
  await counts(rowsOf(page), 1);
  await search.fill('elsewhere');
  await page.getByText('No worker fits this filter').waitFor();
  await eventually(() => expect(new URL(page.url()).searchParams.get('search')).toBe('elsewhere'));
});

browserTest('who may operate one experiment is told which workers were left alone, and is not offered to revoke', async ({ stage, server, stranger }) => {
  await createExperiment(server, 'tune-3');
  await createExperiment(server, 'foreign');
  const { url, key } = server;
  await stage.agent({ experiments: ['tune-3'], url, key, workers: 1 });
  await stage.agent({ experiments: ['tune-3', 'foreign'], url, key, workers: 2 });
  const { pin } = await server.api.experiments.pin({ params: { experiment: 'tune-3' } });
  const page = await stranger();
  const login = await page.request.post(`${url}/api/v1/login`, { data: { experiment: 'tune-3', pin } });
  expect(login.status()).toBe(200);
  await page.goto(`${url}/experiments/tune-3/workers`);
  await counts(rowsOf(page), 3);
  await page.getByRole('button', { name: 'Pause all workers' }).click();
  const left = /2 workers are left as they are: they also serve experiments that you may not operate/;
  await reads(page.getByRole('dialog'), left);
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Pause worker/ })
    .click();
  await reads(page.getByRole('alert').filter({ hasText: 'queued for 1 worker' }), left);
  await page.getByText('paused', { exact: true }).waitFor();
  expect(await page.getByText('paused', { exact: true }).count()).toBe(1);
  await page
    .getByRole('button', { name: /^Command worker/ })
    .first()
    .press('Enter');
  await page.getByRole('menuitem', { name: 'Stop' }).waitFor();
  expect(await page.getByRole('menuitem', { name: /Revoke/ }).count()).toBe(0);
});

browserTest('an agent is revoked from the menu of its worker, by keyboard, after a dialog that says what that means', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune-4');
  await experiment.add({ command: 'while [ ! -e "$STAGE/end-4" ]; do sleep 0.02; done' });
  const agent = await stage.agent({ experiments: ['tune-4'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  const { worker_id } = await experiment.reaches(1, 'running');
  const name = worker_id!.replace(/_\d+$/, '');
  const page = await admin('/experiments/tune-4/workers');
  await page.getByRole('button', { name: `Command worker ${worker_id}` }).press('Enter');
  await page.locator('[role=menu]:focus-within').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.locator('[role=menuitem]:focus').waitFor();
  await page.keyboard.press('End');
  await reads(page.locator(':focus'), 'Revoke this agent…');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Revoke agent ${name}?` });
  await reads(dialog, /2 active workers.*until they end \(1 now\).*works as a new agent/);
  expect(await lookAt(page, 'workers-revoke')).toEqual([]);
  await page.setViewportSize(DESK);
  await dialog.getByRole('button', { name: `Revoke ${name}` }).click();
  await page.getByText(`Revoked ${name}; 1 job runs on until it ends`).waitFor();
  await page.getByText('No worker is connected').waitFor();
  expect((await experiment.job(1)).status).toBe('running');
  stage.file('end-4', '');
  expect((await agent.exited).code).toBe(3);

  // The secret of one that has left is still good, until it is revoked too.
  const left = await stage.agent({ experiments: ['tune-4'], url: server.url, key: server.key, workers: 1 });
  await counts(rowsOf(page), 1);
  await left.stop();
  await page.goto(`${server.url}/experiments/tune-4/workers?state=disabled`);
  // The table of those that are gone is to be read only; what may still be done to their agent stands in the details.
  await page.getByRole('link', { name: /^Details of/ }).click();
  await page.getByRole('button', { name: /^Command worker/ }).click();
  await reads(page.getByRole('menu'), 'Revoke this agent…');
  await page.getByRole('menuitem').click();
  await page
    .getByRole('dialog', { name: /^Revoke agent/ })
    .getByRole('button', { name: /^Revoke / })
    .click();
  await page.getByText('No worker has stopped').waitFor();
});
