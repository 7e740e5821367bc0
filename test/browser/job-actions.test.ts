// What a person does to single jobs, from the table and from the job's own page.
import { expect } from 'vitest';

import { browserTest, cardCount, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

browserTest('a pending job is edited; who edits an older state is refused with a sentence', async ({ server, admin, expects }) => {
  const experiment = await createExperiment(server, 'tune');
  await experiment.add({ command: 'echo {lr}', params: { lr: 0.1, note: 'first', deep: [1, { a: null }] } });
  const page = await admin('/experiments/tune/jobs');
  await page.getByRole('button', { name: 'Edit job 1' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit tune/1' });
  await dialog.getByLabel('lr').fill('0.05');
  await reads(dialog.locator('form'), /was 0\.1/);
  await dialog.getByLabel('Priority').fill('3');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await reads(rows(page).first().locator('[data-column=params]'), /lr0\.05/);
  expect(await experiment.job(1)).toMatchObject({ params: { lr: 0.05, note: 'first', deep: [1, { a: null }] }, priority: 3, revision: 2 });

  await page.getByRole('button', { name: 'Edit job 1' }).click();
  await dialog.getByLabel('note').fill('mine');
  const edit = { params: { lr: 0.05, note: 'theirs', deep: [1, { a: null }] }, revision: 2 };
  await server.api.jobs.edit({ params: { experiment: 'tune', number: 1 }, body: edit });
  expects(/status of 409/);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await reads(dialog.getByRole('alert'), /edited|changed/);
  expect((await experiment.job(1)).params).toMatchObject({ note: 'theirs' });
});

browserTest('hold, let run, cancel, requeue and delete; what cannot be undone asks first', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'tune-2');
  await experiment.add({ command: 'true', times: 2 });
  const page = await admin('/experiments/tune-2/jobs');
  const status = rows(page)
    .filter({ has: page.getByRole('link', { name: 'Job 1', exact: true }) })
    .locator('[data-column=status]');
  const act = async (name: string): Promise<void> => {
    // By keyboard: messages about what was done may lie over the corner for a moment.
    await page.getByRole('button', { name: 'More actions for job 1' }).press('Enter');
    await page.locator('[role=menu]:focus-within').waitFor();
    await page.getByRole('menuitem', { name, exact: true }).press('Enter');
  };
  await act('Hold');
  await reads(status, 'Held');
  expect((await experiment.job(1)).held_at).not.toBeNull();
  await act('Let it run');
  await reads(status, 'Pending');
  await act('Cancel');
  await page.getByRole('button', { name: 'Keep as it is' }).click();
  expect((await experiment.job(1)).status).toBe('pending');
  await act('Cancel');
  await page.getByRole('dialog', { name: 'Cancel job tune-2/1?' }).getByRole('button', { name: 'Cancel job 1' }).click();
  await reads(status, 'Cancelled');
  await reads(cardCount(page, 'Aborted'), '1');
  await act('Requeue');
  await page.getByRole('button', { name: 'Requeue job 1' }).click();
  await reads(status, 'Pending');
  await act('Delete');
  await page.getByRole('dialog', { name: 'Delete job tune-2/1?' }).getByRole('button', { name: 'Delete job 1' }).click();
  await reads(cardCount(page, 'Pending'), '1');
  expect((await experiment.all()).map(({ number }) => number)).toEqual([2]);
  await reads(cardCount(page, 'Total'), '2');
});

browserTest('a running job is cancelled from its own page, its program ends, and its history says who did what', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune-3');
  await experiment.add({ command: 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.02; done' });
  await stage.agent({ experiments: ['tune-3'], url: server.url, key: server.key });
  const page = await admin('/experiments/tune-3/jobs/1');
  await page.getByRole('log').getByText('up').waitFor();
  expect(await page.getByRole('button', { name: 'Delete' }).count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Edit' }).count()).toBe(0);
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('button', { name: 'Cancel job 1' }).click();
  await page.getByRole('log').getByText('bye').waitFor();
  await page.getByRole('button', { name: 'Requeue' }).waitFor();
  const history = page.getByRole('region', { name: 'History' });
  await reads(history, /Cancel requested/);
  await reads(history, /Claimed/);
  await reads(history, /Created/);
  await reads(page.getByRole('region', { name: 'Attempts' }), /#1/);
});
