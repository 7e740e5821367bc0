import { expect, test } from 'vitest';

import { readTable } from './table-text.ts';

test('reads quotes, quoted newlines, empty cells and either line end', () => {
  expect(readTable('a,b\r\n"x ""y""","1\n2"\n,\n', ',', 10)).toEqual([
    ['a', 'b'],
    ['x "y"', '1\n2'],
    ['', ''],
  ]);
});

test('stops after so many rows, and at the end of a text that is cut off', () => {
  expect(readTable('1\n2\n3\n', ',', 2)).toEqual([['1'], ['2']]);
  expect(readTable('a\t"open', '\t', 9)).toEqual([['a', 'open']]);
});
