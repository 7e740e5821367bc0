import { expect, test } from 'vitest';

import { factorsOf, planOfRows, planOfText, rowsOfMatrix, textOfMatrix } from './draft.ts';

test('form and JSON are two views of the same matrix', () => {
  const plan = planOfText('{"lr": [0.1, 0.01], "name": ["a, b", "1", null]}');
  if (plan.kind !== 'matrix') throw new Error('not a matrix');
  let id = 0;
  const rows = rowsOfMatrix(plan.matrix, () => (id += 1));
  expect(rows.map((row) => row.values)).toEqual(['0.1, 0.01', '"a, b", "1", null']);
  expect(planOfRows(rows)).toEqual(plan);
  expect(planOfText(textOfMatrix(plan.matrix))).toEqual(plan);
  expect(factorsOf(plan)).toBe('2 × 3');
});

test('a doubled or missing name is told with its row', () => {
  expect(
    planOfRows([
      { id: 1, name: 'a', values: '1' },
      { id: 2, name: 'a', values: '2' },
    ]),
  ).toMatchObject({ kind: 'problem', row: 2 });
  expect(planOfRows([{ id: 7, name: '', values: '1' }])).toMatchObject({ kind: 'problem', row: 7 });
  expect(planOfRows([{ id: 1, name: '', values: '' }])).toEqual({ kind: 'empty' });
});

test('a list is one job per entry, and a wrong entry is named', () => {
  expect(planOfText('[{"a": 1}, {"a": 2}]')).toMatchObject({ kind: 'list', size: 2 });
  expect(planOfText('[{"a": 1}, 3]')).toMatchObject({ kind: 'problem', sentence: expect.stringContaining('Job 2') as unknown });
});
