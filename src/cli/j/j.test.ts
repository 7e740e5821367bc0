import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test } from 'vitest';

import { contract } from '../../contract/index.ts';
import { createStage, problem, startContractServer, type Call, type Reply, type Stage, type StageOptions } from '../stage.suite.ts';

const exampleExperiment = contract.experiments.get.example.reply as Record<string, unknown>;
const exampleJob = (contract.jobs.get.example.reply as { job: Record<string, unknown> }).job;
const exampleMatrix = (contract.matrices.list.example.reply as { matrices: Record<string, unknown>[] }).matrices[0]!;
const created = { dry_run: false, created: 1, from: 1, to: 1, replaced: 0, matrix_id: null, expanding: false, sample: [] };

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

/** The pool is there, unless the answer is about it. */
async function staged(
  answer: (call: Call) => Reply | null,
  options: StageOptions & { readonly pool?: 'asked' } = {},
): Promise<{ stage: Stage; calls: readonly Call[] }> {
  const isPool = ({ path }: Call): boolean => path === '/experiments/pool' && options.pool !== 'asked';
  const server = await startContractServer((call) => (isPool(call) ? { json: { ...exampleExperiment, name: 'pool' } } : answer(call)));
  close = () => server.close();
  return { stage: createStage({ ...options, env: { DROVER_URL: server.url, DROVER_API_KEY: 'jd_test', ...options.env } }), calls: server.calls };
}

const page = (jobs: object[]): Reply => ({ json: { jobs, next_cursor: null, total: { count: jobs.length, exact: true } } });
const jobOf = (number: number, more: object = {}): object => ({ ...exampleJob, experiment: 'pool', number, matrix_id: null, ...more });

test('the pool is made when it is first needed, and another experiment is taken as it is', async () => {
  let there = false;
  const { stage, calls } = await staged(
    ({ method, path }) => {
      if (path === '/experiments' && method === 'POST') {
        there = true;
        return { status: 201, json: { ...exampleExperiment, name: 'pool' } };
      }
      if (path === '/experiments/pool' && !there) return problem('experiment_not_found', 404, 'There is no experiment pool.');
      return path.endsWith('/jobs') ? { status: 201, json: created } : null;
    },
    { pool: 'asked' },
  );
  expect(await stage.j('job', 'add', 'foo', 'true')).toMatchObject({ code: 0, stdout: 'Added jid: 1\n', stderr: 'Created the experiment pool.\n' });
  expect(await stage.j('job', 'add', 'foo', 'true', '--experiment', 'tune')).toMatchObject({ code: 0, stderr: '' });
  expect(calls.at(-1)!.path).toBe('/experiments/tune/jobs');
});

test('whose key may not make the pool reads who can', async () => {
  const { stage } = await staged(
    ({ method }) => (method === 'POST' ? problem('forbidden', 403, 'Not with this key.') : problem('experiment_not_found', 404, 'None.')),
    { pool: 'asked' },
  );
  const { code, stderr } = await stage.j('job', 'add', 'foo', 'true');
  expect(code).toBe(3);
  expect(stderr).toContain('drover experiment create pool');
});

test('a job is asked for as the words say', async () => {
  const { stage, calls } = await staged(({ path }) => (path.endsWith('/jobs') ? { status: 201, json: created } : null));
  await stage.j('job', 'add', 'foo', 'bar --x', '/out', '-x', '3', '--retry', '2', '--timeout', '1.5', '--tag', 'a', '--tag', 'b', '--priority', '-1');
  expect(calls.at(-1)!.body).toEqual({
    ...{ machine_class: 'foo', command: 'bar --x', results_dir: '/out', max_attempts: 3, timeout_seconds: 90, tags: ['a', 'b'], priority: -1 },
    ...{ jobs: [{ params: {} }], times: 3 },
  });
  await stage.j('job', 'matrix', 'add', 'foo', 'bar {I}', 'I="a,b",c', '-x', '2');
  expect(calls.at(-1)!.body).toEqual({ machine_class: 'foo', command: 'bar {I}', matrix: { I: ['a,b', 'c'], REPETITION: [1, 2] } });
});

test('the list: a matrix is one row and stepped over, and what runs is there however old it is', async () => {
  const matrix = { ...exampleMatrix, id: 7, from: 100, to: 100_099, size: 100_000, expanded: 100_000, command: 'grid {I}', machine_class: 'foo' };
  const statuses = { pending: 600, running: 100, done: 300, aborted: 0, held: 100, cancelled: 0, looked_at: 1_000, of: 100_000, copies: 0 };
  const { stage, calls } = await staged(({ path, query }) => {
    if (path.endsWith('/matrices')) return { json: { matrices: [{ ...matrix, statuses }], next_before: null } };
    if (query.get('status') === 'running')
      return page([jobOf(3, { status: 'running', started_at: '2026-11-21T08:30:00.000Z', worker_id: 'lab_egg_0', command: 'old' })]);
    if (query.get('numbers') === '1-99') return page(Array.from({ length: 60 }, (_, index) => jobOf(99 - index, { command: 'c' })));
    return { json: { jobs: [jobOf(100_100), jobOf(100_099, { matrix_id: 7 })], next_cursor: 'more', total: { count: 100_159, exact: true } } };
  });
  const { stdout, stderr } = await stage.j('job', 'ls');
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(1 + 1 + 38 + 1 + 1);
  expect(lines[1]).toMatch(/^ +3 +Running \S+ +old +lab$/);
  expect(lines.at(-2)).toMatch(/^7 \(matrix\) +~10000R 50000W 10000H 30000D +foo +grid \{I\}$/);
  expect(lines.at(-1)).toMatch(/^ +100100 /);
  expect(stderr).toContain('100,040 jobs: ');
  expect(calls.filter(({ path, query }) => path.endsWith('/jobs') && query.get('status') === null)).toHaveLength(2);
});

test('facts as CSV never become a formula, and --json names them', async () => {
  const { stage } = await staged(() => page([jobOf(1, { command: '=cmd()', status: 'aborted', outcome: 'cancelled', message: 'Cancelled' })]));
  expect((await stage.j('job', 'stat', '--jid', '--status', '--cmd', '1')).stdout).toBe("jid,cmd,status\r\n1,'=cmd(),Canceled\r\n");
  expect(JSON.parse((await stage.j('job', 'stat', '--json', '--jid', '--error', '1')).stdout)).toEqual([{ jid: 1, error: 'Cancelled' }]);
  expect((await stage.j('job', 'stat', '--text', '--no_headers', '--jid', '--cmd', '1')).stdout).toBe('1\t=cmd()\n');
  expect(await stage.j('job', 'stat', '--csv', '--text', '--jid')).toMatchObject({ code: 2 });
});

test('results are copied once, never over what differs, and go on where they stopped', async () => {
  const sha256 = createHash('sha256').update('weights').digest('hex');
  const artifact = {
    id: 1,
    name: 'model.pt',
    kind: 'artifact',
    version: 0,
    attempt: 1,
    rank: 0,
    size_bytes: 7,
    sha256,
    created_at: '2026-11-21T08:30:00.000Z',
    superseded: false,
  };
  let log = 'first line\n';
  const { stage, calls } = await staged(({ path }) => {
    if (path.endsWith('/artifacts')) return { json: { artifacts: [artifact] } };
    if (path.endsWith('/log'))
      return { bytes: Buffer.from(log), headers: { 'content-type': 'text/plain', 'drover-log-size': String(log.length), 'drover-log-live': 'false' } };
    return { bytes: Buffer.from('weights'), headers: { 'content-type': 'application/octet-stream' } };
  });
  const read = (name: string): string => readFileSync(join(stage.home, 'out', name), 'utf8');
  expect(await stage.j('job', 'cpresults', 'out', '4')).toMatchObject({ code: 0, stdout: `3 files of 1 job in ${join(stage.home, 'out')}.\n` });
  expect([read('4/files/model.pt'), read('4/stdout')]).toEqual(['weights', log]);
  const downloads = (): number => calls.filter(({ path }) => path.endsWith('model.pt')).length;
  expect(downloads()).toBe(1);
  log += 'second line\n';
  expect((await stage.j('job', 'cpresults', 'out', '4')).code).toBe(0);
  expect([downloads(), read('4/stdout')]).toEqual([1, log]);
  writeFileSync(join(stage.home, 'out/4/files/model.pt'), 'mine');
  writeFileSync(join(stage.home, 'out/4/stdout'), 'mine');
  const kept = await stage.j('job', 'cpresults', 'out', '4');
  expect(kept.code).toBe(3);
  expect(kept.stderr).toContain(join('out', '4', 'files', 'model.pt'));
  expect([read('4/files/model.pt'), read('4/stdout')]).toEqual(['mine', 'mine']);
  expect((await stage.j('job', 'cpresults', 'out', '4', '--force')).code).toBe(0);
  expect([read('4/files/model.pt'), read('4/stdout')]).toEqual(['weights', log]);
});

test('a log is a file of this machine, looked at with the pager that one has', async () => {
  const shown: (readonly [string, readonly string[]])[] = [];
  const view = (words: string, paths: readonly string[]): Promise<number> => {
    shown.push([words, paths]);
    return Promise.resolve(0);
  };
  const { stage } = await staged(
    () => ({ bytes: Buffer.from('a line\n'), headers: { 'content-type': 'text/plain', 'drover-log-size': '7', 'drover-log-live': 'false' } }),
    { terminal: true, env: { PAGER: 'most' }, overrides: { view } },
  );
  mkdirSync(join(stage.home, '.cache'));
  const path = (await stage.j('job', 'log', '4')).stdout.trim();
  expect(path).toMatch(/\.cache\/drover\/logs\/127\.0\.0\.1_\d+\/pool\/4\.log$/);
  expect(readFileSync(path, 'utf8')).toBe('a line\n');
  expect(await stage.j('job', 'log', '-l', '-e', '4')).toMatchObject({ code: 0 });
  expect(shown).toEqual([['most', [path.replace(/log$/, 'err')]]]);
});

test('an unknown command is answered with what there is, and completion knows the classes and jobs', async () => {
  const { stage } = await staged(({ path }) => {
    if (path.endsWith('/workers')) return { json: { workers: [] } };
    return path.endsWith('/jobs') ? page([jobOf(12), jobOf(2)]) : null;
  });
  expect(await stage.j('jobs', 'ls')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/Did you mean job\?[\s\S]*There are: job, machine, var, ping, completions\./) as string,
  });
  expect((await stage.j('__complete', '--', 'job', 'cl')).stdout).toBe('clone\n');
  expect((await stage.j('__complete', '--', 'job', 'log', '')).stdout).toBe('last\n12\n2\n');
});
