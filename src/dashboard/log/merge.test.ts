import { expect, test } from 'vitest';

import { splitRun } from './log-lines.ts';
import { mergeLines, timesOf } from './merge.ts';

const linesOf = (stream: 'stdout' | 'stderr', text: string) => splitRun(stream, { from: 0, bytes: new TextEncoder().encode(text) }, '').lines;
const piece = (stream: 'stdout' | 'stderr', offset: number, second: number) => ({ stream, offset, length: 2, at: `2026-11-21T08:00:0${second}.000Z` });

test('lines of both streams stand in the order in which their last byte arrived', () => {
  const times = timesOf([piece('stdout', 0, 1), piece('stdout', 4, 5), piece('stderr', 0, 3)]);
  const merged = mergeLines(linesOf('stdout', 'a\nb\nc\n'), linesOf('stderr', 'E\n'), times);
  expect(merged.map((line) => line.text)).toEqual(['a', 'b', 'E', 'c']);
});

test('without an index stdout comes first and nothing is lost', () => {
  const merged = mergeLines(linesOf('stdout', 'a\nb\n'), linesOf('stderr', 'E\n'), timesOf([]));
  expect(merged.map((line) => line.text)).toEqual(['a', 'b', 'E']);
});
