// Ways in: the one-time link, the PIN, and back in after a session has ended.
import { expect } from 'vitest';

import { addressBecomes, browserTest, cardCount, counts, reads, rows, typePin } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

browserTest('a one-time link opens the dashboard once, and says so the second time', async ({ server, stranger, loginLink, expects }) => {
  const link = server.url + (await loginLink());
  const first = await stranger();
  await first.goto(link);
  await first.getByRole('heading', { name: 'Experiments' }).waitFor();
  expect(first.url()).toBe(`${server.url}/`);
  expect(await first.evaluate(() => document.cookie)).toBe('');
  const cookies = await first.context().cookies();
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({ httpOnly: true, expires: -1 });
  expect(['Strict', 'Lax']).toContain(cookies[0]!.sameSite);

  expects(/status of 401.*\/api\/v1\/login/);
  const second = await stranger();
  await second.goto(link);
  await reads(second.getByRole('alert'), /This link is used up or too old.*Use the PIN/);
  expect(second.url()).not.toContain('link=');
  expect(await second.context().cookies()).toEqual([]);
});

browserTest('a wrong PIN is refused with a sentence, the right one leads where the visitor wanted to go', async ({ server, stranger, expects }) => {
  await createExperiment(server, 'tune-2');
  const { pin } = await server.api.experiments.pin({ params: { experiment: 'tune-2' } });
  expects(/status of 40[13].*\/api\/v1\/(login|session|experiments\/tune-2)/);
  const page = await stranger();
  await page.goto(`${server.url}/experiments/tune-2/jobs?status=pending`);
  const field = page.getByRole('group', { name: 'PIN' });
  await field.waitFor();
  expect(await page.getByLabel('Experiment').inputValue()).toBe('tune-2');
  await typePin(field, pin === '123456' ? '654321' : '123456');
  await reads(page.getByRole('alert'), /Experiment and PIN do not fit/);
  await typePin(field, pin);
  await page.getByRole('heading', { name: 'tune-2', level: 1 }).waitFor();
  await addressBecomes(page, { path: '/experiments/tune-2/jobs', query: { status: 'pending' } });
  const [cookie] = await page.context().cookies();
  expect(cookie).toMatchObject({ httpOnly: true, expires: -1 });

  // A PIN brings no commands.
  await page.getByRole('button', { name: 'Add jobs' }).first().click();
  await page.getByRole('button', { name: /^More:/ }).click();
  await page.getByLabel('Machine class').waitFor();
  expect(await page.getByLabel('Command').count()).toBe(0);
});

browserTest('a session that was ended elsewhere leads to the login and back to the same page', async ({ server, stranger, expects }) => {
  const experiment = await createExperiment(server, 'tune-3');
  for (const lr of [0.1, 0.2]) await experiment.add({ command: 'true', params: { lr } });
  const params = { experiment: 'tune-3' };
  const { pin } = await server.api.experiments.pin({ params });
  expects(/status of 401/);
  const page = await stranger();
  await page.goto(`${server.url}/experiments/tune-3/jobs?search=lr%3D0.1`);
  await page.getByRole('group', { name: 'PIN' }).waitFor();
  expect(await page.getByText('Your session has ended.').count()).toBe(0);
  await typePin(page.getByRole('group', { name: 'PIN' }), pin);
  await reads(rows(page).first().locator('[data-column=params]'), 'lr0.1');
  const { pathname, search } = new URL(page.url());

  await server.api.experiments.changePin({ params, body: { new_pin: '314159' } });
  // The page learns of it at the next thing it asks for.
  await experiment.add({ command: 'true', params: { lr: 0.3 } });
  await page.getByRole('heading', { name: 'Sign in to Drover' }).waitFor();
  await page.getByText('Your session has ended.').waitFor();
  await typePin(page.getByRole('group', { name: 'PIN' }), '314159');
  await reads(cardCount(page, 'Total'), '3');
  await counts(rows(page), 1);
  expect(new URL(page.url())).toMatchObject({ pathname, search });
});
