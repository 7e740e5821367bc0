// API keys of an experiment, who signs in with one, and what who may only look sees.
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { tellAgent } from '../support/told-agent.ts';
import { DESK, lookAt } from './look.ts';

browserTest('a key is made and shown once; who signs in with it looks at everything and is offered nothing', async ({ server, admin, stranger, expects }) => {
  expects(/status of 401.*\/api\/v1\/(session|login|experiments)/);
  const experiment = await createExperiment(server, 'tune');
  await createExperiment(server, 'secret');
  await experiment.add({ command: 'true', params: { lr: 0.1 }, times: 2 });
  const agent = await tellAgent(server, { host: 'gpunode', instance: 'egg', workers: 1, experiments: ['tune'] });
  await agent.sync();

  const page = await admin('/experiments/tune/settings');
  await page.getByLabel('New key for').fill('reports');
  await page.getByLabel('Role').selectOption('viewer');
  await page.getByLabel('Valid').selectOption('for 30 days');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const key = (await page.locator('.dr-made-key').textContent())!;
  expect(key).toMatch(/^jd_/);
  const table = page.getByRole('table', { name: 'API keys of this experiment' });
  await reads(table.getByRole('row').nth(1), /reports\s*viewer\s*jd_.*never\s*in (29|30)d/);
  expect(await lookAt(page, 'settings-keys')).toEqual([]);
  await page.setViewportSize(DESK);
  await page.getByRole('button', { name: 'Done with the key' }).click();
  await counts(page.getByText(key), 0);

  const viewer = await stranger();
  await viewer.goto(`${server.url}/experiments/tune/workers`);
  await viewer.getByRole('button', { name: 'Sign in with an API key instead' }).click();
  const field = viewer.getByLabel('API key', { exact: true });
  await field.fill('jd_nonsense');
  await field.press('Enter');
  await reads(viewer.getByRole('alert'), /not known here/);
  expect(await lookAt(viewer, 'login-key')).toEqual([]);
  await viewer.setViewportSize(DESK);
  await field.fill(key);
  await field.press('Enter');
  await addressBecomes(viewer, { path: '/experiments/tune/workers' });
  await viewer.getByRole('link', { name: 'Details of gpunode_egg_0' }).waitFor();
  const offered =
    /^(Pause|Drain|Stop|Resume|Add jobs|New experiment|Hold|Update|Show the PIN|Save\b|Discard|Create|Delete|Command |Select |Edit|Cancel|Requeue|More about)/;
  const offers = async (): Promise<string[]> => {
    const buttons = viewer.locator('main button, main input[type=checkbox], [role=dialog] button');
    const names = await buttons.evaluateAll((found) => found.map((each) => each.getAttribute('aria-label') ?? each.textContent ?? ''));
    return names.filter((name) => offered.test(name.trim()) && !/^Select (all )?jobs?|^Select job/.test(name.trim()));
  };
  expect(await offers()).toEqual([]);
  await viewer.getByRole('link', { name: 'Details of gpunode_egg_0' }).click();
  await viewer.getByRole('dialog').getByText('Jobs done').waitFor();
  expect(await offers()).toEqual([]);
  await viewer.goto(`${server.url}/experiments/tune/jobs`);
  await counts(rows(viewer), 2);
  expect(await offers()).toEqual([]);
  await viewer.goto(`${server.url}/experiments/tune/settings`);
  await viewer.getByText('Attempts at most').waitFor();
  expect(await offers()).toEqual([]);
  expect(await viewer.locator('main input').count()).toBe(0);
  expect(await lookAt(viewer, 'settings-viewer')).toEqual([]);
  await viewer.setViewportSize(DESK);
  await viewer.goto(server.url);
  await counts(viewer.locator('.dr-experiment'), 1);
  expect(await offers()).toEqual([]);

  // With the key ends what it opened.
  await page.getByRole('button', { name: 'Delete the key reports' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete reports' }).click();
  await page.getByText('No keys yet').waitFor();
  await viewer.goto(`${server.url}/experiments/tune/jobs`);
  await viewer.getByRole('heading', { name: 'Sign in to Drover' }).waitFor();
});

browserTest('home shows owners the PIN of an experiment, and deletes it when its name is typed', async ({ server, admin }) => {
  await createExperiment(server, 'short-lived');
  const { pin } = await server.api.experiments.pin({ params: { experiment: 'short-lived' } });
  const page = await admin('/');
  const card = page.locator('.dr-experiment').filter({ hasText: 'short-lived' });
  await card.getByRole('button', { name: 'More about short-lived' }).press('Enter');
  await page.getByRole('menuitem', { name: 'Dashboard PIN…' }).click();
  const dialog = page.getByRole('dialog', { name: 'PIN of short-lived' });
  await dialog.getByRole('button', { name: 'Show the PIN' }).click();
  await reads(dialog.locator('.dr-pin'), pin);
  await page.keyboard.press('Escape');
  await card.getByRole('button', { name: 'More about short-lived' }).click();
  await page.getByRole('menuitem', { name: 'Delete…' }).click();
  const remove = page.getByRole('dialog', { name: 'Delete short-lived?' });
  expect(await remove.getByRole('button', { name: 'Delete short-lived' }).isDisabled()).toBe(true);
  await remove.getByLabel('Type short-lived to confirm').fill('short-lived');
  expect(await lookAt(page, 'home-delete')).toEqual([]);
  await page.setViewportSize(DESK);
  await remove.getByRole('button', { name: 'Delete short-lived' }).click();
  await card.waitFor({ state: 'detached' });
});
