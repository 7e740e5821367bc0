// Commands that change what is there already: jobs, experiments, workers.
import { afterEach, expect, test } from 'vitest';

import { contract } from '../contract/index.ts';
import { createStage, problem, startContractServer, type Call, type Reply, type Stage, type StageOptions } from './stage.suite.ts';

const exampleExperiment = contract.experiments.get.example.reply as Record<string, unknown>;
const exampleJob = (contract.jobs.get.example.reply as { job: Record<string, unknown> }).job;
const exampleWorker = (contract.workers.list.example.reply as { workers: Record<string, unknown>[] }).workers[0]!;

let close: () => Promise<void> = () => Promise.resolve();
afterEach(() => close());

async function staged(answer: (call: Call) => Reply | null, options: StageOptions = {}): Promise<{ stage: Stage; calls: readonly Call[] }> {
  const server = await startContractServer(answer);
  close = () => server.close();
  return { stage: createStage({ ...options, env: { DROVER_URL: server.url, DROVER_API_KEY: 'jd_test', ...options.env } }), calls: server.calls };
}

test('a set of which some had ended is cancelled without a complaint; a single job that ended is refused', async () => {
  let bulk: object = { matched: 3, changed: 2, refused: { job_ended: 1 }, jobs: '1,3' };
  const { stage } = await staged(({ path }) =>
    path.endsWith('/bulk')
      ? { json: { action: 'cancel', dry_run: false, ...bulk } }
      : problem('job_ended', 409, 'Job digits-tune/2 is done, so it cannot be cancelled.'),
  );
  const cancel = (...words: string[]) => stage.drover('job', 'cancel', ...words, '--yes');
  expect(await cancel('digits-tune/1-3')).toEqual({ code: 0, stdout: 'Cancelled 2 jobs: digits-tune/1,3; 1 had already ended\n', stderr: '' });
  bulk = { matched: 3, changed: 0, refused: { job_ended: 3 }, jobs: '' };
  expect(await cancel('-e', 'digits-tune', '--all')).toEqual({ code: 0, stdout: 'No job of digits-tune was changed; 3 had already ended.\n', stderr: '' });
  expect(await cancel('digits-tune/2')).toMatchObject({ code: 3, stderr: expect.stringContaining('cannot be cancelled') as string });
  bulk = { matched: 1, changed: 0, refused: { job_ended: 1 }, jobs: '' };
  expect((await cancel('digits-tune/2', '--dry-run')).code).toBe(3);
});

test('what else is refused among many stays an error', async () => {
  const bulk = { action: 'delete', dry_run: false, matched: 2, changed: 1, refused: { job_not_pending: 1 }, jobs: '1' };
  const { stage } = await staged(() => ({ json: bulk }));
  const { code, stderr } = await stage.drover('job', 'rm', 'digits-tune/1-2', '--yes');
  expect({ code, stderr }).toEqual({ code: 3, stderr: 'drover: Left as they were: 1 of digits-tune (job_not_pending).\n' });
});

test('tags are given and taken as a set, of one job too', async () => {
  const bulk = { dry_run: false, matched: 1, changed: 1, refused: {}, jobs: '4' };
  const { stage, calls } = await staged(({ body }) => ({ json: { ...bulk, action: (body as { action: string }).action } }));
  expect(await stage.drover('job', 'tag', 'digits-tune/4', '--tag', 'best', '-t', 'two words')).toMatchObject({
    code: 0,
    stdout: 'Tagged 1 job: digits-tune/4\n',
  });
  expect(calls.at(-1)).toMatchObject({
    path: '/experiments/digits-tune/jobs/bulk',
    body: { action: 'add_tags', filter: { numbers: '4' }, tags: ['best', 'two words'] },
  });
  expect(await stage.drover('job', 'untag', '-e', 'digits-tune', '--search', 'tag:best', '-t', 'best')).toMatchObject({ code: 0 });
  expect(calls.at(-1)!.body).toEqual({ action: 'remove_tags', filter: { search: 'tag:best' }, tags: ['best'] });
  expect(await stage.drover('job', 'tag', 'digits-tune/4')).toMatchObject({ code: 2 });
});

test('job edit keeps the params that are not named, and overwrites nobody', async () => {
  const before = { ...exampleJob, params: { lr: 0.1, units: 16, dropout: 0 }, revision: 7 };
  const { stage, calls } = await staged(({ method, body }) =>
    method === 'GET' ? { json: { job: before, attempts: [] } } : { json: { ...before, ...(body as object), revision: 8 } },
  );
  const edited = await stage.drover('job', 'edit', 'digits-tune/42', 'lr=0.05', 'name=007', '--unset', 'dropout', '--timeout', 'none', '--priority', '5');
  expect(edited).toEqual({ code: 0, stdout: 'Changed digits-tune/42: lr=0.05 units=16 name=007\n', stderr: '' });
  expect(calls.at(-1)).toMatchObject({ method: 'PATCH', path: '/experiments/digits-tune/jobs/42' });
  expect(calls.at(-1)!.body).toEqual({ params: { lr: 0.05, units: 16, name: '007' }, timeout_seconds: null, priority: 5, revision: 7 });
  await stage.drover('job', 'edit', '42', '-e', 'digits-tune', '--max-attempts', '3', '--tag', 'a', '--', 'run', 'a b');
  expect(calls.at(-1)!.body).toEqual({ command: "run 'a b'", max_attempts: 3, tags: ['a'], revision: 7 });
  await stage.drover('job', 'edit', 'digits-tune/42', '--script');
  expect(calls.at(-1)!.body).toEqual({ command: null, revision: 7 });
});

test.each([
  [['digits-tune/42'], 'What is to change?'],
  [['digits-tune/1-3', 'lr=1'], 'a single job'],
  [['digits-tune/42', 'lr'], 'not name=value'],
  [['digits-tune/42', '--unset', 'units'], 'has no param "units"'],
  [['digits-tune/42', 'learning_rate=1', '--unset', 'learning_rate'], 'set and unset'],
  [['digits-tune/42', '--timeout', 'soon'], '90s, 15m'],
  [['digits-tune/42', '--script', '--', 'run'], 'not both'],
])('job edit %j is refused before anything is changed, code 2', async (words, sentence) => {
  const { stage, calls } = await staged(() => ({ json: { job: { ...exampleJob, params: { learning_rate: 0.1 } }, attempts: [] } }));
  const { code, stderr } = await stage.drover('job', 'edit', ...words);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(sentence) as string });
  expect(calls.filter(({ method }) => method !== 'GET')).toEqual([]);
});

test('experiment set sends each setting as the API takes it', async () => {
  const { stage, calls } = await staged(() => ({ json: exampleExperiment }));
  const set = (...words: string[]) => stage.drover('experiment', 'set', 'digits-tune', ...words);
  expect(await set('max_attempts=3', 'timeout_seconds=2h', 'lost_after_seconds=90', 'description=a = b', 'held=true')).toEqual({
    code: 0,
    stdout: 'Changed digits-tune: max_attempts=3 timeout_seconds=2h lost_after_seconds=90 description=a = b held=true\n',
    stderr: '',
  });
  expect(calls[0]).toMatchObject({ method: 'PATCH', path: '/experiments/digits-tune' });
  expect(calls[0]!.body).toEqual({
    description: 'a = b',
    held: true,
    settings: { max_attempts: 3, timeout_seconds: 7200, lost_after_seconds: 90 },
  });
  await set('timeout_seconds=none');
  expect(calls[1]!.body).toEqual({ settings: { timeout_seconds: null } });
});

test.each([
  ['max_atempts=3', 'Did you mean max_attempts?'],
  ['max_attempts', 'not setting=value'],
  ['max_attempts=few', 'must be a whole number'],
  ['grace_seconds=none', 'must be a time'],
  ['held=maybe', 'true or false'],
])('experiment set %s is refused before anything is sent, code 2', async (word, sentence) => {
  const { stage, calls } = await staged(() => ({ json: exampleExperiment }));
  const { code, stderr } = await stage.drover('experiment', 'set', 'digits-tune', word);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(sentence) as string });
  expect(calls).toEqual([]);
});

test('worker revoke finds the agent by its name or one of its workers, and asks first', async () => {
  const workers = [exampleWorker, { ...exampleWorker, worker_id: 'gpunode_egg_1', slot: 1, status: 'idle' }];
  const answer = ({ path }: Call): Reply => {
    if (path === '/experiments') return { json: { experiments: [{ ...exampleExperiment, name: 'other' }, exampleExperiment] } };
    if (path.endsWith('/revoke')) return { json: { agent: 'gpunode_egg', revoked_at: '2026-11-21T08:30:00.000Z', running_jobs: 1 } };
    return { json: { workers: path.includes('digits-tune') ? workers : [] } };
  };
  const { stage, calls } = await staged(answer, { terminal: true });
  const asked = stage.drover('worker', 'revoke', 'gpunode_egg_1');
  stage.type('no\n');
  const { code, stderr } = await asked;
  expect(code).toBe(3);
  expect(stderr).toContain('revoke gpunode_egg with its 2 workers, 1 of them busy, for good? [y/N]');
  expect(calls.filter(({ method }) => method === 'POST')).toEqual([]);
  const done = await stage.drover('worker', 'revoke', 'gpunode_egg', '--yes');
  expect(done).toEqual({ code: 0, stdout: 'Revoked gpunode_egg. It held 1 job, which will count as lost.\n', stderr: '' });
  expect(calls.at(-1)).toMatchObject({ method: 'POST', path: '/experiments/digits-tune/agents/gpunode_egg/revoke' });
  expect(await stage.drover('worker', 'revoke', 'gpunode_fox', '--yes')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('no agent gpunode_fox') as string,
  });
});

test('workers that could not be told are counted, code 3', async () => {
  const { stage } = await staged(() => ({ json: { matched: 3, changed: 2, refused: 1, workers: ['gpunode_egg_0', 'gpunode_egg_1'] } }));
  const { code, stdout, stderr } = await stage.drover('worker', 'tell', 'pause', '-e', 'digits-tune');
  expect({ code, stdout }).toEqual({ code: 3, stdout: 'Told 2 of 3 workers to pause: gpunode_egg_0 gpunode_egg_1\n' });
  expect(stderr).toContain('1 of 3 workers, which also serve experiments that you may not operate');
});

test('worker cancel takes back what was told to the workers that are named', async () => {
  const { stage, calls } = await staged(() => ({ json: { matched: 2, changed: 1, busy: 0, refused: 0, workers: ['gpunode_egg_1'] } }));
  expect(await stage.drover('worker', 'cancel', '-e', 'digits-tune', '--host', 'gpunode')).toEqual({
    ...{ code: 0, stderr: '' },
    stdout: 'Took back what 1 of 2 workers were told: gpunode_egg_1\n',
  });
  expect(calls.at(-1)).toMatchObject({ path: '/experiments/digits-tune/workers/cancel-command', body: { workers: { host: 'gpunode' }, dry_run: false } });
  expect((await stage.drover('worker', 'cancel', 'gpunode_egg_1', '-e', 'digits-tune', '--dry-run')).stdout).toContain('Would take back');
});

test('worker history finds the experiment of the worker, and tells jobs and events', async () => {
  const { stage } = await staged(({ path }) => {
    if (path === '/experiments') return { json: { experiments: [{ ...exampleExperiment, name: 'other' }, exampleExperiment] } };
    if (path.endsWith('/history')) return { json: contract.workers.history.example.reply };
    return { json: { workers: path.includes('digits-tune') ? [exampleWorker] : [] } };
  });
  const { code, stdout } = await stage.drover('worker', 'history', 'gpunode_egg_0');
  expect(code).toBe(0);
  expect(stdout).toMatch(/job digits-tune\/42 .*succeeded, 1m/);
  expect(stdout).toMatch(/agent registered +key:laptop +agent gpunode_egg, workers 2/);
  expect(await stage.drover('worker', 'history', 'gpunode_fox_0')).toMatchObject({ code: 4 });
});
