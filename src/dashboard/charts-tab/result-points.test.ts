import { expect, test } from 'vitest';

import { chartColours } from '../charts/chart-colours.ts';
import { paramAxis, placeColour } from './result-points.ts';

const field = (name: string) => ({ name, values: 3, is_numeric: true, min: 0, max: 1 });

test('numbers lie on a line; on a logarithmic one only those above zero', () => {
  const axis = paramAxis(field('lr'), [0.1, 0, null], true);
  expect(axis.words).toBeNull();
  expect([0.1, 0, null, 'text'].map(axis.place)).toEqual([0.1, null, null, null]);
});

test('one word among the values puts all side by side, numbers in their order', () => {
  const axis = paramAxis(field('size'), ['auto', 10, 9, true, null], true);
  expect(axis).toMatchObject({ log: false, words: ['9', '10', 'auto', 'true'] });
  expect([9, 'auto', true, null, 'gone'].map(axis.place)).toEqual([0, 2, 3, null, null]);
});

test('the best job has the full colour, the worst the weak one', () => {
  const colours = chartColours('light');
  expect(placeColour(colours, 1, 10)).toBe(colours.running);
  expect(placeColour(colours, 10, 10)).toBe(colours.weak);
  expect(placeColour(colours, 1, 1)).toBe(colours.running);
});
