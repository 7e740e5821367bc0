// A thousand workers: the table has one page of them, and a change of one does not read all of them each time.
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

import { browserTest, counts, reads } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';

const HOSTS = 10;
const WORKERS = 100;
const CHANGES = 25;

/** How often the page asks for the whole list. */
function listReads(page: Page): { count: number } {
  const asked = { count: 0 };
  page.on('request', (request) => {
    if (request.url().endsWith('/workers?state=all')) asked.count += 1;
  });
  return asked;
}

browserTest('1,000 workers are paged and filtered, and changes of single ones are read together', async ({ server, admin }) => {
  await createExperiment(server, 'many');
  const total = { cpus: 64, memory_bytes: 64e9, gpus: 0 };
  for (let host = 0; host < HOSTS; host += 1) {
    const body = { host: `node${host}`, instance: 'egg', experiments: ['many'], workers: WORKERS, total, version: '0.1.0', platform: 'linux' };
    await server.api.agents.register({ body });
  }
  const page = await admin('/experiments/many/workers');
  const table = page.locator('.dr-worker-table [data-worker]');
  await counts(table, 100);
  await page.getByText('Page 1 of 10').waitFor();
  await page.getByLabel('Search workers').fill('node7');
  await reads(page.locator('.dr-fleet-bar output'), /^100 of 1,000 workers/);
  await page.getByLabel('Search workers').fill('');
  await page.getByText('Page 1 of 10').waitFor();

  const asked = listReads(page);
  const params = { experiment: 'many' };
  for (let slot = 0; slot < CHANGES; slot += 1) {
    await server.api.workers.command({ params, body: { action: 'pause', workers: { worker_ids: [`node0_egg_${slot}`] } } });
  }
  // All of them are seen, and the list was not read once for each.
  await counts(page.locator('.dr-worker-table').getByText('queued pause'), CHANGES);
  expect(asked.count).toBeLessThan(CHANGES / 2);
});
