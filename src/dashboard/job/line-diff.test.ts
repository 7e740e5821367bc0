import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { lineDiff, type DiffLine } from './line-diff.ts';

const told = (before: string, after: string): string[] =>
  lineDiff(before, after, 1_000)!.hunks.flatMap((hunk) => ['@', ...hunk.map(({ kind, text }) => `${{ same: ' ', removed: '-', added: '+' }[kind]}${text}`)]);

test('a change is shown with the lines around it, and what is far from it is left out', () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
  const after = lines.with(9, 'line ten');
  expect(told(lines.join('\n'), `${after.join('\n')}\n`)).toEqual([
    '@',
    ...[' line 7', ' line 8', ' line 9', '-line 10', '+line ten', ' line 11', ' line 12', ' line 13'],
  ]);
  expect(told('a\nb\nc', 'a\nc\nd')).toEqual(['@', ' a', '-b', ' c', '+d']);
  expect(told('a\nb\n', 'a\nb')).toEqual([]);
  expect(told('', 'a')).toEqual(['@', '+a']);
  expect(told('a', '')).toEqual(['@', '-a']);
});

test('texts that differ in more lines than are looked for are not compared', () => {
  const many = (word: string): string => Array.from({ length: 60 }, (_, index) => `${word} ${index}`).join('\n');
  expect(lineDiff(many('a'), many('b'), 119)).toBeNull();
  expect(lineDiff(many('a'), many('b'), 120)).toMatchObject({ added: 60, removed: 60 });
});

test('whatever the texts: both can be read from the differences, and the numbers are those of their lines', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 9 }).map((lines) => lines.join('\n'));
  const linesOf = (all: string): string[] => (all === '' ? [] : all.replace(/\n$/, '').split('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const diff = lineDiff(before, after, 1_000)!;
      const shown = diff.hunks.flat();
      const at = (side: 'before' | 'after') => (line: DiffLine) => line[side] !== null;
      for (const line of shown) {
        if (line.before !== null) expect(linesOf(before)[line.before - 1]).toBe(line.text);
        if (line.after !== null) expect(linesOf(after)[line.after - 1]).toBe(line.text);
      }
      const hidden = linesOf(before).length - shown.filter(at('before')).length;
      expect(linesOf(after).length - shown.filter(at('after')).length).toBe(hidden);
      expect(linesOf(before).length - diff.removed).toBe(linesOf(after).length - diff.added);
    }),
  );
});
