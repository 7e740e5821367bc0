// `drover job export`: what is asked for, and that only a whole file gets its name.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

import { createStage, startContractServer, type Call, type Reply, type Stage } from './stage.suite.ts';

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

const CSV = Buffer.from('number,status\r\n1,done\r\n');

async function staged(reply: Reply): Promise<{ stage: Stage; calls: readonly Call[] }> {
  const server = await startContractServer(({ path }) => (path === '/experiments/digits-tune/export' ? reply : null));
  close = () => server.close();
  return { stage: createStage({ env: { DROVER_URL: server.url, DROVER_API_KEY: 'jd_test' } }), calls: server.calls };
}

test('writes what the server sends, of the jobs that were named or chosen', async () => {
  const { stage, calls } = await staged({ bytes: CSV });
  expect(await stage.drover('job', 'export', 'digits-tune/1-3,7', '-m', 'val loss', '-m', 'acc')).toMatchObject({ code: 0, stdout: CSV.toString() });
  expect(calls[0]!.query.toString()).toBe('format=csv&metric=val+loss&metric=acc&numbers=1-3%2C7');
  await stage.drover('job', 'export', '-e', 'digits-tune', '--status', 'done,aborted', '--search', 'lr>0.1', '--held', '--json');
  expect(calls[1]!.query.toString()).toBe('format=jsonl&status=done&status=aborted&search=lr%3E0.1&held=true');
  expect(await stage.drover('job', 'export', 'digits-tune/1', 'other/2')).toMatchObject({ code: 2 });
  expect(await stage.drover('job', 'export', '-e', 'digits-tune', '--status', 'served')).toMatchObject({ code: 2 });
});

test('saves a whole file, and nothing of one that breaks off', async () => {
  const { stage } = await staged({ bytes: CSV });
  const path = join(stage.home, 'out/jobs.csv');
  expect(await stage.drover('job', 'export', '-e', 'digits-tune', '-o', 'out/jobs.csv')).toMatchObject({ code: 0, stdout: `Saved ${path}.\n` });
  expect(readFileSync(path)).toEqual(CSV);
  await close();
  const { stage: other } = await staged({ bytes: CSV, cut: true });
  const { code } = await other.drover('job', 'export', '-e', 'digits-tune', '-o', 'jobs.csv');
  expect(code).not.toBe(0);
  expect([existsSync(join(other.home, 'jobs.csv')), readdirSync(other.home).filter((name) => name.endsWith('.part'))]).toEqual([false, []]);
});
