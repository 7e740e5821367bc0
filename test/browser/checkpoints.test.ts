// Saved states on the page of a job: each with its attempt, the one that the next attempt gets, and its bytes.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { browserTest, counts, reads } from '../support/browser.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const JOB = `
import os, sys, jd
state = jd.jd_get_last_checkpoint() or {"epoch": 0}
print("begins at", state["epoch"], flush=True)
for epoch in range(state["epoch"] + 1, state["epoch"] + 3):
    jd.jd_update_checkpoint({"epoch": epoch, "weights": [0.5] * 1000})
sys.exit(1 if os.environ["JD_ATTEMPT"] == "1" else 0)
`;

browserTest('checkpoints of all attempts, the newest marked, apart from files, and downloaded byte for byte', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'saved', { max_attempts: 2, backoff_base_seconds: 0 });
  await experiment.add({ command: `python3 ${stage.file('states.py', JOB)}` });
  await stage.agent({ experiments: ['saved'], url: server.url, key: server.key });
  await experiment.reaches(1, 'done', { within: 30_000 });
  const page = await admin('/experiments/saved/jobs/1', DESK);
  await page.getByRole('log').getByText('begins at 2').waitFor();
  const panel = page.getByRole('region', { name: 'Checkpoints', exact: true });
  await counts(panel.getByRole('row'), 5);
  await reads(panel.getByRole('row').nth(1), /^3newest#2.*kB/);
  await reads(panel.getByRole('row').nth(4), /^0#1/);
  await counts(panel.getByText('newest', { exact: true }), 1);
  await page.getByRole('region', { name: 'Files' }).getByText('None.').waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), panel.getByRole('link', { name: 'Download checkpoint 3' }).click()]);
  expect(download.suggestedFilename()).toMatch(/checkpoint/);
  const query = { kind: 'checkpoint', version: 3 } as const;
  const bytes = await server.api.results.download({ params: { experiment: 'saved', number: 1, name: 'checkpoint' }, query });
  expect(readFileSync(await download.path())).toEqual(Buffer.from(await bytes.arrayBuffer()));
  // So short a job was measured once: numbers, and no charts of one point.
  await reads(page.getByRole('region', { name: 'Machine', exact: true }), /CPU\d+.*%Memory used\d/);
  expect(await lookAt(page, 'job-checkpoints')).toEqual([]);
});
