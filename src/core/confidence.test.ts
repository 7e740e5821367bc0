import { expect, test } from 'vitest';

import { confidence95, studentT95 } from './confidence.ts';

test('t is what the tables say', () => {
  expect(studentT95(1)).toBeCloseTo(12.706, 3);
  expect(studentT95(4)).toBeCloseTo(2.776, 3);
  expect(studentT95(30)).toBeCloseTo(2.042, 3);
  expect(studentT95(40)).toBeCloseTo(2.021, 3);
  expect(studentT95(120)).toBeCloseTo(1.98, 3);
  expect(studentT95(1e6)).toBeCloseTo(1.96, 3);
});

test('five values: deviation and margin as worked out by hand', () => {
  // 1 2 3 4 5: mean 3, squares 10, deviation sqrt(2.5), margin 2.776 · deviation / sqrt(5)
  const known = confidence95({ count: 5, squares: 10 });
  expect(known!.deviation).toBeCloseTo(1.5811, 4);
  expect(known!.margin).toBeCloseTo(1.9629, 3);
});

test('one value has no interval; equal values have one of no width, rounding below zero or not', () => {
  expect(confidence95({ count: 1, squares: 0 })).toBeNull();
  expect(confidence95({ count: 3, squares: -1e-18 })).toEqual({ deviation: 0, margin: 0 });
});
