import { describe, expect, test } from 'vitest';

import { plainLine, runsOf, splitRun } from './log-lines.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const lines = (text: string) => splitRun('stdout', { from: 0, bytes: bytes(text) }, '');

describe('lines', () => {
  test('are split at newlines, and what is unfinished is kept', () => {
    const split = lines('one\ntwo\nthr');
    expect(split.lines.map((line) => [line.offset, line.text])).toEqual([
      [0, 'one'],
      [4, 'two'],
    ]);
    expect(split.rest).toEqual({ from: 8, bytes: bytes('thr') });
  });

  test('carriage returns leave what was written last; a Windows line end leaves no trace', () => {
    expect(lines(' 10%\r 50%\r100%\nplain\r\n').lines.map((line) => line.text)).toEqual(['100%', 'plain']);
  });

  test('a character of several bytes survives, because lines are cut at bytes', () => {
    expect(lines('Ω→😀\nb\n').lines.map((line) => line.text)).toEqual(['Ω→😀', 'b']);
  });

  test('a colour goes on in the next line until it is reset', () => {
    const split = lines('\u001b[31mred\nstill\u001b[0m\nplain\n');
    expect(split.lines.map((line) => line.colours)).toEqual(['', '\u001b[31m', '']);
  });

  test('steering sequences are not part of the plain text', () => {
    const [line] = lines('\u001b[1;32mok\u001b[0m \u001b]8;;http://x\u0007link\u001b]8;;\u0007\u001b[K\n').lines;
    expect(plainLine(line!)).toBe('ok link');
  });
});

describe('runs', () => {
  test('holes are skipped in the body and counted in the offsets', () => {
    const { runs, end } = runsOf(0, bytes('abcdef'), [{ from: 3, to: 103 }]);
    expect(runs.map((run) => [run.from, new TextDecoder().decode(run.bytes)])).toEqual([
      [0, 'abc'],
      [103, 'def'],
    ]);
    expect(end).toBe(106);
  });

  test('a read that ends before a hole does not jump over it', () => {
    expect(runsOf(0, bytes('ab'), [{ from: 3, to: 9 }]).end).toBe(2);
  });

  test('an empty body in front of a hole leads to its end', () => {
    expect(runsOf(3, bytes(''), [{ from: 3, to: 9 }])).toEqual({ runs: [], end: 9 });
  });
});
