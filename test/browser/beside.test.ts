// A job beside the list: opened by mouse and by keys, in the URL, with everything of its page.
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads, rows } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { lookAt } from './look.ts';

browserTest('a row opens its job beside the list, which stays; address, neighbours and Escape', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'beside');
  for (const lr of [0.1, 0.2, 0.3]) await experiment.add({ command: 'echo learning rate is {lr}', params: { lr } });
  await stage.agent({ experiments: ['beside'], url: server.url, key: server.key });
  await experiment.ends();
  const page = await admin('/experiments/beside/jobs?sort=number');
  const aside = page.getByRole('complementary', { name: 'Job beside/2' });
  await rows(page).nth(1).locator('[data-column=params]').click();
  await aside.waitFor();
  await addressBecomes(page, { path: '/experiments/beside/jobs', query: { sort: 'number', job: '2' } });
  await reads(aside.getByRole('log'), /learning rate is 0\.2/);
  await counts(rows(page), 3);
  expect(await rows(page).nth(1).getAttribute('data-open')).toBe('true');
  // What happens to the list is seen there while the job is open.
  await experiment.add({ command: 'false', params: { lr: 0.4 } });
  await page.reload();
  await aside.waitFor();

  await aside.getByRole('button', { name: 'The job below' }).click();
  const below = page.getByRole('complementary', { name: 'Job beside/1' });
  await reads(below.getByRole('log'), /learning rate is 0\.1/);
  expect(await below.getByRole('button', { name: 'The job below' }).isDisabled()).toBe(true);
  await below.getByRole('button', { name: 'Close the job' }).press('Escape');
  await addressBecomes(page, { query: { sort: 'number' } });
  await counts(page.locator('.dr-aside'), 0);

  // By keys alone: the focus comes back to the row.
  for (const key of ['k', 'j', 'o']) await page.keyboard.press(key);
  await page.getByRole('complementary', { name: 'Job beside/1' }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H2');
  await page.keyboard.press('Escape');
  await counts(page.locator('.dr-aside'), 0);
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Job 1');
  await page.keyboard.press('Enter');
  await addressBecomes(page, { path: '/experiments/beside/jobs/1', query: {} });
  await page.goBack();
  await addressBecomes(page, { path: '/experiments/beside/jobs' });
});

browserTest('what is done to a job beside the list is seen in both, and one that is deleted is closed', async ({ server, admin, expects }) => {
  const experiment = await createExperiment(server, 'done-beside');
  await experiment.add({ command: 'true', times: 2 });
  const page = await admin('/experiments/done-beside/jobs?job=1');
  const aside = page.getByRole('complementary', { name: 'Job done-beside/1' });
  const act = async (name: string): Promise<void> => {
    await aside.getByRole('button', { name: 'Actions for job 1' }).click();
    await page.getByRole('menuitem', { name, exact: true }).click();
  };
  await act('Hold');
  await reads(aside.locator('.dr-aside-head'), /Held/);
  await reads(rows(page).nth(1).locator('[data-column=status]'), 'Held');
  expects(/status of 404/);
  await act('Delete');
  await page.getByRole('button', { name: 'Delete job 1' }).click();
  await counts(page.locator('.dr-aside'), 0);
  await counts(rows(page), 1);
  await page.goto(`${server.url}/experiments/done-beside/jobs?job=1`);
  await reads(page.locator('.dr-aside').getByRole('alert'), /no job|does not exist|not found/i);
});

browserTest('a job beside the list: accessible in light, in dark and on a phone, which it fits; kept as pictures', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'look-beside');
  for (const lr of [0.1, 0.01])
    await experiment.add({ command: 'for i in 1 2 3 4 5 6; do echo "epoch $i of 6, loss 0.$i"; done; exit {code}', params: { lr, code: lr < 0.1 ? 3 : 0 } });
  await stage.agent({ experiments: ['look-beside'], url: server.url, key: server.key });
  await experiment.ends();
  const page = await admin('/experiments/look-beside/jobs?job=2');
  await page.locator('.dr-aside .dr-log-line').first().waitFor();
  expect(await lookAt(page, 'job-beside')).toEqual([]);
});
