import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  CLASS_NAME,
  EXPERIMENT_NAME,
  MACHINE_NAME,
  PARAM_NAME,
  WORKER_ID,
  formatJobReference,
  formatRanges,
  mergeRanges,
  hostSlug,
  parseJobReference,
  parseRanges,
  toRanges,
  workerId,
} from './identifiers.ts';

describe('names', () => {
  test.each<[string, RegExp, string[], string[]]>([
    [
      'experiment',
      EXPERIMENT_NAME,
      ['ab', 'digits-tune', 'a1', `a${'b'.repeat(46)}`],
      ['', 'a', 'A-b', '1ab', '-ab', 'a_b', 'a b', 'a/b', '..', `a${'b'.repeat(47)}`, 'ab\n'],
    ],
    ['class', CLASS_NAME, ['gpu', 'gpu-a100', '4090', 'a.b_c'], ['', '-gpu', '.x', 'a b', 'a/b', 'a'.repeat(64), 'gpu\n']],
    [
      'machine',
      MACHINE_NAME,
      ['node1', '10.0.0.1', 'node1.example.org:22', '[::1]:22', 'user@host'],
      ['', '-oProxyCommand=x', 'a b', 'a;b', '$(x)', "a'b", 'a\n', '../x'],
    ],
    ['param', PARAM_NAME, ['lr', 'learning_rate', '_x', 'a.b-c'], ['', '1a', '-x', 'a b', 'a=b', 'a{b', 'a'.repeat(129), 'lr\n']],
    ['worker', WORKER_ID, ['gpunode_egg_0', 'a_b_4095'], ['gpunode_egg', 'gpu-node_egg_0', 'a_b_c', 'A_b_0', 'a_b_12345', 'a_b_0\n']],
  ])('%s', (_what, pattern, good, bad) => {
    expect(good.filter((name) => !pattern.test(name))).toEqual([]);
    expect(bad.filter((name) => pattern.test(name))).toEqual([]);
  });

  test('any host name gives a worker id', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain()), fc.nat({ max: 4095 }), (host, slot) => {
        expect(workerId(hostSlug(host), 'egg', slot)).toMatch(WORKER_ID);
      }),
    );
  });

  test.each([
    ['gpunode.example.org', 'gpunode'],
    ['GPU-Node-17', 'gpunode17'],
    ['a-very-long-host-name', 'averylonghos'],
    ['', 'host'],
    ['漢字', 'host'],
  ])('host %j is %s', (host, slug) => {
    expect(hostSlug(host)).toBe(slug);
  });
});

describe('job references', () => {
  test('are read as they are written', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9-]{1,46}$/), fc.integer({ min: 1, max: 10 ** 15 - 1 }), (experiment, number) => {
        expect(parseJobReference(formatJobReference(experiment, number))).toEqual({ experiment, number });
      }),
    );
  });

  test.each(['', 'ab', 'ab/', '/1', 'ab/0', 'ab/-1', 'ab/1.5', 'ab/1/2', 'AB/1', 'ab/1 ', ' ab/1', 'ab/x', `ab/${'9'.repeat(16)}`])('%j is none', (text) => {
    expect(parseJobReference(text)).toBeNull();
  });
});

describe('ranges', () => {
  test('that touch or overlap become one', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 })), { maxLength: 12 }), (parts) => {
        const ranges = parts.map(([from, more]) => ({ from, to: from + more }));
        const numbers = ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
        expect(mergeRanges(ranges)).toEqual(toRanges(numbers));
      }),
    );
  });

  const numbers = fc.array(fc.integer({ min: 1, max: 60 }));

  test('hold exactly the numbers, ascending, as few as possible', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        const ranges = toRanges(list);
        const held = ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
        expect(held).toEqual([...new Set(list)].toSorted((a, b) => a - b));
        for (const [index, range] of ranges.entries()) if (index > 0) expect(range.from).toBeGreaterThan(ranges[index - 1]!.to + 1);
      }),
    );
  });

  test('are read as they are written', () => {
    fc.assert(
      fc.property(
        numbers.filter((list) => list.length > 0),
        (list) => {
          expect(parseRanges(formatRanges(toRanges(list)))).toEqual(toRanges(list));
        },
      ),
    );
  });

  test.each([
    ['3', [{ from: 3, to: 3 }]],
    ['1-5', [{ from: 1, to: 5 }]],
    [
      '1-5, 8,10-12',
      [
        { from: 1, to: 5 },
        { from: 8, to: 8 },
        { from: 10, to: 12 },
      ],
    ],
    ['7-7', [{ from: 7, to: 7 }]],
  ])('%s', (text, ranges) => {
    expect(parseRanges(text)).toEqual(ranges);
  });

  test.each(['', ',', '0', '0-3', '5-1', '-3', '1-', 'a', '1..3', '1.5', '1-2-3', '1,,2', '1e3', '9'.repeat(16)])('%j is none', (text) => {
    expect(parseRanges(text)).toBeNull();
  });
});
