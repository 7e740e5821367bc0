import { expect, test } from 'vitest';

import { TableWriter, type Column } from './table.ts';
import { printable, showable, textWidth, truncate } from './terminal-text.ts';

const COLUMNS: readonly Column[] = [{ title: 'JOB' }, { title: 'MESSAGE', shrinks: true }, { title: 'N', align: 'right' }];
const PIPE = { width: null, colours: false };

test('columns are aligned under their titles', () => {
  const lines = new TableWriter(COLUMNS, PIPE).lines([
    ['a/1', 'fine', '7'],
    ['a/100', 'longer text', '12'],
  ]);
  expect(lines).toEqual(['JOB    MESSAGE       N', 'a/1    fine          7', 'a/100  longer text  12']);
});

test('on a terminal the column that shrinks gives way, and no line is wider than the screen', () => {
  const long = 'x'.repeat(200);
  const lines = new TableWriter(COLUMNS, { width: 40, colours: false }).lines([['a/1', long, '7']]);
  for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(40);
  expect(lines[1]).toMatch(/^a\/1 {2}x+… {2}7$/);
});

test('in a pipe a row stays whole, on one line, whatever its text holds', () => {
  const long = `${'x'.repeat(500)}\nsecond line`;
  const lines = new TableWriter(COLUMNS, PIPE).lines([['a/1', long, '7']]);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain(`${'x'.repeat(500)}⏎second line`);
});

test('a column without any content takes no room on a terminal, but keeps its place in a pipe', () => {
  const rows = [['a/1', '', '7']];
  expect(new TableWriter(COLUMNS, { width: 40, colours: false }).lines(rows)).toEqual(['JOB  N', 'a/1  7']);
  expect(new TableWriter(COLUMNS, PIPE).lines(rows)).toEqual(['JOB  MESSAGE  N', 'a/1           7']);
});

test('later batches keep the widths of the first and have no header', () => {
  const table = new TableWriter(COLUMNS, PIPE);
  table.lines([['a/1', 'text', '1']]);
  expect(table.lines([['a/2', 'a longer text', '2']])).toEqual(['a/2  a longer text  2']);
});

test('a colour surrounds the text of its cell only', () => {
  const lines = new TableWriter([{ title: 'STATUS' }, { title: 'X' }], { width: 40, colours: true }).lines([[{ text: 'done', colour: 'green' }, 'y']]);
  expect(lines[1]).toBe('\u001b[32mdone\u001b[39m    y');
});

test('text from a job cannot move the cursor, colour the screen or turn the line around', () => {
  expect(printable('a\u001b[31mb\rc\u202ed\u009bm')).toBe('a\ufffd[31mb\ufffdc\ufffdd\ufffdm');
});

test('lines of a log keep their colours, and steer nothing', () => {
  expect(showable('\u001b[1;31mred\u001b[0m\ttab\nnext')).toBe('\u001b[1;31mred\u001b[0m\ttab\nnext');
  expect(showable('\u001b[2J\u001b]0;title\u0007\u009b5n\r\u202e')).toBe('\ufffd[2J\ufffd]0;title\ufffd\ufffd5n\ufffd\ufffd');
});

test('wide characters count two columns and are never cut in half', () => {
  expect(textWidth('日本')).toBe(4);
  expect(textWidth('👩‍🔬!')).toBe(3);
  expect(truncate('日本語', 4)).toBe('日…');
  expect(truncate('abc', 3)).toBe('abc');
  expect(truncate('abcd', 3)).toBe('ab…');
});
