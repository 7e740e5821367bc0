import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

import { contract } from '../contract/index.ts';
import { rememberServer } from '../runtime/config.ts';
import { createStage, problem, startContractServer, type Call, type Reply, type Stage, type StageOptions } from './stage.suite.ts';

const exampleExperiment = contract.experiments.get.example.reply as Record<string, unknown>;
const exampleJob = (contract.jobs.get.example.reply as { job: Record<string, unknown> }).job;
const created = { dry_run: false, created: 2, from: 1, to: 2, replaced: 0, matrix_id: null, expanding: false, sample: [] };

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

async function staged(answer: (call: Call) => Reply | null, options: StageOptions = {}): Promise<{ stage: Stage; calls: readonly Call[] }> {
  const server = await startContractServer(answer);
  close = () => server.close();
  return { stage: createStage({ ...options, env: { DROVER_URL: server.url, DROVER_API_KEY: 'jd_test', ...options.env } }), calls: server.calls };
}

function counts(pending: number, running: number, done: number, aborted: number) {
  const total = pending + running + done + aborted;
  return { pending, running, done, aborted, total, created: total, expanding: 0 };
}

test('without a command it shows its help, which begins with examples', async () => {
  const stage = createStage();
  const root = await stage.drover();
  expect(root.code).toBe(0);
  expect(root.stdout).toMatch(/^Examples:\n {2}drover up/);
});

const COMMANDS = [
  ...['up', 'server', 'status', 'wait', 'config', 'login-link', 'completions', 'matrix add'],
  ...['add', 'ls', 'show', 'log', 'files', 'file', 'metrics', 'edit', 'cancel', 'rm', 'requeue', 'hold', 'unhold'].map((verb) => `job ${verb}`),
  ...['clone', 'restart', 'forget', 'unforget', 'settimeout', 'cp', 'stat'].map((verb) => `job ${verb}`),
  ...['ls', 'stat', 'csv'].map((verb) => `matrix ${verb}`),
  ...['create', 'ls', 'show', 'set', 'rm', 'pin', 'hold', 'unhold'].map((verb) => `experiment ${verb}`),
  ...['start', 'ls', 'stop', 'restart', 'tell', 'cancel', 'history', 'revoke'].map((verb) => `worker ${verb}`),
  ...['create', 'ls', 'rm'].map((verb) => `key ${verb}`),
];

test.each(COMMANDS)('the help of `%s` begins with examples of it', async (command) => {
  const { code, stdout } = await createStage().drover(...command.split(' '), '--help');
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Examples:\\n {2}drover ${command}`));
});

test('a mistyped command is refused with the right one, code 2', async () => {
  const stage = createStage();
  expect(await stage.drover('stauts')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Did you mean status?') as string });
  expect(await stage.drover('job', 'lgo', 'a/1')).toMatchObject({ code: 2, stderr: expect.stringContaining('log') as string });
});

test('a command line without -- is refused with the way to write it', async () => {
  const stage = createStage();
  expect((await stage.drover('job', 'add', 'python3', 'x.py')).stderr).toContain('drover job add … -- python3 x.py');
  expect((await stage.drover('job', 'add', 'lr=0.5', 'depth=3')).stderr).toContain('drover job add --param lr=0.5 --param depth=3');
  expect((await stage.drover('job', 'add', 'python3', 'x.py', '--lr', '3')).stderr).toContain('go after --');
});

test('no server: one sentence that names the address and the ways out, code 5', async () => {
  const stage = createStage({ env: { DROVER_PORT: '9' } });
  const { code, stdout, stderr } = await stage.drover('status');
  expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  expect(stderr).toMatch(/^drover: No server answers at http:\/\/127\.0\.0\.1:9 .*drover up.*\n$/);
});

test('status --json is what the issue says', async () => {
  const reply = contract.server.status.example.reply;
  const { stage, calls } = await staged(() => ({ json: reply }));
  expect(JSON.parse((await stage.drover('status', '--json')).stdout)).toEqual(reply);
  expect(JSON.parse((await stage.drover('--json', 'status')).stdout)).toEqual(reply);
  expect((await stage.drover('status')).stdout).toMatch(/digits-tune +20 +2 +5 +0 +27/);
  expect((await stage.drover('status', '--quiet')).stdout).toBe('digits-tune\n');
  expect(calls[0]!.headers).toMatchObject({ authorization: 'Bearer jd_test', 'drover-version': '1.2.3' });
});

test('the key of the user file is used for its server only', async () => {
  const { stage, calls } = await staged(() => ({ json: contract.server.status.example.reply }), { env: { DROVER_API_KEY: '' } });
  const url = stage.dependencies.env['DROVER_URL']!;
  rememberServer(stage.dependencies, 'http://127.0.0.1:1', { api_key: 'jd_other', store_id: 's' });
  await stage.drover('status');
  rememberServer(stage.dependencies, url, { api_key: 'jd_file', store_id: 's' });
  await stage.drover('status');
  expect(calls.map(({ headers }) => headers.authorization)).toEqual([undefined, 'Bearer jd_file']);
});

test('job add sends params, settings and the command as typed or quoted', async () => {
  const { stage, calls } = await staged(() => ({ status: 201, json: created }));
  const first = await stage.drover(
    'job',
    'add',
    '-e',
    'digits-tune',
    '--class',
    'gpu',
    '-p',
    'lr=0.1',
    '-p',
    "name=it's",
    '-p',
    'n=007',
    '--times',
    '2',
    '--timeout',
    '2h',
    '--',
    'train --lr {lr}',
  );
  expect(first).toEqual({ code: 0, stdout: 'Created 2 jobs digits-tune/1-2\n', stderr: '' });
  expect(calls[0]!.body).toEqual({
    command: 'train --lr {lr}',
    machine_class: 'gpu',
    timeout_seconds: 7200,
    jobs: [{ params: { lr: 0.1, name: "it's", n: '007' } }],
    times: 2,
  });
  expect(calls[0]!.headers['idempotency-key']).toMatch(/./);
  const second = await stage.drover('job', 'add', '-e', 'digits-tune', '--quiet', '--', 'echo', 'a b', '--json', '--', '-q');
  expect(second.stdout).toBe('digits-tune/1\ndigits-tune/2\n');
  expect(calls[1]!.body).toMatchObject({ command: "echo 'a b' --json -- -q", jobs: [{ params: {} }] });
  await stage.drover('job', 'add', '-e', 'digits-tune');
  expect(calls[2]!.body).not.toHaveProperty('command');
});

test.each([
  [['--param', 'lr'], 'not name=value'],
  [['--param', 'a=1', '--param', 'a=2'], 'given twice'],
  [['--param', '1a=1'], 'begins with a letter'],
  [['--param', 'a=12345678901234567890'], 'cannot be kept exactly'],
  [['--times', '0'], 'whole number from 1'],
  [['--timeout', 'soon'], '90s, 15m'],
  [['--'], 'no command after --'],
])('job add %j is refused before anything is sent, code 2', async (words, sentence) => {
  const { stage, calls } = await staged(() => ({ json: created }));
  const { code, stderr } = await stage.drover('job', 'add', '-e', 'digits-tune', ...words);
  expect(code).toBe(2);
  expect(stderr).toContain(sentence);
  expect(calls).toEqual([]);
});

test('matrix add takes words, a file and standard input, in that order of names', async () => {
  const { stage, calls } = await staged(() => ({ status: 201, json: created }));
  writeFileSync(join(stage.home, 'grid.json'), '{"zeta": [1], "alpha": ["x", null]}');
  await stage.drover('matrix', 'add', '-e', 'digits-tune', '--file', 'grid.json', 'lr=0.1,0.01', '--', 'run {lr}');
  expect(JSON.stringify((calls[0]!.body as { matrix: unknown }).matrix)).toBe('{"zeta":[1],"alpha":["x",null],"lr":[0.1,0.01]}');
  const reading = stage.drover('matrix', 'add', '-e', 'digits-tune', '--file', '-');
  stage.type('{"a": [1, 2]}');
  expect((await reading).code).toBe(0);
  expect(calls[1]!.body).toEqual({ matrix: { a: [1, 2] } });
});

test.each([
  ['{"a": [1], "a": [2]}', 'given twice'],
  ['{"a": []}', 'list of values is empty'],
  ['{"a": 3}', 'must be a list'],
  ['{"a": [12345678901234567890]}', 'cannot be kept exactly'],
  ['[1]', 'A matrix is an object'],
  ['{', 'is not JSON'],
])('the grid file %s is refused with its name, code 2', async (content, sentence) => {
  const { stage, calls } = await staged(() => ({ json: created }));
  writeFileSync(join(stage.home, 'grid.json'), content);
  const { code, stderr } = await stage.drover('matrix', 'add', '-e', 'digits-tune', '--file', 'grid.json', '--', 'run');
  expect(code).toBe(2);
  expect(stderr).toContain('grid.json');
  expect(stderr).toContain(sentence);
  expect(calls).toEqual([]);
});

test('a matrix of 10^9 combinations and a matrix of nothing are refused before anything is sent', async () => {
  const { stage, calls } = await staged(() => ({ json: created }));
  const thousand = Array.from({ length: 1000 }, (_, index) => index).join();
  expect((await stage.drover('matrix', 'add', '-e', 'dd', `a=${thousand}`, `b=${thousand}`, `c=${thousand}`)).stderr).toContain('1,000,000,000 combinations');
  expect((await stage.drover('matrix', 'add', '-e', 'dd')).stderr).toContain('Which values?');
  expect((await stage.drover('matrix', 'add', '-e', 'dd', 'a=1', 'echo')).stderr).toContain('The command goes after --');
  expect((await stage.drover('matrix', 'add', '-e', 'dd', '__proto__=1', 'a=1')).code).toBe(2);
  expect(calls).toEqual([]);
});

test('a dry run shows the first commands, filled in and quoted', async () => {
  const { stage } = await staged(() => ({
    status: 201,
    json: { ...created, dry_run: true, from: null, to: null, created: 4, sample: [{ lr: 0.1, name: "it's" }] },
  }));
  const { stdout } = await stage.drover('matrix', 'add', '-e', 'digits-tune', 'lr=0.1,0.2', '--dry-run', '--', 'run {lr} {name}');
  expect(stdout).toContain("run '0.1' 'it'\\''s'");
  expect(stdout).toContain('The first 1 of 4. 4 jobs would be created; nothing was.');
});

test('a large matrix is waited for while it is expanded, so that what follows finds its jobs', async () => {
  const states = [0, 20_000, 40_000];
  const looks: number[] = [];
  const { stage } = await staged(({ path }) => {
    if (!path.includes('/matrices/')) return { status: 201, json: { ...created, created: 40_000, to: 40_000, matrix_id: 7, expanding: true } };
    looks.push(states.shift()!);
    return { json: { ...(contract.matrices.get.example.reply as object), id: 7, size: 40_000, expanded: looks.at(-1) } };
  });
  const { code, stdout } = await stage.drover('matrix', 'add', '-e', 'digits-tune', 'a=1,2');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'Created 40,000 jobs digits-tune/1-40000\n' });
  expect(looks).toEqual([0, 20_000, 40_000]);
});

test('job ls reads every page in a pipe, and prints one JSON list', async () => {
  const { stage, calls } = await staged(({ query }) => {
    const from = Number(query.get('cursor') ?? 0);
    const jobs = [1, 2].map((step) => ({ ...exampleJob, number: from + step }));
    return { json: { jobs, next_cursor: from < 4 ? String(from + 2) : null, total: { count: 6, exact: true } } };
  });
  const { stdout } = await stage.drover('job', 'ls', '--experiment', 'digits-tune', '--status', 'pending', '--json');
  expect((JSON.parse(stdout) as { number: number }[]).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(calls[0]!.query.get('status')).toBe('pending');
  expect((await stage.drover('job', 'ls', '-e', 'digits-tune', '-q')).stdout.split('\n').slice(0, 2)).toEqual(['digits-tune/1', 'digits-tune/2']);
});

test('job ls on a terminal shows the newest and what runs, the newest last, within the width of the screen', async () => {
  const jobs = [9, 8].map((number) => ({ ...exampleJob, number, message: 'm'.repeat(300) }));
  const older = [{ ...exampleJob, number: 3, status: 'running' }];
  const answer = ({ query }: Call): Reply =>
    query.get('status') === 'running' && query.get('numbers') === '1-7'
      ? { json: { jobs: older, next_cursor: null, total: { count: 1, exact: true } } }
      : { json: { jobs, next_cursor: 'more', total: { count: 9, exact: true } } };
  const { stage } = await staged(answer, { terminal: true, env: { NO_COLOR: '1' } });
  const { stdout, stderr } = await stage.drover('job', 'ls', '-e', 'digits-tune');
  const lines = stdout.trimEnd().split('\n');
  expect(lines[1]).toContain('digits-tune/3');
  expect(lines[2]).toContain('digits-tune/8');
  expect(lines[3]).toContain('digits-tune/9');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(stdout).not.toContain('\u001b');
  expect(stderr).toContain('The newest 2 and 1 that run of 9 jobs');
});

test('the only experiment need not be named; of several one must be', async () => {
  let names = ['digits-tune'];
  const list = (): Reply => ({ json: { experiments: names.map((name) => ({ ...exampleExperiment, name })) } });
  const { stage, calls } = await staged(({ path }) =>
    path === '/experiments' ? list() : { json: { jobs: [], next_cursor: null, total: { count: 0, exact: true } } },
  );
  expect((await stage.drover('job', 'ls')).code).toBe(0);
  expect(calls.at(-1)!.path).toBe('/experiments/digits-tune/jobs');
  names = ['digits-tune', 'other'];
  expect(await stage.drover('job', 'ls')).toMatchObject({ code: 2, stderr: expect.stringContaining('digits-tune, other') as string });
  mkdirSync(join(stage.home, 'below'));
  writeFileSync(join(stage.home, 'drover.json'), '{"experiment": "other"}');
  await stage.drover('job', 'ls');
  expect(calls.at(-1)!.path).toBe('/experiments/other/jobs');
  names = [];
  writeFileSync(join(stage.home, 'drover.json'), '{}');
  expect((await stage.drover('job', 'ls')).code).toBe(4);
});

test('an experiment that does not exist: code 4, and the name that was probably meant', async () => {
  const { stage } = await staged(({ path }) =>
    path === '/experiments' ? { json: { experiments: [exampleExperiment] } } : problem('experiment_not_found', 404, 'There is no experiment digit-tune.'),
  );
  const { code, stderr } = await stage.drover('job', 'ls', '-e', 'digit-tune');
  expect(code).toBe(4);
  expect(stderr).toBe('drover: There is no experiment digit-tune. Did you mean digits-tune?\n');
});

test('refusals are code 3, with the sentence of the server; a missing key says how to get one', async () => {
  let reply = problem('job_ended', 409, 'digits-tune/1 has ended.');
  const { stage } = await staged(() => reply);
  expect(await stage.drover('job', 'cancel', 'digits-tune/1')).toEqual({ code: 3, stdout: '', stderr: 'drover: digits-tune/1 has ended.\n' });
  reply = problem('unauthenticated', 401, 'Who are you?');
  expect(await stage.drover('job', 'cancel', 'digits-tune/1')).toMatchObject({ code: 3, stderr: expect.stringContaining('DROVER_API_KEY') as string });
});

test('cancelling several jobs asks first, with the count, and does nothing without a yes', async () => {
  const bulk = { action: 'cancel', matched: 3, changed: 3, refused: {}, jobs: '1-3' };
  const answer = ({ body }: Call): Reply => ({ json: { ...bulk, dry_run: (body as { dry_run?: boolean }).dry_run === true } });
  const { stage, calls } = await staged(answer, { terminal: true });
  const asked = stage.drover('job', 'cancel', 'digits-tune/1-3');
  stage.type('no\n');
  const { code, stderr } = await asked;
  expect(code).toBe(3);
  expect(stderr).toContain('cancel 3 jobs (digits-tune/1-3)? [y/N]');
  expect(calls.map(({ body }) => (body as { dry_run?: boolean }).dry_run)).toEqual([true]);
  const agreed = stage.drover('job', 'cancel', 'digits-tune/1-3');
  stage.type('y\n');
  expect(await agreed).toMatchObject({ code: 0, stdout: 'Cancelled 3 jobs: digits-tune/1-3\n' });
  expect(await stage.drover('job', 'cancel', 'digits-tune/1-3', '--yes', '--quiet')).toMatchObject({ code: 0, stdout: 'digits-tune/1-3\n' });
});

test('without a terminal nothing is asked: --yes or nothing', async () => {
  const { stage, calls } = await staged(() => ({ json: { action: 'delete', dry_run: true, matched: 2, changed: 2, refused: {}, jobs: '1-2' } }));
  expect(await stage.drover('job', 'rm', 'digits-tune/1,2')).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') as string });
  expect(calls).toHaveLength(1);
});

test('jobs that were refused among many make the code 3 and are counted', async () => {
  const { stage } = await staged(() => ({ json: { action: 'requeue', dry_run: false, matched: 3, changed: 1, refused: { job_not_ended: 2 }, jobs: '1' } }));
  const { code, stdout, stderr } = await stage.drover('job', 'requeue', 'digits-tune/1-3');
  expect({ code, stdout }).toEqual({ code: 3, stdout: 'Requeued 1 job: digits-tune/1\n' });
  expect(stderr).toContain('2 of digits-tune (job_not_ended)');
});

test('an experiment is deleted only when its name is typed or repeated', async () => {
  const answer = ({ method }: Call): Reply => ({ json: method === 'DELETE' ? { deleted: true } : exampleExperiment });
  const { stage, calls } = await staged(answer, { terminal: true });
  const deletions = (): number => calls.filter(({ method }) => method === 'DELETE').length;
  const wrong = stage.drover('experiment', 'rm', 'digits-tune');
  stage.type('digits\n');
  expect((await wrong).code).toBe(3);
  const ended = stage.drover('experiment', 'rm', 'digits-tune');
  stage.type('');
  expect((await ended).code).toBe(3);
  expect(deletions()).toBe(0);
  const right = stage.drover('experiment', 'rm', 'digits-tune');
  stage.type('digits-tune\n');
  expect(await right).toMatchObject({ code: 0, stderr: expect.stringContaining('27 jobs') as string });
  expect((await stage.drover('experiment', 'rm', 'digits-tune', '--confirm', 'digits-tune')).code).toBe(0);
  expect(deletions()).toBe(2);
});

test('wait ends with 0 when every job is done and with 6 when one was aborted', async () => {
  const states = [counts(1, 1, 0, 0), counts(0, 1, 1, 0), counts(0, 0, 2, 0)];
  const answer = ({ path }: Call): Reply | null =>
    path === '/events' ? null : { json: { ...exampleExperiment, counts: states.length > 1 ? states.shift() : states[0] } };
  const { stage } = await staged(answer);
  const waited = await stage.drover('wait', '-e', 'digits-tune', '--json');
  expect(waited.code).toBe(0);
  expect(JSON.parse(waited.stdout)).toMatchObject({ done: 2, total: 2 });
  expect(waited.stderr).toBe('');
  expect((await stage.drover('wait', '-e', 'digits-tune')).stderr).toContain('all 2 jobs are done');
  states[0] = counts(0, 0, 1, 1);
  expect(await stage.drover('wait', '-e', 'digits-tune')).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('1 of 2 jobs are done, 1 aborted') as string,
  });
});

test('Ctrl-C while waiting ends with 130 and says nothing', async () => {
  const { stage, calls } = await staged(({ path }) => (path === '/events' ? null : { json: { ...exampleExperiment, counts: counts(0, 1, 0, 0) } }));
  const waiting = stage.drover('wait', '-e', 'digits-tune', '--quiet');
  await expect.poll(() => calls.length, { timeout: 15_000 }).toBeGreaterThan(2);
  stage.interrupt();
  expect(await waiting).toEqual({ code: 130, stdout: '', stderr: '' });
});

test('key create prints id, name and key, and only the key with --quiet', async () => {
  const { stage, calls } = await staged(() => ({ status: 201, json: contract.access.createKey.example.reply }));
  expect(JSON.parse((await stage.drover('key', 'create', '--name', 'laptop', '--json')).stdout)).toEqual({ id: 3, name: 'laptop', key: 'jd_4fQ2…' });
  expect((await stage.drover('key', 'create', '--name', 'laptop', '-q', '-e', 'a1', '-e', 'b1')).stdout).toBe('jd_4fQ2…\n');
  expect(calls[1]!.body).toEqual({ name: 'laptop', experiments: ['a1', 'b1'] });
});

test('job log writes the bytes as they are', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 27, 128]);
  const { stage, calls } = await staged(() => ({ bytes, headers: { 'drover-log-size': '6' } }));
  const { code, stdout } = await stage.drover('job', 'log', 'digits-tune/4', '--stderr');
  expect(code).toBe(0);
  expect(Buffer.from(stdout)).toEqual(Buffer.from(bytes.toString('utf8')));
  expect(calls[0]!.query.get('stream')).toBe('stderr');
});

test('config shows where each value comes from and no secret', async () => {
  const stage = createStage({ env: { DROVER_API_KEY: 'jd_very_secret', DROVER_PORT: '5100' } });
  const { stdout } = await stage.drover('config');
  expect(stdout).toMatch(/port +5100 +environment DROVER_PORT/);
  expect(stdout).toMatch(/api_key +\[secret\] +environment DROVER_API_KEY/);
  expect(stdout + (await stage.drover('config', '--json', '--all')).stdout).not.toContain('jd_very_secret');
});

test('--json and --quiet exclude each other', async () => {
  expect(await createStage().drover('config', '--json', '-q')).toMatchObject({ code: 2, stderr: expect.stringContaining('not both') as string });
});
