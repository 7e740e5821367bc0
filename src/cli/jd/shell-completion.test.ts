import { expect, test } from 'vitest';

import { completeLine } from './shell-completion.ts';

const names = {
  experiments: () => Promise.resolve(['digits-tune', 'other-tune']),
  workers: () => Promise.resolve(['host_egg_0', 'host_egg_1']),
  paths: (partial: string) => ['train.py', 'data/'].filter((path) => path.startsWith(partial)),
};
const offered = async (typed: string): Promise<string[]> => (await completeLine(typed, names))[0];

test.each<[typed: string, offered: string[]]>([
  ['worker-s', ['worker-status']],
  ['use d', ['digits-tune']],
  ['use digits-tune ', []],
  ['expId=', ['expId=digits-tune', 'expId=other-tune']],
  ['expId=digits-tune exp-', ['exp-list', 'exp-status']],
  ['entry_script=t', ['entry_script=train.py']],
  ['num_workers=2 fore', ['foreground=']],
  ['foreground=', ['foreground=true', 'foreground=false']],
  ['stop a', ['all', 'all-experiments']],
  ['stop host_egg_0 h', ['host_egg_1']],
  ['stop j', ['job=', 'json=']],
  ['worker-logs host_egg_0 f', ['follow=']],
  ['worker-list h', []],
  ['scale n', ['num_workers=']],
  ['constructor=', []],
])('%j', async (typed, expected) => {
  expect(await offered(typed)).toEqual(expected);
});

test('an empty line offers every command, and says which part is replaced', async () => {
  const [found, replaced] = await completeLine('', names);
  expect(found).toEqual(expect.arrayContaining(['use', 'exit', 'worker-list', 'clear_all', 'entry_script=']));
  expect(replaced).toBe('');
  expect((await completeLine('stop hos', names))[1]).toBe('hos');
});
