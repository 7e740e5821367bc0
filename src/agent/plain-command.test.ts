// What is started without a shell of its own gets exactly the words that a shell would have given it.
import { spawnSync } from 'node:child_process';

import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { shellQuote } from '../core/template.ts';
import { plainWords } from './plain-command.ts';

test.each([
  ['python3 train.py --lr 0.1', ['python3', 'train.py', '--lr', '0.1']],
  ["  ./run.sh  'two words'\t--name=x ", ['./run.sh', 'two words', '--name=x']],
  ["/bin/echo 'it'\\''s' ''", ['/bin/echo', "it's", '']],
  ['/usr/bin/env A=1 b', ['/usr/bin/env', 'A=1', 'b']],
])('%s', (command, words) => {
  expect(plainWords(command)).toEqual(words);
});

test.each([
  ...['', ' ', 'a | b', 'a; b', 'a && b', 'a > b', 'a &', '$X', 'a $X', 'a `b`', '"a"', 'a "b"', 'a *', 'a ?', 'a [b]', '~/a', 'a ~', '{a,b}', 'a {b,c}'],
  ...['A=1 b', '# a', 'a #b', '! a', 'a\nb', 'a\\ b', "a 'b", '(a)', 'a^b', 'if', '. ./a', 'eval a', 'exec a', 'exit 3', "'a b' c", 'a\u00a0b', 'a\u0000b'],
])('a shell reads %j', (command) => {
  expect(plainWords(command)).toBeNull();
});

const printer = ['/usr/bin/printf', '%s|'];

test('a shell makes the same words of it, whatever they hold', () => {
  // NUL ends an argument, and the test compares texts.
  const word = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\u0000'));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.constantFrom(' ', '  ', '\t'), (args, blank) => {
      const command = [...printer, ...args].map(shellQuote).join(blank);
      const words = plainWords(command);
      expect(words).toEqual([...printer, ...args]);
      const by_shell = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
      const by_itself = spawnSync(words![0]!, words!.slice(1), { encoding: 'utf8' });
      expect(by_itself.stdout).toBe(by_shell.stdout);
    }),
    { numRuns: 60 },
  );
});
