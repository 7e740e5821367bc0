import { expect, test } from 'vitest';

import { parseReference, singleJob, selectionText } from './selection.ts';

test.each([
  ['digits-tune/42', 'digits-tune', [{ from: 42, to: 42 }]],
  ['42', null, [{ from: 42, to: 42 }]],
  [
    '1-5,8',
    null,
    [
      { from: 1, to: 5 },
      { from: 8, to: 8 },
    ],
  ],
  [
    'digits-tune/1-5,8',
    'digits-tune',
    [
      { from: 1, to: 5 },
      { from: 8, to: 8 },
    ],
  ],
  ['last', null, 'last'],
  ['digits-tune/last', 'digits-tune', 'last'],
])('%s names jobs', (text, experiment, numbers) => {
  expect(parseReference(text)).toEqual({ experiment, numbers });
});

test.each(['', '0', 'digits-tune', '5-1', 'digits-tune/', '/4', 'a/b/4', '1;2', '-3', 'Digits/4'])('%j names no job', (text) => {
  expect(() => parseReference(text)).toThrow('names no job');
});

test('one number is a single job, a range is not', () => {
  const one = [{ experiment: 'a1', ranges: [{ from: 3, to: 3 }] }];
  expect(singleJob(one)).toEqual({ experiment: 'a1', number: 3 });
  expect(singleJob([{ experiment: 'a1', ranges: [{ from: 3, to: 4 }] }])).toBeNull();
  expect(singleJob([...one, { experiment: 'b1', ranges: [{ from: 1, to: 1 }] }])).toBeNull();
  expect(selectionText(one)).toBe('a1/3');
});
