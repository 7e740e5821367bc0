import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { addSample, estimateRemaining, formatDuration, type ProgressSample } from './progress.ts';

describe('the estimate', () => {
  const collect = (samples: readonly ProgressSample[]): ProgressSample[] => samples.reduce<ProgressSample[]>((list, sample) => addSample(list, sample), []);

  test('at a steady rate it is exact', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 100_000 }), fc.nat({ max: 1000 }), (count, interval, remaining) => {
        const samples = collect(Array.from({ length: count + 1 }, (_, index) => ({ at: 1000 + index * interval, ended: index })));
        expect(estimateRemaining(samples, remaining)).toBe(remaining * interval);
      }),
    );
  });

  test('is none before anything ended, and zero when nothing is left', () => {
    expect(estimateRemaining([], 5)).toBeNull();
    expect(estimateRemaining([{ at: 0, ended: 0 }], 5)).toBeNull();
    expect(
      estimateRemaining(
        collect([
          { at: 0, ended: 3 },
          { at: 9, ended: 3 },
        ]),
        5,
      ),
    ).toBeNull();
    expect(estimateRemaining([], 0)).toBe(0);
  });

  test('is never negative or endless, whatever was seen', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ at: fc.nat(), ended: fc.nat({ max: 50 }) })), fc.nat({ max: 10 ** 6 }), (seen, remaining) => {
        const estimate = estimateRemaining(collect(seen), remaining);
        if (estimate !== null) expect(Number.isFinite(estimate) && estimate >= 0).toBe(true);
      }),
    );
  });

  test('follows the recent past: an old slow start is forgotten', () => {
    const slow = Array.from({ length: 30 }, (_, index) => ({ at: index * 60_000, ended: index }));
    const fast = Array.from({ length: 30 }, (_, index) => ({ at: 30 * 60_000 + index * 1000, ended: 30 + index }));
    expect(estimateRemaining(collect([...slow, ...fast]), 10)).toBe(10_000);
  });
});

describe('durations', () => {
  test.each([
    [-5, '0s'],
    [0, '0s'],
    [499, '0s'],
    [500, '1s'],
    [59_499, '59s'],
    [59_500, '1m 00s'],
    [187_000, '3m 07s'],
    [3_599_600, '1h 00m'],
    [7_500_000, '2h 05m'],
    [86_400_000, '1d 00h'],
    [200_000_000, '2d 07h'],
  ])('%i ms is %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});
