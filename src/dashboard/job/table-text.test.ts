import { expect, test } from 'vitest';

import { readSquare, readTable } from './table-text.ts';

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

test('a square of numbers is known with names and without; anything else is a table', () => {
  const square = (text: string) => readSquare(readTable(text, ',', 99), 60);
  expect(square('actual,cat,dog\ncat,9,1\ndog,2,8\n')).toEqual({
    ...{ corner: 'actual', columns: ['cat', 'dog'], rows: ['cat', 'dog'] },
    values: [
      [9, 1],
      [2, 8],
    ],
  });
  expect(square('1,0.5\n-2,3e2\n\n')).toMatchObject({
    corner: '',
    columns: ['0', '1'],
    values: [
      [1, 0.5],
      [-2, 300],
    ],
  });
  for (const text of ['', '1\n', 'a,b\n1,2\n', 'x,a,b\na,1,\nb,1,2\n', 'step,loss\n0,1\n1,2\n', 'x,a,b\na,1,2,3\nb,1,2\n', 'x,a,b\na,one,2\nb,1,2\n']) {
    expect(square(text), text).toBeNull();
  }
  expect(readSquare(readTable('1,2\n3,4\n', ',', 9), 1)).toBeNull();
});
