// The page of a job while it runs: output as it is written, curves, files, and what happened.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

import { addressBecomes, browserTest, counts, markDocument, reads } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';

const JOB = `
import os, sys, time, jd
def wait(gate):
    while not os.path.exists(os.environ["STAGE"] + "/" + gate):
        time.sleep(0.02)
print("\\x1b[32mgreen light\\x1b[0m then plain", flush=True)
for percent in (10, 50, 90):
    sys.stdout.write("\\rloading %d%%" % percent)
sys.stdout.flush()
wait("go")
sys.stdout.write("\\rloading 100%\\n")
print("a warning", file=sys.stderr, flush=True)
for epoch in range(300):
    print("epoch", epoch, flush=True)
    jd.jd_log_metric("loss", 1 / (epoch + 1), step=epoch)
jd.jd_progress(1, 2)
path = os.path.join(jd.jd_job_dir(), "weights.bin")
with open(path, "wb") as weights:
    weights.write(bytes(range(256)) * 40)
jd.jd_upload(path)
table = os.path.join(jd.jd_job_dir(), "confusion.csv")
with open(table, "w") as out:
    out.write("actual,cat,dog\\ncat,9,1\\ndog,2,8\\n")
jd.jd_upload(table)
wait("end")
print("the end", flush=True)
`;

browserTest('output, curves and files appear while the job runs, and stay when it has ended', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune');
  await experiment.add({ command: `python3 ${stage.file('job.py', JOB)}`, params: { lr: 0.1 } });
  await stage.agent({ experiments: ['tune'], url: server.url, key: server.key, env: { STAGE: stage.directory } });
  const page = await admin('/experiments/tune/jobs/1');
  const document = await markDocument(page);
  const log = page.getByRole('log');
  const lines = page.locator('.dr-log-line');
  await reads(lines.nth(0), /green light then plain$/);
  expect(await lines.nth(0).locator('[class*=ansi-green]').textContent()).toBe('green light');
  await reads(lines.nth(1), /^2?loading 90%$/);
  stage.file('go', '');
  await log.getByText('epoch 299', { exact: true }).waitFor();
  expect(await lines.count()).toBeLessThan(150);
  const chart = page.locator('.dr-chart');
  await chart.locator('canvas').waitFor();
  await reads(chart.locator('figcaption'), /^loss0\.0033\d+.*to 1$/);
  await reads(page.locator('.dr-job-head'), /50%/);

  const files = page.getByRole('region', { name: 'Files' });
  const [download] = await Promise.all([page.waitForEvent('download'), files.getByRole('link', { name: 'weights.bin', exact: true }).click()]);
  expect(download.suggestedFilename()).toBe('weights.bin');
  expect(readFileSync(await download.path())).toEqual(Buffer.from(Array.from({ length: 256 * 40 }, (_, index) => index % 256)));
  await files.getByRole('button', { name: 'Look into confusion.csv' }).click();
  await page.getByRole('dialog').getByRole('table').waitFor();
  await reads(page.getByRole('dialog').getByRole('row').last(), /dog\s*2\s*8/);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });

  stage.file('end', '');
  await log.getByText('the end', { exact: true }).waitFor();
  await reads(page.locator('.dr-job-head .dr-status'), 'Done');
  await reads(page.getByRole('region', { name: 'History' }), /Succeeded.*Stored confusion\.csv.*Stored weights\.bin.*Claimed.*Created/s);
  expect(await document.stillThere()).toBe(true);
});

browserTest('streams are told apart, searched, downloaded byte for byte, and an earlier attempt has its own', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune-2');
  const command = 'printf "to out\\n\\377\\000 raw\\n"; echo to err >&2; echo try $JD_ATTEMPT; exit 4';
  await experiment.add({ command });
  await stage.agent({ experiments: ['tune-2'], url: server.url, key: server.key });
  await experiment.reaches(1, 'aborted');
  await server.api.jobs.requeue({ params: { experiment: 'tune-2', number: 1 } });
  await eventually(async () => expect(await experiment.job(1)).toMatchObject({ status: 'aborted', attempts: 2 }));
  const page = await admin('/experiments/tune-2/jobs/1');
  const log = page.getByRole('log');
  await log.getByText('try 2').waitFor();
  expect(await page.locator('.dr-log-line[data-stream=stderr]').allTextContents()).toEqual([expect.stringMatching(/to err$/)]);
  await page.locator('.dr-log-bar').getByText('stderr', { exact: true }).click();
  await addressBecomes(page, { query: { stream: 'stderr' } });
  await counts(page.locator('.dr-log-line'), 1);
  await page.reload();
  await reads(page.locator('.dr-log-line'), /to err$/);
  await page.locator('.dr-log-bar').getByText('both', { exact: true }).click();
  await page.getByLabel('Search the log').fill('TO ');
  await reads(page.locator('.dr-log-search [aria-live]'), '1/2');
  await page.getByLabel('Search the log').fill('');
  await page.getByRole('button', { name: 'Download the log' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /Download stdout/ }).click()]);
  expect(readFileSync(await download.path())).toEqual(Buffer.concat([Buffer.from('to out\n'), Buffer.from([255, 0]), Buffer.from(' raw\ntry 2\n')]));
  await page.locator('.dr-attempt').filter({ hasText: '#1' }).click();
  await addressBecomes(page, { query: { attempt: '1' } });
  await log.getByText('try 1').waitFor();
  await reads(page.getByRole('alert'), /exit code 4/);
});

browserTest('a pending job says why it waits, and says so anew when that changes', async ({ stage, server, admin }) => {
  const experiment = await createExperiment(server, 'tune-wait');
  await server.api.jobs.create({ params: { experiment: 'tune-wait' }, body: { jobs: [{}], command: 'true', machine_class: 'gpu' } });
  const page = await admin('/experiments/tune-wait/jobs/1');
  const why = page.getByRole('alert').filter({ hasText: 'Why it waits' });
  await reads(why, /No worker serves tune-wait\. Start one: drover worker start --experiment tune-wait/);
  await stage.agent({ experiments: ['tune-wait'], url: server.url, key: server.key, args: ['--class', 'cpu'] });
  await reads(why, /It asks for class gpu, and no worker here has it: they have cpu\./);
  const { stdout } = await stage.drover(['job', 'show', 'tune-wait/1', '--url', server.url], { DROVER_API_KEY: server.key });
  expect(stdout.toString()).toMatch(/Waits +It asks for class gpu/);
  await server.api.jobs.hold({ params: { experiment: 'tune-wait', number: 1 } });
  await page.getByText('no worker may take it until it is let run').waitFor();
  await server.api.jobs.unhold({ params: { experiment: 'tune-wait', number: 1 } });
  await stage.agent({ experiments: ['tune-wait'], url: server.url, key: server.key, args: ['--class', 'gpu'] });
  await experiment.reaches(1, 'done');
  await counts(why, 0);
});
