// Many workers on several hosts: filters, selection, commands to some of them, and the details of one.
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, reads } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { tellAgent } from '../support/told-agent.ts';
import { DESK, lookAt } from './look.ts';

const rowsOf = (page: Page): Locator => page.locator('.dr-worker-table tr:has([data-worker])');
const METRICS = { cpu_percent: 63.5, load_1: 11.2, memory_used_bytes: 58e9, memory_total_bytes: 64e9, disk_free_bytes: 2e11, disk_total_bytes: 1e12 };
const GPU = { gpu_0_percent: 91, gpu_0_memory_used_bytes: 30e9, gpu_0_memory_total_bytes: 40e9, gpu_0_celsius: 71 };

browserTest('workers are filtered by the parts of their ids, selected with Shift, and told with a preview of who is busy', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'fleet');
  const told = { experiments: ['fleet'] };
  const gpu = await tellAgent(server, { ...told, host: 'gpunode', instance: 'egg', workers: 2, machine_class: 'gpu', gpus: 1 });
  await tellAgent(server, { ...told, host: 'gpunode', instance: 'fox', workers: 1 });
  await tellAgent(server, { ...told, host: 'cpunode', instance: 'owl', workers: 2 });
  await experiment.add({ command: 'true' });
  const [lease] = (await gpu.sync({ free_slots: [0] })).leases;
  const { job_id, attempt, rank, token } = lease!;
  const running = [{ job_id, attempt, rank, token, slot: 0, started_at: new Date().toISOString() }];
  await gpu.sync({ running, metrics: { ...METRICS, ...GPU } });

  const page = await admin('/experiments/fleet/workers');
  await counts(rowsOf(page), 5);
  await reads(page.locator('.dr-fleet-bar output'), '5 workers · 1 busy, 4 idle');
  expect(await lookAt(page, 'workers-fleet')).toEqual([]);
  await page.setViewportSize(DESK);

  await page.getByLabel('Host', { exact: true }).selectOption('gpunode');
  await counts(rowsOf(page), 3);
  expect(await page.getByLabel('Instance').locator('option').allTextContents()).toEqual(['All instances', 'egg', 'fox']);
  await page.getByLabel('Instance').selectOption('egg');
  await page.getByLabel('Slot').selectOption('1');
  await counts(rowsOf(page), 1);
  await addressBecomes(page, { query: { host: 'gpunode', instance: 'egg', slot: '1' } });
  await page.reload();
  await counts(rowsOf(page), 1);
  await page.getByLabel('Host', { exact: true }).selectOption('cpunode');
  await addressBecomes(page, { query: { host: 'cpunode' } });
  await page.getByRole('button', { name: 'Pause the 2 shown workers' }).waitFor();
  await page.getByRole('button', { name: 'Show all workers' }).click();

  await page.getByLabel('Select worker cpunode_owl_1').check();
  await page.getByLabel('Select worker gpunode_egg_1').click({ modifiers: ['Shift'] });
  await page.getByRole('button', { name: 'Drain the 3 selected workers' }).click();
  const dialog = page.getByRole('dialog');
  await reads(dialog, /1 busy: finish the job, then leave.*2 idle: leave when they next poll.*cpunode_owl_1 gpunode_egg_0 gpunode_egg_1/);
  expect(await lookAt(page, 'workers-preview')).toEqual([]);
  await page.setViewportSize(DESK);
  await dialog.getByRole('button', { name: 'Drain 3 workers' }).click();
  await counts(page.getByText('queued drain'), 3);

  // The weaker one changes only who was not told to drain.
  await page.getByRole('button', { name: 'Select nothing' }).click();
  await page.getByRole('button', { name: 'Command host gpunode' }).click();
  await page.getByRole('menuitem', { name: 'Pause' }).click();
  await reads(dialog, /Pause worker gpunode_fox_0 on gpunode\?.*1 idle: take no jobs.*2 unchanged: already told so, or something stronger/);
  await dialog.getByRole('button', { name: 'Pause worker gpunode_fox_0' }).click();
  await counts(page.getByText('queued pause'), 1);
  await page.getByRole('button', { name: 'Command host gpunode' }).click();
  await page.getByRole('menuitem', { name: 'Cancel queued of 3 workers' }).click();
  await counts(page.getByText('queued drain'), 1);
  await page.getByRole('button', { name: /^Cancel 4 queued$/ }).click();
  await counts(page.getByText('queued resume'), 4);
});

browserTest('the details of a worker tell what it is, what happened to it and what its machine does, by keyboard and by link', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'detail');
  const agent = await tellAgent(server, { host: 'gpunode', instance: 'elk', workers: 2, machine_class: 'gpu', gpus: 1, experiments: ['detail'] });
  await experiment.add({ command: 'true', times: 30 });
  for (let count = 0; count < 23; count += 1) {
    const { leases } = await agent.sync({ free_slots: [0], metrics: { ...METRICS, ...GPU } });
    const { job_id, attempt, rank, token } = leases[0]!;
    const now = new Date().toISOString();
    const outcome = count === 5 ? 'failed' : 'succeeded';
    await agent.sync({ finished: [{ job_id, attempt, rank, token, outcome, started_at: now, finished_at: now, duration_ms: 4_200 }] });
  }
  const id = agent.worker_ids[0]!;
  await server.api.workers.command({ params: { experiment: 'detail' }, body: { action: 'pause', workers: { worker_ids: [id] } } });

  const page = await admin('/experiments/detail/workers');
  await counts(rowsOf(page), 2);
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByText('1 selected').waitFor();
  await page.keyboard.press('Enter');
  await addressBecomes(page, { query: { worker: id } });
  const panel = page.getByRole('dialog', { name: id });
  await reads(
    panel,
    /queued pause.*Jobs done\s*22.*Host\s*gpunode.*Machine class\s*gpu.*16 processors, 64.0 GB memory, 1 GPU.*Process\s*4711.*Takes jobs of\s*detail/,
  );
  expect(await lookAt(page, 'worker-info')).toEqual([]);
  await page.setViewportSize(DESK);

  await panel.getByRole('link', { name: 'History' }).click();
  await addressBecomes(page, { query: { worker: id, view: 'history' } });
  const entries = panel.getByRole('list', { name: 'History, newest first' }).getByRole('listitem');
  await counts(entries, 20);
  await reads(entries.first(), /Pause queued.*by key:/);
  await reads(entries.nth(1), /Took detail\/23\s*succeeded after 4\.2s/);
  await panel.getByRole('button', { name: 'Show older' }).click();
  await counts(entries, 25);
  await reads(entries.last(), /Registered\s*2 workers, process 4711, version 0.1.0/);
  await reads(entries.nth(18), /Took detail\/6\s*failed after/);
  expect(await lookAt(page, 'worker-history')).toEqual([]);
  await page.setViewportSize(DESK);

  await panel.getByRole('link', { name: 'Metrics' }).click();
  await reads(panel, /CPU\s*64%.*58.0 GB of 64.0 GB.*Disk free\s*200 GB.*GPU 0\s*91% · 71 °C/);
  await panel.getByText('91% on average, 91% at most', { exact: true }).waitFor();
  await panel.getByText('6 hours').click();
  await addressBecomes(page, { query: { worker: id, view: 'metrics', range: '6h' } });
  await page.reload();
  await panel.getByRole('heading', { name: 'GPU temperature' }).waitFor();
  await panel.locator('canvas').nth(6).waitFor();
  expect(await lookAt(page, 'worker-metrics')).toEqual([]);
  await page.setViewportSize(DESK);
  await page.keyboard.press('Escape');
  await addressBecomes(page, { query: {} });
});
