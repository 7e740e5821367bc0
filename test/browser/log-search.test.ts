// A long log is searched on the server: the page steps from match to match, loads what stands around each, and never the whole.
import { expect } from 'vitest';

import { browserTest, reads } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { DESK, lookAt } from './look.ts';

const JOB = `
import os, sys, time
def gate(name):
    while not os.path.exists(os.environ["STAGE"] + "/" + name):
        time.sleep(0.02)
line = "step %07d  loss 0.1234567  accuracy 0.987654321  throughput 4096 samples per second\\n"
out = sys.stdout
for step in range(300000):
    out.write(line % step)
    if step == 50000:
        out.write("\\x1b[31mWarning\\x1b[0m: the NEEDLE is <b>here</b>\\n")
    if step == 290000:
        out.write("another needle\\n")
out.flush()
gate("more")
print("the last Needle", flush=True)
gate("end")
`;

browserTest('a match is found wherever it is, shown with what stands around it, and only that is loaded', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'long-log');
  await experiment.add({ command: `python3 ${stage.file('long.py', JOB)}` });
  await stage.agent({ experiments: ['long-log'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  await eventually(async () => expect((await experiment.attempts(1))[0]?.log_bytes.stdout).toBeGreaterThan(25_000_000), { within: 30_000 });
  const page = await admin('/experiments/long-log/jobs/1', DESK);
  let loaded = 0;
  page.on('response', (reply) => {
    if (reply.url().includes('/log?')) loaded += Number(reply.headers()['content-length'] ?? 0) || 512 * 1024;
  });
  const log = page.getByRole('log');
  const count = page.locator('.dr-log-search [aria-live]');
  const current = page.locator('.dr-log-line[data-current]');
  await log.getByText('step 0299999').waitFor();
  await page.getByLabel('Search the log').fill('needle');
  await reads(count, '1/2');
  await reads(current, /Warning: the NEEDLE is <b>here<\/b>$/);
  expect(await current.locator('mark').textContent()).toBe('NEEDLE');
  await log.getByText('step 0050000').waitFor();
  await page.getByRole('button', { name: 'Next match' }).click();
  await reads(count, '2/2');
  await reads(current, /another needle$/);
  await page.keyboard.press('Escape');
  await page.getByLabel('Search the log').press('Enter');
  await reads(current, /Warning: the NEEDLE/);
  // What arrives is found too, and does not move the reader.
  stage.file('more', '');
  await reads(count, '1/3');
  await page.getByLabel('Search the log').press('Shift+Enter');
  await reads(current, /the last Needle$/);
  await page.getByLabel('Search the log').press('Enter');
  await reads(current, /Warning: the NEEDLE/);
  expect(loaded).toBeLessThan(8_000_000);
  expect(await lookAt(page, 'job-log-search')).toEqual([]);
  await page.setViewportSize(DESK);
  await page.getByRole('button', { name: 'Go to the end' }).click();
  await log.getByText('the last Needle').waitFor();
  for (const hostile of ['.*', '\\', '%', '<b>here', '('.repeat(50)]) {
    await page.getByLabel('Search the log').fill(hostile);
    await reads(count, hostile === '<b>here' ? '1/1' : '0/0');
  }
  // A link to a line shows that line, wherever it is in the log.
  await page.getByLabel('Search the log').fill('<b>here');
  await reads(current, /Warning: the NEEDLE/);
  await current.locator('.dr-log-number').click();
  await eventually(() => expect(new URL(page.url()).search).toMatch(/^\?attempt=1&line=stdout\.\d+$/));
  const { pathname, search } = new URL(page.url());
  const linked = await admin(pathname + search, DESK);
  await reads(linked.locator('.dr-log-line[data-current]'), /Warning: the NEEDLE/);
  await linked.getByRole('log').getByText('step 0050000').waitFor();
  stage.file('end', '');
  await experiment.reaches(1, 'done');
  const { stdout } = await stage.drover(['job', 'log', 'long-log/1', '--grep', 'needle', '--url', server.url], { DROVER_API_KEY: server.key });
  expect(stdout.toString()).toBe('Warning: the NEEDLE is <b>here</b>\nanother needle\nthe last Needle\n');
});
