// Many jobs at once: selected by hand, across pages or all that fit, with what an action would do said before it is done; and saved as a file.
import { readFileSync } from 'node:fs';

import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

import { browserTest, cardCount, counts, reads, rows, type Scene } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const JOBS = 60;

/** Pending jobs, the first two of them cancelled. */
async function make({ server }: Scene, name: string): Promise<void> {
  await createExperiment(server, name);
  const params = { experiment: name };
  const jobs = Array.from({ length: JOBS }, (_, index) => ({
    params: { lr: [0.1, 0.01, 0.001][index % 3]!, seed: index, note: index === 59 ? '=1+1' : 'plain' },
  }));
  await server.api.jobs.create({ params, body: { command: 'true', jobs } });
  await server.api.jobs.bulk({ params, body: { action: 'cancel', filter: { numbers: '1-2' } } });
}

const bar = (page: Page): Locator => page.getByRole('region', { name: 'Selected jobs' });
const select = (page: Page, job: number): Locator => page.getByRole('checkbox', { name: `Select job ${job}`, exact: true });
const act = async (page: Page, name: string, confirm: RegExp): Promise<void> => {
  await bar(page).getByRole('button', { name, exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: confirm }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
};

async function saved(page: Page, open: Locator, format: string): Promise<{ name: string; lines: string[] }> {
  await open.click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: format }).click()]);
  return {
    name: download.suggestedFilename(),
    lines: readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split(/\r?\n/),
  };
}

browserTest('jobs are selected across pages by hand and by keyboard, and what is done to them is told before', async (scene) => {
  await make(scene, 'many');
  const page = await scene.admin('/experiments/many/jobs?size=25');
  await counts(rows(page), 25);
  expect(await bar(page).count()).toBe(0);
  await select(page, 60).check();
  await select(page, 57).click({ modifiers: ['Shift'] });
  await reads(bar(page).locator('output'), '4 selected');
  await page.getByRole('button', { name: 'Next page' }).click();
  await reads(rows(page).first().locator('[data-column=number]'), '35');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await reads(bar(page).locator('output'), '5 selected');
  await page.getByRole('button', { name: 'Next page' }).click();
  await select(page, 1).check();
  await act(page, 'Hold', /^Hold 5 jobs$/);
  await page.getByText('Held 5 of 6 jobs. 1 was not pending and stayed as it was').waitFor();
  await eventually(async () => {
    const { jobs } = await scene.server.api.jobs.list({ params: { experiment: 'many' }, query: { held: true, order: 'asc' } });
    expect(jobs.map((job) => job.number)).toEqual([35, 57, 58, 59, 60]);
  });
  expect(await bar(page).count()).toBe(0);
});

browserTest('all that fit are one selection, however many; and nothing is done to none', async (scene) => {
  await make(scene, 'fitting');
  const page = await scene.admin('/experiments/fitting/jobs?size=25&search=lr%3D0.1');
  await page.getByText('1 to 20 of 20').waitFor();
  await page.goto(`${scene.server.url}/experiments/fitting/jobs?size=25`);
  await page.getByRole('checkbox', { name: 'Select all jobs of this page' }).check();
  await reads(bar(page).locator('output'), '25 selected');
  await bar(page).getByRole('button', { name: 'Select all that fit' }).click();
  await reads(bar(page).locator('output'), '60 selected');
  await act(page, 'Priority', /^Set the priority of 58 jobs$/);
  await page.getByText('Set the priority of 58 of 60 jobs').waitFor();

  await page.getByRole('checkbox', { name: 'Select all jobs of this page' }).check();
  await bar(page).getByRole('button', { name: 'Select all that fit' }).click();
  // Another filter: what "all" meant is no longer meant.
  await page
    .getByRole('link', { name: /^Aborted/ })
    .last()
    .click();
  await bar(page).waitFor({ state: 'hidden' });
  await page.getByRole('checkbox', { name: 'Select all jobs of this page' }).check();
  await bar(page).getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('None of the 2 jobs will be deleted.').waitFor();
  expect(await dialog.getByRole('button', { name: /^Delete/ }).isDisabled()).toBe(true);
  await page.keyboard.press('Escape');
  await act(page, 'Requeue', /^Requeue 2 jobs$/);
  await reads(cardCount(page, 'Pending'), '60');
});

browserTest('what fits or is selected is saved as CSV and as JSON lines', async (scene) => {
  await make(scene, 'exported');
  const page = await scene.admin('/experiments/exported/jobs?search=lr%3D0.001&size=25');
  await page.getByText('1 to 20 of 20').waitFor();
  const all = await saved(page, page.getByRole('button', { name: 'Export', exact: true }), 'CSV, for spreadsheets and pandas');
  expect([all.name, all.lines.length]).toEqual(['exported-jobs.csv', 21]);
  expect(all.lines[0]).toMatch(/^\uFEFFnumber,status,params\.lr,params\.note,params\.seed,outcome,/);
  expect(all.lines.at(-1)).toMatch(/^60,pending,0\.001,'=1\+1,59,/);
  await select(page, 60).check();
  await select(page, 54).check();
  const some = await saved(page, bar(page).getByRole('button', { name: 'Export' }), 'JSON lines, for programs');
  expect(some.name).toBe('exported-jobs.jsonl');
  expect(some.lines.map((line) => (JSON.parse(line) as { number: number }).number)).toEqual([54, 60]);
});

browserTest('who may only look selects and exports, and acts on nothing', async (scene) => {
  await make(scene, 'seen');
  const page = await scene.admin('/');
  await page.route('**/api/v1/session', async (route) => {
    const reply = await route.fetch();
    const body = (await reply.json()) as { actor: object };
    await route.fulfill({ response: reply, json: { ...body, actor: { ...body.actor, role: 'viewer' } } });
  });
  await page.goto(`${scene.server.url}/experiments/seen/jobs`);
  await select(page, 60).check();
  expect(await bar(page).getByRole('button').allTextContents()).toEqual(['Select all that fit', 'Export', '']);
});

browserTest('selected rows, the bar and its dialogs: accessible in light, in dark and on a phone; kept as pictures', async (scene) => {
  await make(scene, 'looked-at');
  const page = await scene.admin('/experiments/looked-at/jobs?size=25', DESK);
  await select(page, 60).check();
  await select(page, 56).click({ modifiers: ['Shift'] });
  const faults = await lookAt(page, 'jobs-selected');
  await page.setViewportSize(DESK);
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByRole('button', { name: 'Next page' }).click();
  await select(page, 1).check();
  await bar(page).getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('dialog').getByText('5 of 6 jobs will be cancelled.').waitFor();
  faults.push(...(await lookAt(page, 'jobs-bulk-cancel')));
  expect(faults).toEqual([]);
});
