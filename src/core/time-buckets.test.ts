import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { BUCKET_MS, BUCKETS, timeBuckets } from './time-buckets.ts';

const at = (text: string): number => Date.parse(text);

test('the last stretch holds the moment, the others lie before it', () => {
  const hours = timeBuckets({ bucket: 'hour', count: 3, until: at('2026-11-21T08:30:00Z'), shift: 0 });
  expect(hours.map(({ from }) => new Date(from).toISOString())).toEqual(['2026-11-21T06:00:00.000Z', '2026-11-21T07:00:00.000Z', '2026-11-21T08:00:00.000Z']);
});

test('days begin at midnight of the viewer', () => {
  const [day] = timeBuckets({ bucket: 'day', count: 1, until: at('2026-11-21T23:30:00Z'), shift: BUCKET_MS.hour });
  expect(new Date(day!.from).toISOString()).toBe('2026-11-21T23:00:00.000Z');
  const [half] = timeBuckets({ bucket: 'hour', count: 1, until: at('2026-11-21T10:10:00Z'), shift: 5.5 * BUCKET_MS.hour });
  expect(new Date(half!.from).toISOString()).toBe('2026-11-21T09:30:00.000Z');
});

test('stretches touch, are equally long, and the last one holds the moment', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...BUCKETS),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 0, max: 4e12 }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (bucket, count, until, minutes) => {
        const ranges = timeBuckets({ bucket, count, until, shift: minutes * 60_000 });
        expect(ranges).toHaveLength(count);
        ranges.forEach((range, index) => {
          expect(range.to - range.from).toBe(BUCKET_MS[bucket]);
          if (index > 0) expect(range.from).toBe(ranges[index - 1]!.to);
        });
        const last = ranges.at(-1)!;
        expect(last.from <= until && until < last.to).toBe(true);
      },
    ),
  );
});
