import { expect, test } from 'vitest';

import { cellText, csvText, numberText } from './chart-table.ts';

test('cells are quoted where CSV needs it, and never become formulas', () => {
  const rows = [
    ['plain', 1.5, null],
    ['two, words', -2, 'a "quote"'],
    ['=HYPERLINK("http://x")', 0, '+1'],
    ['-1', 3, '@x'],
  ];
  expect(csvText({ columns: ['a', 'b,c', 'd'], rows })).toBe(
    ['a,"b,c",d', 'plain,1.5,', '"two, words",-2,"a ""quote"""', `"'=HYPERLINK(""http://x"")",0,'+1`, "'-1,3,'@x", ''].join('\r\n'),
  );
});

test('numbers are short, and exact enough to tell apart', () => {
  expect([0, 0.1, 1 / 3, 0.00012345, 12345.678, 123_456_789, 20_000].map(numberText)).toEqual(['0', '0.1', '0.3333', '1.23e-4', '12,350', '1.23e8', '20,000']);
  expect([null, true, 'text'].map(cellText)).toEqual(['–', 'true', 'text']);
});
