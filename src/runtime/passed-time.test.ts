import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { PassedTime } from './passed-time.ts';

const DAY = 86_400_000;

describe('the time that has passed', () => {
  test('is that of the wall clock while nobody sets it, before the first sight too', () => {
    const passed = new PassedTime();
    expect(passed.since(1_000)).toBe(Infinity);
    passed.saw(10_000, 0);
    passed.saw(15_400, 5_400);
    expect([passed.since(12_000), passed.since(4_000), passed.since(15_400)]).toEqual([3_400, 11_400, 0]);
    expect([passed.earliest(3_400), passed.earliest(11_400)]).toEqual([12_000, 4_000]);
  });

  test('is told by the stretch before where nobody looked', () => {
    const passed = new PassedTime();
    for (const [wall, monotonic] of [
      [0, 0],
      [50_000, 48_500],
      [100_000, 97_000],
    ] as const)
      passed.saw(wall, monotonic);
    expect(passed.since(75_000)).toBe(97_000 - 48_500 - 25_000);
  });

  test.each([DAY, -DAY])('is not changed by a jump of %d ms', (jump) => {
    const passed = new PassedTime();
    passed.saw(2 * DAY, 0);
    passed.saw(2 * DAY + 5_000, 5_000);
    passed.saw(2 * DAY + 6_000 + jump, 6_000);
    expect(passed.since(2 * DAY + 5_000)).toBe(1_000);
    expect(passed.since(2 * DAY + 6_000 + jump)).toBe(0);
    expect(passed.since(2 * DAY - 1_000)).toBe(7_000);
  });

  test('is told right of every moment that was stored, as long as the clock is not set back over it; none that is recent is before the earliest', () => {
    const step = fc.record({ ms: fc.integer({ min: 0, max: 10_000 }), jump: fc.constantFrom(0, 0, 0, 2_000, 3_600_000, DAY) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.integer({ min: 0, max: 100_000 }), (steps, ago) => {
        const passed = new PassedTime();
        const stored: { wall: number; monotonic: number }[] = [];
        let [wall, monotonic] = [DAY, 0];
        for (const { ms, jump } of steps) {
          [wall, monotonic] = [wall + ms + jump, monotonic + ms];
          passed.saw(wall, monotonic);
          stored.push({ wall, monotonic });
        }
        for (const moment of stored) {
          expect(passed.since(moment.wall)).toBe(monotonic - moment.monotonic);
          if (monotonic - moment.monotonic < ago) expect(moment.wall).toBeGreaterThanOrEqual(passed.earliest(ago));
        }
      }),
    );
  });
});
