import { expect, test } from 'vitest';

import { movedRows } from './moved-rows.ts';

test('only what moves counts, not what is pushed aside by it', () => {
  expect(movedRows([1, 2, 3, 4], [1, 2, 3, 4])).toBe(0);
  expect(movedRows([1, 2, 3, 4], [4, 1, 2, 3])).toBe(1);
  expect(movedRows([1, 2, 3, 4], [2, 3, 4, 1])).toBe(1);
  expect(movedRows([1, 2, 3, 4], [4, 3, 2, 1])).toBe(3);
});

test('rows that come or go move nothing', () => {
  expect(movedRows([1, 2, 3], [9, 1, 8, 3])).toBe(0);
  expect(movedRows([], [1])).toBe(0);
});
