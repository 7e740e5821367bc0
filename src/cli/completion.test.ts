import { afterEach, expect, test } from 'vitest';

import { contract } from '../contract/index.ts';
import { createStage, startContractServer, type ContractServer } from './stage.suite.ts';

const experiment = contract.experiments.get.example.reply as Record<string, unknown>;
const job = (contract.jobs.get.example.reply as { job: Record<string, unknown> }).job;

let server: ContractServer | null = null;
afterEach(() => server?.close());

async function offered(...words: string[]): Promise<string[]> {
  server = await startContractServer(({ path }) => {
    if (path === '/experiments') return { json: { experiments: [experiment, { ...experiment, name: 'other' }] } };
    return { json: { jobs: [12, 11, 2].map((number) => ({ ...job, number })), next_cursor: null, total: { count: 3, exact: true } } };
  });
  const { stdout } = await createStage({ env: { DROVER_URL: server.url } }).drover('__complete', '--', ...words);
  return stdout.split('\n').filter((line) => line !== '');
}

test('commands, and the commands of a noun', async () => {
  expect(await offered('st')).toEqual(['status']);
  expect(await offered('job', 'req')).toEqual(['requeue']);
  expect(await offered('')).not.toContain('__complete');
});

test('options and their values', async () => {
  expect(await offered('job', 'ls', '--st')).toEqual(['--status']);
  expect(await offered('job', 'ls', '--status', 'do')).toEqual(['done']);
  expect(await offered('job', 'ls', '--sort', 'start')).toEqual(['started_at']);
  expect(await offered('job', 'ls', '-e', 'di')).toEqual(['digits-tune']);
});

test('experiments and jobs are asked from the server', async () => {
  expect(await offered('experiment', 'show', 'o')).toEqual(['other']);
  expect(await offered('job', 'show', '')).toEqual(['last', 'digits-tune/', 'other/']);
  expect(await offered('job', 'log', 'digits-tune/1')).toEqual(['digits-tune/12', 'digits-tune/11']);
  expect(await offered('job', 'log', '-e', 'other', '1')).toEqual(['12', '11']);
});

test('behind -- nothing is offered, and without a server names are simply missing', async () => {
  expect(await offered('job', 'add', '--', 'py')).toEqual([]);
  const stage = createStage({ env: { DROVER_PORT: '9' } });
  expect(await stage.drover('__complete', '--', 'experiment', 'show', '')).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('the hidden command is in no help, and each shell has its script', async () => {
  const stage = createStage();
  expect((await stage.drover('--help')).stdout).not.toContain('__complete');
  for (const shell of ['bash', 'zsh', 'fish']) expect((await stage.drover('completions', shell)).stdout).toContain('drover __complete --');
  expect((await stage.drover('completions', 'csh')).code).toBe(2);
});
