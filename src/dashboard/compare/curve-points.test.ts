import { expect, test } from 'vitest';

import { curvePoints } from './curve-points.ts';

const points = [
  { step: 10, value: 0.5, at: '2026-11-21T08:30:00.000Z' },
  { step: null, value: 0, at: '2026-11-21T08:30:02.500Z' },
  { step: 12, value: null, at: '2026-11-21T08:30:04.000Z' },
];

test('over steps; a point without one is counted', () => {
  expect(curvePoints({ points }, { axis: 'step', log: false })).toEqual([
    [10, 0.5],
    [1, 0],
    [12, null],
  ]);
});

test('over the time since the first point; nought has no place on a logarithmic axis', () => {
  expect(curvePoints({ points }, { axis: 'time', log: true })).toEqual([
    [0, 0.5],
    [2_500, null],
    [4_000, null],
  ]);
});
