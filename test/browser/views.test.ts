// Saved views: a filter, an order and columns under a name, for all who see the experiment.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, rows, type Scene } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const COLUMNS = 'params,status,worker,started,finished,duration,progress,attempts';

async function make({ server }: Scene, name: string): Promise<void> {
  await createExperiment(server, name);
  const params = { experiment: name };
  const jobs = Array.from({ length: 12 }, (_, index) => ({ params: { lr: [0.1, 0.01, 0.001][index % 3]! } }));
  await server.api.jobs.create({ params, body: { command: 'true', jobs } });
}

const button = (page: Page): Locator => page.getByRole('button', { name: /^Saved views/ });

async function save(page: Page, name: string): Promise<void> {
  await page.keyboard.press('v');
  await page.getByLabel('Save what is shown as').fill(name);
  await page.keyboard.press('Enter');
  await reads(button(page), name);
}

browserTest('a view is saved, shown again, shared at once, renamed, updated and deleted', async (scene) => {
  await make(scene, 'views');
  const page = await scene.admin('/experiments/views/jobs?search=lr%3D0.1&sort=priority&order=asc');
  await counts(rows(page), 4);
  await save(page, 'Large steps');
  // Somebody else sees it without a reload.
  const other = await scene.admin('/experiments/views/jobs');
  await counts(rows(other), 12);
  await scene.server.api.views.create({ params: { experiment: 'views' }, body: { name: 'Small steps', view: { search: 'lr<0.01' } } });
  await button(other).click();
  await other.getByRole('link', { name: 'Large steps', exact: true }).click();
  await addressBecomes(other, { query: { search: 'lr=0.1', sort: 'priority', order: 'asc', columns: COLUMNS } });
  await counts(rows(other), 4);

  await other
    .getByRole('link', { name: /^Pending/ })
    .last()
    .click();
  await reads(button(other), 'Views');
  await button(other).click();
  await other.getByRole('button', { name: 'Update Large steps to what is shown' }).click();
  await other.getByRole('button', { name: 'Update the view' }).click();
  await reads(button(other), 'Large steps');

  await button(other).click();
  await other.getByRole('button', { name: 'Rename Large steps', exact: true }).click();
  await other.getByLabel('New name of Large steps').fill('Pending, large');
  await other.keyboard.press('Enter');
  await reads(button(other), 'Pending, large');
  await button(page).click();
  await page.getByRole('link', { name: 'Pending, large' }).click();
  await addressBecomes(page, { query: { status: 'pending', search: 'lr=0.1', sort: 'priority', order: 'asc', columns: COLUMNS } });

  await button(page).click();
  await page.getByRole('button', { name: 'Delete Pending, large' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete the view' }).click();
  await reads(button(page), 'Views');
  expect((await scene.server.api.views.list({ params: { experiment: 'views' } })).views.map((view) => view.name)).toEqual(['Small steps']);
});

browserTest('a name that is taken is refused where it is typed; who may only look uses views and changes none', async (scene) => {
  scene.expects(/status of 409/);
  await make(scene, 'taken');
  await scene.server.api.views.create({ params: { experiment: 'taken' }, body: { name: 'Best', view: { status: 'done' } } });
  const page = await scene.admin('/experiments/taken/jobs');
  await button(page).click();
  await page.getByLabel('Save what is shown as').fill('Best');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('alert').getByText('There is already a view "Best".').waitFor();
  await page.route('**/api/v1/session', async (route) => {
    const reply = await route.fetch();
    const body = (await reply.json()) as { actor: object };
    await route.fulfill({ response: reply, json: { ...body, actor: { ...body.actor, role: 'viewer' } } });
  });
  await page.goto(`${scene.server.url}/experiments/taken/jobs`);
  await counts(rows(page), 12);
  await button(page).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('link', { name: 'Best' }).waitFor();
  expect(await dialog.getByRole('button').count()).toBe(0);
});

browserTest('the views: accessible in light, in dark and on a phone, which it fits; kept as pictures', async (scene) => {
  await make(scene, 'seen');
  const params = { experiment: 'seen' };
  const create = (name: string, view: object) => scene.server.api.views.create({ params, body: { name, view } });
  await create('All, newest first', { sort: 'number', order: 'desc' });
  await create('Failed, and why', { status: 'aborted', columns: ['params', 'status', 'message', 'worker', 'finished'] });
  await create('Fast ones with a large learning rate and a very long name', { search: 'lr=0.1', sort: 'duration_ms', order: 'asc' });
  const page = await scene.admin('/experiments/seen/jobs', DESK);
  await reads(button(page), 'All, newest first');
  await button(page).click();
  await page.getByRole('link', { name: 'Failed, and why' }).waitFor();
  expect(await lookAt(page, 'jobs-views')).toEqual([]);
});
