// The Settings tab: PIN, retry policy, holding the queue, and the end of an experiment.
import { expect } from 'vitest';

import { addressBecomes, browserTest, reads, typePin } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

browserTest('who came by PIN changes it with the old one and the new one twice, and signs in again', async ({ server, stranger, expects }) => {
  await createExperiment(server, 'tune');
  const { pin } = await server.api.experiments.pin({ params: { experiment: 'tune' } });
  const wrong = pin === '123456' ? '654321' : '123456';
  expects(/status of 40[13]/);
  const page = await stranger();
  await page.goto(`${server.url}/experiments/tune/settings`);
  await typePin(page.getByRole('group', { name: 'PIN' }), pin);
  const update = page.getByRole('button', { name: 'Update PIN' });
  await update.waitFor();
  expect(await page.getByRole('button', { name: 'Show the PIN' }).count()).toBe(0);
  expect(await page.getByText('Delete this experiment').count()).toBe(0);
  await typePin(page.getByRole('group', { name: 'Current PIN' }), wrong);
  await typePin(page.getByRole('group', { name: 'New PIN', exact: true }), '271828');
  await typePin(page.getByRole('group', { name: 'New PIN again' }), '271829');
  await page.getByText('The two new PINs differ.').waitFor();
  expect(await update.isDisabled()).toBe(true);
  await typePin(page.getByRole('group', { name: 'New PIN again' }), '271828');
  await update.click();
  await page.getByRole('alert').first().waitFor();
  await typePin(page.getByRole('group', { name: 'Current PIN' }), pin);
  await update.click();
  await page.getByRole('heading', { name: 'Sign in to Drover' }).waitFor();
  await typePin(page.getByRole('group', { name: 'PIN' }), '271828');
  await update.waitFor();
  await addressBecomes(page, { path: '/experiments/tune/settings' });
});

browserTest('an owner sees the PIN, saves the retry policy, holds the queue, and deletes by typing the name', async ({ server, admin, expects }) => {
  // The live stream may tell of the deletion before the page has left.
  expects(/status of 404.*experiments\/tune-2/);
  const experiment = await createExperiment(server, 'tune-2');
  await experiment.add({ command: 'true', times: 3 });
  const { pin } = await server.api.experiments.pin({ params: { experiment: 'tune-2' } });
  const page = await admin('/experiments/tune-2/settings');
  await page.getByRole('button', { name: 'Show the PIN' }).click();
  await reads(page.locator('.dr-pin'), pin);
  await page.getByLabel('Attempts at most').fill('4');
  await page.getByLabel('Time limit').fill('5400');
  await page.getByRole('button', { name: 'Save 2 changes' }).click();
  await page.getByRole('button', { name: 'Save', exact: true }).waitFor();
  const { settings } = await server.api.experiments.get({ params: { experiment: 'tune-2' } });
  expect(settings).toMatchObject({ max_attempts: 4, timeout_seconds: 5400 });

  await page.getByRole('button', { name: 'Hold the queue' }).click();
  await page.getByText('Queue held', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Let the queue run' }).click();
  await page.getByText('Queue held', { exact: true }).waitFor({ state: 'hidden' });

  const remove = page.getByRole('button', { name: 'Delete tune-2' });
  expect(await remove.isDisabled()).toBe(true);
  await reads(page.locator('[data-danger]'), /Its 3 jobs go/);
  await page.getByLabel('Type tune-2 to confirm').fill('tune-2');
  await remove.click();
  await addressBecomes(page, { path: '/' });
  await page.locator('.dr-experiment').first().waitFor();
  expect((await server.api.experiments.list({})).experiments.map(({ name }) => name)).toEqual(['tune']);
});
