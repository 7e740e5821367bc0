// Commands that bring what jobs left behind: files, checkpoints, metrics.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

import { contract } from '../contract/index.ts';
import { bytesText } from './sizes.ts';
import { createStage, problem, startContractServer, type Call, type Reply, type Stage } from './stage.suite.ts';

const exampleJob = (contract.jobs.get.example.reply as { job: Record<string, unknown> }).job;
const exampleFile = (contract.results.artifacts.example.reply as { artifacts: Record<string, unknown>[] }).artifacts[0]!;

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

async function staged(answer: (call: Call) => Reply | null): Promise<{ stage: Stage; calls: readonly Call[] }> {
  const server = await startContractServer(answer);
  close = () => server.close();
  return { stage: createStage({ env: { DROVER_URL: server.url, DROVER_API_KEY: 'jd_test' } }), calls: server.calls };
}

const BYTES = Buffer.from([0, 255, 10, 13, 27]);
const sha256 = createHash('sha256').update(BYTES).digest('hex');

function listed(name: string, more: object = {}): Record<string, unknown> {
  return { ...exampleFile, name, sha256, size_bytes: BYTES.length, ...more };
}

/** Jobs 1 and 2 with these files; downloads give the bytes. */
function holding(files: readonly Record<string, unknown>[], download: Reply = { bytes: BYTES }) {
  return ({ path }: Call): Reply | null => {
    if (path.endsWith('/jobs'))
      return { json: { jobs: [1, 2].map((number) => ({ ...exampleJob, number })), next_cursor: null, total: { count: 2, exact: true } } };
    if (path.endsWith('/artifacts')) return { json: { artifacts: files } };
    return path.includes('/artifacts/') ? download : problem('job_not_found', 404, 'There is no such job.');
  };
}

test('job files lists every version, of many jobs as one list', async () => {
  const { stage, calls } = await staged(holding([listed('a.json', { version: 1 }), listed('a.json', { version: 0, size_bytes: 1500, superseded: true })]));
  const { stdout } = await stage.drover('job', 'files', 'digits-tune/1');
  expect(stdout).toMatch(/digits-tune\/1 +a\.json +1 +5 B +1 /);
  expect(stdout).toMatch(/a\.json +0 +1\.5 kB .*does not count/);
  const all = JSON.parse((await stage.drover('job', 'files', 'digits-tune/1-2', '--json')).stdout) as object[];
  expect(all).toHaveLength(4);
  expect(all[2]).toMatchObject({ experiment: 'digits-tune', number: 2, name: 'a.json', version: 1, sha256 });
  await stage.drover('job', 'files', 'digits-tune/1', '--checkpoints');
  expect(calls.at(-1)!.query.get('kind')).toBe('checkpoint');
  expect(await stage.drover('job', 'files', 'digits-tune/1', '--force')).toMatchObject({ code: 2 });
});

test('job files --download brings the newest version of each, once', async () => {
  const files = [listed('a.json', { version: 2, superseded: true }), listed('a.json', { version: 1 }), listed('a.json', { version: 0 }), listed('b b.pt')];
  const { stage, calls } = await staged(holding(files));
  const versions = (): string[] => calls.filter(({ path }) => path.includes('/artifacts/')).map(({ query }) => query.get('version')!);
  expect(await stage.drover('job', 'files', 'digits-tune/1', '-d', 'out')).toMatchObject({ code: 0, stdout: `2 files in ${join(stage.home, 'out')}.\n` });
  expect(versions()).toEqual(['1', '0']);
  expect(readdirSync(join(stage.home, 'out')).sort()).toEqual(['a.json', 'b b.pt']);
  expect(readFileSync(join(stage.home, 'out/b b.pt'))).toEqual(BYTES);
  expect((await stage.drover('job', 'files', 'digits-tune/1', '-d', 'out')).code).toBe(0);
  expect(versions()).toHaveLength(2);
  writeFileSync(join(stage.home, 'out/a.json'), 'mine');
  const kept = await stage.drover('job', 'files', 'digits-tune/1', '-d', 'out');
  expect(kept).toMatchObject({ code: 3, stderr: expect.stringContaining('out/a.json. Replace them with --force') as string });
  expect(readFileSync(join(stage.home, 'out/a.json'), 'utf8')).toBe('mine');
  expect((await stage.drover('job', 'files', 'digits-tune/1', '-d', 'out', '--force')).code).toBe(0);
  expect(readFileSync(join(stage.home, 'out/a.json'))).toEqual(BYTES);
});

test('files of several jobs do not meet', async () => {
  const { stage } = await staged(holding([listed('a.json')]));
  const { stdout } = await stage.drover('job', 'files', 'digits-tune/1-2', '--download', 'out', '--json');
  expect((JSON.parse(stdout) as { path: string }[]).map(({ path }) => path)).toEqual(
    [1, 2].map((number) => join(stage.home, `out/digits-tune/${number}/a.json`)),
  );
});

test('a name that would leave the directory is refused, whoever let it pass', async () => {
  const { stage } = await staged(holding([listed('../escaped')]));
  mkdirSync(join(stage.home, 'out'));
  expect(await stage.drover('job', 'files', 'digits-tune/1', '-d', 'out')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('cannot be saved') as string,
  });
  expect(existsSync(join(stage.home, 'escaped'))).toBe(false);
});

test('job file prints the bytes, or saves them', async () => {
  const { stage, calls } = await staged(
    holding([listed('a.json', { version: 3, superseded: true }), listed('a.json', { version: 2 }), listed('a.json', { version: 1 })]),
  );
  const printed = await stage.drover('job', 'file', 'digits-tune/1', 'a.json');
  expect(Buffer.from(printed.stdout)).toEqual(Buffer.from(BYTES.toString('utf8')));
  expect(calls.at(-1)!.query.get('version')).toBe('2');
  const saved = await stage.drover('job', 'file', 'digits-tune/1', 'a.json', '-o', 'deep/b.json', '--version', '3', '--json');
  expect(JSON.parse(saved.stdout)).toMatchObject({ experiment: 'digits-tune', number: 1, name: 'a.json', version: 3, path: join(stage.home, 'deep/b.json') });
  expect(readFileSync(join(stage.home, 'deep/b.json'))).toEqual(BYTES);
  expect(await stage.drover('job', 'file', 'digits-tune/1', 'c.json')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('no file "c.json"') as string,
  });
  expect((await stage.drover('job', 'file', 'digits-tune/1', 'a.json', '--version', '9')).code).toBe(4);
  expect(await stage.drover('job', 'file', 'digits-tune/1')).toMatchObject({ code: 2, stderr: expect.stringContaining('Which file?') as string });
});

test.each([
  ['breaks off', { bytes: BYTES.subarray(0, 2), cut: true, headers: { 'content-length': '5' } }],
  ['is not what was listed', { bytes: Buffer.from('other') }],
])('a download that %s leaves nothing, and what was there before stays', async (_what, download) => {
  const { stage } = await staged(holding([listed('a.json')], download));
  writeFileSync(join(stage.home, 'a.json'), 'mine');
  expect((await stage.drover('job', 'file', 'digits-tune/1', 'a.json', '-o', 'a.json')).code).toBe(1);
  expect(readFileSync(join(stage.home, 'a.json'), 'utf8')).toBe('mine');
  expect(readdirSync(stage.home).filter((name) => name.endsWith('.part'))).toEqual([]);
});

test('job metrics shows last and extremes of one job or many, and the points of one metric', async () => {
  const metrics = [
    { name: 'loss', points: 30, last: 0.25, min: 0.2, max: 9, last_step: 29 },
    { name: 'wild', points: 1, last: null, min: null, max: null, last_step: null },
  ];
  const series = [
    { attempt: 1, points: [{ step: 0, value: 9, at: '2026-11-21T08:30:00.000Z' }] },
    { attempt: 2, points: [{ step: 1, value: null, at: '2026-11-21T08:31:00.000Z' }] },
  ];
  const { stage, calls } = await staged((call) => {
    if (call.path.endsWith('/metrics')) return { json: { metrics } };
    if (call.path.endsWith('/series'))
      return { json: call.query.get('name') === 'loss' ? { name: 'loss', total: 2, series } : { name: 'x', total: 0, series: [] } };
    return holding([])(call);
  });
  const { stdout } = await stage.drover('job', 'metrics', 'digits-tune/1', '--attempt', '2');
  expect(stdout).toMatch(/digits-tune\/1 +loss +0\.25 +0\.2 +9 +29 +30/);
  expect(stdout).toMatch(/wild +not finite/);
  expect(calls.at(-1)!.query.get('attempt')).toBe('2');
  const all = JSON.parse((await stage.drover('job', 'metrics', 'digits-tune/1-2', '--json')).stdout) as object[];
  expect(all.map((one) => Object.values(one).slice(0, 3))).toEqual([1, 2].flatMap((number) => ['loss', 'wild'].map((name) => ['digits-tune', number, name])));
  const points = await stage.drover('job', 'metrics', 'digits-tune/1', '--points', 'loss', '--json');
  expect(JSON.parse(points.stdout)).toEqual(series.flatMap(({ attempt, points: some }) => some.map((point) => ({ attempt, ...point }))));
  expect((await stage.drover('job', 'metrics', 'digits-tune/1', '--points', 'los')).code).toBe(4);
  expect((await stage.drover('job', 'metrics', 'digits-tune/1-2', '--points', 'loss')).code).toBe(2);
});

test('sizes are short', () => {
  expect([0, 999, 1000, 9_949, 9_950, 99_999, 999_499, 999_500, 104_857_600, 5e12].map(bytesText)).toEqual([
    ...['0 B', '999 B', '1.0 kB', '9.9 kB', '10 kB', '100 kB', '999 kB', '1.0 MB', '105 MB', '5.0 TB'],
  ]);
});
