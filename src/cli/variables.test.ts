// `drover var …`: where a value may come from, and that a secret is never said again.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { contract } from '../contract/index.ts';
import { createStage, problem, startContractServer, type ContractServer, type Stage } from './stage.suite.ts';

const experiment = contract.experiments.get.example.reply as Record<string, unknown>;
const listed = contract.variables.list.example.reply as { variables: Record<string, unknown>[] };
const SECRET = 'ghp_nobody_sees_this';

let server: ContractServer;

beforeEach(async () => {
  server = await startContractServer(({ method, path, body }) => {
    if (path === '/experiments') return { json: { experiments: [experiment] } };
    if (method === 'GET') return { json: listed };
    if (method === 'DELETE') return path.endsWith('/GONE') ? problem('not_found', 404, 'There is no variable GONE here.') : { json: { removed: true } };
    const { value, secret } = body as { value: string; secret: boolean };
    const name = path.split('/').at(-1)!;
    return { json: { name, shared: false, secret, value: secret ? null : value, updated_at: '2026-11-21T08:30:00.000Z' } };
  });
});
afterEach(() => server.close());

function stageOf(terminal = false): Stage {
  return createStage({ env: { DROVER_URL: server.url }, terminal });
}

const sent = () => server.calls.find((call) => call.method === 'PUT');

describe('set', () => {
  test('takes the value from the command line, also one that begins with -', async () => {
    const stage = stageOf();
    expect(await stage.drover('var', 'set', 'DATA', '/data/digits')).toEqual({ code: 0, stdout: 'Set DATA of digits-tune.\n', stderr: '' });
    expect(sent()).toMatchObject({ path: '/experiments/digits-tune/variables/DATA', body: { value: '/data/digits', secret: false } });
    expect((await stage.drover('var', 'set', 'FLAGS', '--json', '--', '--fast')).code).toBe(0);
    expect(server.calls.at(-1)!.body).toEqual({ value: '--fast', secret: false });
    expect((await stage.drover('var', 'set', 'EMPTY', '')).code).toBe(0);
    expect(server.calls.at(-1)!.body).toEqual({ value: '', secret: false });
  });

  test('takes it from a pipe and from a file: the line end of one line is dropped, those of several are kept', async () => {
    const values: unknown[] = [];
    for (const text of ['one line\n', 'one line\r\n', 'two\nlines\n', 'none', '\n']) {
      const stage = stageOf();
      stage.type(text);
      expect((await stage.drover('var', 'set', 'A')).code).toBe(0);
      writeFileSync(join(stage.home, 'value.txt'), text);
      expect((await stage.drover('var', 'set', 'A', '--from-file', 'value.txt')).code).toBe(0);
      values.push(...server.calls.slice(-1).map((call) => (call.body as { value: string }).value));
    }
    expect(values).toEqual(['one line', 'one line', 'two\nlines\n', 'none', '']);
    const stage = stageOf(true);
    stage.type('from -\n');
    expect((await stage.drover('var', 'set', 'A', '-')).code).toBe(0);
    expect(server.calls.at(-1)!.body).toEqual({ value: 'from -', secret: false });
  });

  test('asks on a terminal for a secret, and repeats it nowhere', async () => {
    const stage = stageOf(true);
    stage.type(`${SECRET}\n`);
    const { code, stdout, stderr } = await stage.drover('var', 'set', 'TOKEN', '--secret');
    expect([code, stdout]).toEqual([0, 'Set the secret TOKEN of digits-tune.\n']);
    expect(stderr).toContain('Value of TOKEN (not shown): \n');
    expect(stderr).toContain('JD_SECRET_TOKEN');
    expect(stdout + stderr).not.toContain(SECRET);
    expect(sent()!.body).toEqual({ value: SECRET, secret: true });
    const nothing = stageOf(true);
    nothing.type('\n');
    expect(await nothing.drover('var', 'set', 'TOKEN', '--secret')).toMatchObject({ code: 3, stderr: expect.stringContaining('Nothing was changed.') });
  });

  test('a secret on the command line is taken, with a warning that does not repeat it; a very short one is told to be seen in logs', async () => {
    const { code, stderr } = await stageOf().drover('var', 'set', 'TOKEN', SECRET, '--secret', '--quiet');
    expect([code, stderr]).toEqual([0, expect.stringContaining('history of your shell')]);
    expect(stderr).not.toContain(SECRET);
    expect((await stageOf().drover('var', 'set', 'PIN', '123', '--secret')).stderr).toContain('not masked in logs');
  });

  test('what cannot be is refused before anything is sent', async () => {
    const stage = stageOf();
    expect(await stage.drover('var', 'set', 'MACHINE', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('filled in by Drover') });
    expect(await stage.drover('var', 'set', '2a', 'x')).toMatchObject({ code: 2 });
    expect(await stage.drover('var', 'set', 'A', 'x', '--from-file', 'f')).toMatchObject({ code: 2, stderr: expect.stringContaining('not both') });
    expect(await stage.drover('var', 'set', 'A', '--from-file', 'nowhere')).toMatchObject({ code: 2, stderr: expect.stringContaining('ENOENT') });
    stage.type('');
    expect(await stage.drover('var', 'set', 'A')).toMatchObject({ code: 2, stderr: expect.stringContaining('Nothing came') });
    writeFileSync(join(stage.home, 'bytes'), Buffer.from([0xff, 0xfe]));
    expect(await stage.drover('var', 'set', 'A', '--from-file', 'bytes')).toMatchObject({ code: 2, stderr: expect.stringContaining('UTF-8') });
    expect(sent()).toBeUndefined();
  });
});

test('ls shows plain values, and of secrets that there are some', async () => {
  const { stdout } = await stageOf().drover('var', 'ls');
  expect(stdout.replace(/\S+ \S+ ago|in .*$/gm, 'then').split('\n')).toEqual([
    'NAME   VALUE         OF               CHANGED',
    expect.stringMatching(/^DATA {3}\/data\/digits {2}digits-tune {6}/),
    expect.stringMatching(/^TOKEN {2}\(secret\) {6}all experiments {2}/),
    '',
  ]);
  expect(JSON.parse((await stageOf().drover('var', 'ls', '--json')).stdout)).toEqual(listed.variables);
  expect((await stageOf().drover('var', 'ls', '--shared')).code).toBe(0);
  expect(server.calls.at(-1)!.path).toBe('/variables');
});

test('rm removes by name, here or for all', async () => {
  expect(await stageOf().drover('var', 'rm', 'DATA', 'TOKEN')).toMatchObject({ code: 0, stdout: 'Removed DATA, TOKEN of digits-tune.\n' });
  expect(await stageOf().drover('var', 'rm', 'DATA', '--shared')).toMatchObject({ code: 0, stdout: 'Removed DATA for all experiments.\n' });
  expect(server.calls.at(-1)!.path).toBe('/variables/DATA');
  expect(await stageOf().drover('var', 'rm', 'GONE')).toMatchObject({ code: 4, stderr: expect.stringContaining('no variable GONE') });
});

test('names are completed', async () => {
  expect((await stageOf().drover('__complete', '--', 'var', 'rm', '')).stdout).toBe('DATA\nTOKEN\n');
  expect((await stageOf().drover('__complete', '--', 'var', 'set', 'T')).stdout).toBe('TOKEN\n');
});
