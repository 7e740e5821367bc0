// Machines: added, moved, disabled and removed here; what runs there, and why one takes no jobs, live.
import { expect } from 'vitest';

import { browserTest, counts, reads } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { tellAgent } from '../support/told-agent.ts';
import { DESK, lookAt } from './look.ts';

browserTest('machines are added to a class, show what runs there, and come back out of quarantine', async ({ server, admin }) => {
  const experiment = await createExperiment(server, 'pool');
  const page = await admin('/machines');
  const rows = page.getByRole('table', { name: 'Machines' }).locator('tbody tr');
  const row = (number: number) => rows.filter({ hasText: `node${number}.` });
  await page.getByText('No machine yet').waitFor();
  expect(await lookAt(page, 'machines-none')).toEqual([]);
  await page.setViewportSize(DESK);

  await page.getByRole('button', { name: 'Add machines' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add machines' });
  await dialog.getByLabel('Machines').fill('node7.example.org:22\n-oProxyCommand=x');
  await reads(dialog, /begins with a minus/);
  await dialog.getByLabel('Machines').fill('node7.example.org:22\nnode8.example.org:22, node9.example.org:22');
  await dialog.getByLabel('Class').fill('foo');
  await dialog.getByRole('button', { name: 'Add 3 machines' }).click();
  await reads(dialog, /No agent drives class foo yet/);
  expect(await lookAt(page, 'machines-add')).toEqual([]);
  await page.setViewportSize(DESK);
  await page.keyboard.press('Escape');
  await counts(rows, 3);
  await reads(row(7), /foo.*No driver/s);

  const agent = await tellAgent(server, { host: 'desk', instance: 'egg', workers: 1, experiments: ['pool'], drives: ['*'] });
  const { driven } = await agent.sync();
  const driven_slots = driven!.map(({ slot }) => slot);
  await reads(row(7), /Ready.*desk_egg drives it/s);
  await server.api.jobs.create({
    params: { experiment: 'pool' },
    body: { command: 'setup {MACHINE}', machine_class: 'foo', jobs: [{ params: {} }], times: 6 },
  });
  const slot = driven_slots[0]!;
  const first = await agent.sync({ driven_slots, free_slots: [slot] });
  expect(first.leases).toMatchObject([{ command: "setup 'node7.example.org:22'", machine: 'node7.example.org:22' }]);
  await reads(row(7), /Running.*pool\/1/s);
  let [lease] = first.leases;
  for (let round = 0; round < 4; round += 1) {
    const { job_id, attempt, rank, token } = lease!;
    const end = { job_id, attempt, rank, token, outcome: 'failed' as const, exit_code: 255, signal: null, message: null };
    const finished = [{ ...end, started_at: null, finished_at: new Date().toISOString(), duration_ms: 10 }];
    [lease] = (await agent.sync({ driven_slots, free_slots: [slot], finished })).leases;
  }
  expect(lease).toBeUndefined();
  await reads(row(7), /Quarantined.*4 different jobs in a row failed here.*pool\/4 \(exit code 255\).*Next trial in 9m/s);
  await server.api.machines.change({ body: { action: 'disable', selection: { names: ['node8.example.org:22'] } } });
  await reads(row(8), /Disabled/);
  expect(await lookAt(page, 'machines')).toEqual([]);
  await page.setViewportSize(DESK);

  await page.getByRole('button', { name: 'Actions for node7.example.org:22' }).click();
  await page.getByRole('menuitem', { name: 'End the quarantine' }).click();
  await reads(row(7), /Ready/s);
  await page.getByRole('button', { name: 'Actions for node9.example.org:22' }).click();
  await page.getByRole('menuitem', { name: 'Move to a class…' }).click();
  const move = page.getByRole('dialog', { name: 'Move node9.example.org:22 to another class' });
  await move.getByLabel('Class').fill('bar');
  await move.getByRole('button', { name: 'Move' }).click();
  await reads(row(9), /bar/);
  await page.getByRole('button', { name: 'Actions for node9.example.org:22' }).click();
  await page.getByRole('menuitem', { name: 'Remove…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove node9.example.org:22' }).click();
  await counts(row(9), 0);

  await page.goto(`${server.url}/experiments/pool/jobs`);
  await reads(page.locator('[data-column=worker]').last(), 'node7.example.org:22');
  await experiment.recount();
});

browserTest('home leads to the machines, and so do the keys', async ({ admin }) => {
  const page = await admin('/');
  await page.getByRole('link', { name: 'Machines' }).click();
  await page.getByRole('heading', { name: 'Machines' }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.getByRole('heading', { name: 'Experiments' }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('a');
  await page.getByRole('heading', { name: 'Machines' }).waitFor();
});
