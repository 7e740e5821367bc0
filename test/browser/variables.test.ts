// Variables of an experiment: set and removed in the settings, used by new jobs, shown with the command of a job.
import { expect } from 'vitest';

import { browserTest, counts, reads, typePin } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

browserTest('plain ones and secrets are set, changed, used by new jobs and removed; a secret is never shown again', async ({ server, admin, expects }) => {
  expects(/status of 422.*\/experiments\/tune\/jobs/);
  const experiment = await createExperiment(server, 'tune');
  await server.api.variables.setShared({ params: { name: 'LAB' }, body: { value: 'https://lab.example.org' } });
  const page = await admin('/experiments/tune/settings');
  const table = page.getByRole('table', { name: 'Variables of this experiment' });
  const name = page.getByLabel('Variable', { exact: true });
  const value = page.getByLabel('Value', { exact: true });
  const set = page.getByRole('button', { name: 'Set', exact: true });
  await reads(table.getByRole('row').nth(1), /LAB.*lab\.example\.org.*all experiments/);
  await counts(table.getByRole('button'), 0);

  await name.fill('MACHINE');
  await page.getByText('filled in by Drover itself').waitFor();
  expect(await set.isDisabled()).toBe(true);
  await name.fill('DATA');
  await value.fill('/data/one');
  await set.click();
  await reads(table.getByRole('row').nth(1), /DATA.*\/data\/one.*this experiment/);
  await name.fill('TOKEN');
  await page.getByRole('switch', { name: 'Secret' }).press('Space');
  await value.fill('-----BEGIN KEY-----\nghp_nobody_sees_this');
  expect(await value.evaluate((field) => getComputedStyle(field).getPropertyValue('-webkit-text-security'))).toBe('disc');
  await set.click();
  await reads(table.getByRole('row').nth(3), /TOKEN\s*secret\s*this experiment/);
  expect(await page.content()).not.toContain('ghp_nobody');
  expect(await value.inputValue()).toBe('');
  expect(await lookAt(page, 'settings-variables')).toEqual([]);
  await page.setViewportSize(DESK);

  await page.goto(`${server.url}/experiments/tune/jobs?add=true`);
  const dialog = page.getByRole('dialog', { name: 'Add jobs' });
  await dialog.getByLabel('Name of parameter 1').fill('lr');
  await dialog.getByLabel('Values of parameter 1').fill('0.1, 0.2');
  await dialog.getByRole('button', { name: /^More:/ }).click();
  await dialog.getByLabel('Command').fill('push {DATA} {TOKEN} {lr} {NOWHERE}');
  await dialog.getByRole('button', { name: 'Review 2 jobs' }).click();
  await reads(dialog.getByRole('alert'), /\{NOWHERE\}.*drover var set NOWHERE/);
  await dialog.getByLabel('Command').fill('push {DATA} {TOKEN} {lr}');
  await dialog.getByRole('button', { name: 'Review 2 jobs' }).click();
  await dialog.getByRole('button', { name: 'Create 2 jobs' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect((await experiment.job(2)).command).toBe('push {DATA} {TOKEN} {lr}');

  // Another tab of somebody else: the page follows.
  await page.goto(`${server.url}/experiments/tune/settings`);
  await reads(table.getByRole('row').nth(1), /DATA.*\/data\/one/);
  await server.api.variables.set({ params: { experiment: 'tune', name: 'DATA' }, body: { value: '/data/two' } });
  await reads(table.getByRole('row').nth(1), /DATA.*\/data\/two/);
  await page.goto(`${server.url}/experiments/tune/jobs/1`);
  const frozen = page.getByLabel('Variables of the command');
  await reads(frozen, /DATA\s*\/data\/one.*TOKEN\s*secret/s);
  expect(await lookAt(page, 'job-variables')).toEqual([]);
  await page.setViewportSize(DESK);

  await page.goto(`${server.url}/experiments/tune/settings`);
  await page.getByRole('button', { name: 'Remove TOKEN' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove TOKEN' }).click();
  await counts(table.getByRole('row'), 3);
  expect((await server.api.variables.list({ params: { experiment: 'tune' } })).variables.map((each) => each.name)).toEqual(['DATA', 'LAB']);
});

browserTest('who came by PIN sees them and changes nothing', async ({ server, stranger, expects }) => {
  expects(/status of 401/);
  await createExperiment(server, 'tune-2');
  await server.api.variables.set({ params: { experiment: 'tune-2', name: 'DATA' }, body: { value: '/data' } });
  const { pin } = await server.api.experiments.pin({ params: { experiment: 'tune-2' } });
  const page = await stranger();
  await page.goto(`${server.url}/experiments/tune-2/settings`);
  await typePin(page.getByRole('group', { name: 'PIN' }), pin);
  const table = page.getByRole('table', { name: 'Variables of this experiment' });
  await reads(table.getByRole('row').nth(1), /DATA.*\/data/);
  await counts(table.getByRole('button'), 0);
  await counts(page.getByLabel('Variable', { exact: true }), 0);
});
