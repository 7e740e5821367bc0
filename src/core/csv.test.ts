import { expect, test } from 'vitest';

import { csvLine } from './csv.ts';

test('cells that hold separators, quotes or lines are quoted; nothing is an empty cell', () => {
  expect(csvLine(['a', 'b,c', 'say "hi"', 'two\nlines', 'x;y', null, '', 0.5])).toBe('a,"b,c","say ""hi""","two\nlines","x;y",,,0.5\r\n');
});

test('no text becomes a formula, and numbers stay numbers', () => {
  for (const text of ['=1+1', '+1', '-1', '@sum(a1)', '\t=1', '\r=1', '\n=1', '＝1', '＠x']) expect(csvLine([text]).replace('"', '')).toMatch(/^'/);
  expect(csvLine([-1, 1e-7, 'a=1', 'x-y'])).toBe('-1,1e-7,a=1,x-y\r\n');
  expect(csvLine(['=cmd|"/c calc",1'])).toBe(`"'=cmd|""/c calc"",1"\r\n`);
});
