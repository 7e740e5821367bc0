import { expect, test } from 'vitest';

import { listOf, METRIC_AXIS, NONE, readChartsSearch } from './charts-search.ts';

test('what a URL may say is kept, in the shape in which it is asked for', () => {
  const search = {
    view: 'results',
    bucket: 'hour',
    until: '2026-11-21T08:30:00.000Z',
    metric: 'validation/accuracy, top 1',
    value: 'max',
    goal: 'maximise',
    x: 'learning_rate',
    log: `learning_rate,${METRIC_AXIS}`,
    axes: 'a,b.c,d-e',
    seed: NONE,
    search: 'lr>0.01',
  };
  expect(readChartsSearch(search)).toEqual(search);
  expect(listOf('a,b.c')).toEqual(['a', 'b.c']);
  expect(listOf(NONE)).toEqual([]);
});

test('what nobody could have chosen is left out', () => {
  expect(
    readChartsSearch({
      view: 'nothing',
      bucket: 'year',
      until: 'soon',
      x: '"]',
      axes: '$,,(',
      machine: 'm'.repeat(41),
      value: 'mean',
      metric: '',
      seed: 'a b',
    }),
  ).toEqual({});
  expect(readChartsSearch({ axes: 'a,"],b' })).toEqual({ axes: 'a,b' });
});
