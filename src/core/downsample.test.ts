import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { downsample } from './downsample.ts';

interface Point {
  readonly value: number | null;
  readonly index: number;
}

const series = fc
  .array(fc.oneof({ weight: 9, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) }, { weight: 1, arbitrary: fc.constant(null) }), {
    maxLength: 400,
  })
  .map((values): Point[] => values.map((value, index) => ({ value, index })));
const limit = fc.integer({ min: 4, max: 120 });

function extremes(points: readonly Point[]): [number, number] {
  const values = points.map((point) => point.value).filter((value) => value !== null);
  return [Math.min(...values), Math.max(...values)];
}

describe('downsample', () => {
  it('keeps first, last, least and greatest, in order, within the limit', () => {
    fc.assert(
      fc.property(series, limit, (points, most) => {
        const kept = downsample(points, most);
        expect(kept.length).toBeLessThanOrEqual(most);
        expect(kept[0]).toBe(points[0]);
        expect(kept.at(-1)).toBe(points.at(-1));
        expect(extremes(kept)).toEqual(extremes(points));
        for (let i = 1; i < kept.length; i += 1) expect(kept[i]!.index).toBeGreaterThan(kept[i - 1]!.index);
      }),
    );
  });

  it('leaves a short series alone', () => {
    const points = [1, 3, 2].map((value, index) => ({ value, index }));
    expect(downsample(points, 4)).toEqual(points);
  });

  it('spreads what it keeps over the whole series', () => {
    const points = Array.from({ length: 10_000 }, (_, index) => ({ value: Math.sin(index), index }));
    const kept = downsample(points, 102);
    expect(kept.length).toBe(102);
    for (let i = 1; i < kept.length; i += 1) expect(kept[i]!.index - kept[i - 1]!.index).toBeLessThan(400);
  });

  it('shows a stretch that has no finite value', () => {
    const points = Array.from({ length: 1_000 }, (_, index) => ({ value: index < 500 ? index : null, index }));
    expect(downsample(points, 20).filter((point) => point.value === null).length).toBeGreaterThan(3);
  });
});
