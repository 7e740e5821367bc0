import { expect, test } from 'vitest';

import { type Activity, bucketLabel, COLOURED, endedSeries, endsTable, throughput } from './activity-data.ts';

function activity(ended: readonly number[], over: Partial<Activity> = {}): Activity {
  const at = (minute: number): string => new Date(Date.UTC(2026, 10, 21, 8, minute)).toISOString();
  return {
    from: at(0),
    to: at(ended.length),
    now: at(ended.length),
    bucket_seconds: 60,
    buckets: ended.map((done, index) => ({ at: at(index), done, aborted: 0, waiting: 0, running: 0 })),
    series: [],
    left_out: 0,
    sampled: { of: 0, taken: 0 },
    last_finished_at: null,
    ...over,
  };
}

test('throughput is the mean of the newest five stretches', () => {
  expect(throughput(activity([10, 20, 30, 40, 50, 60]))).toEqual([10, 15, 20, 25, 30, 40]);
});

test('the open stretch counts by the part of it that is over; with too little of it there is no figure', () => {
  const half = activity([10, 10, 5], { now: new Date(Date.UTC(2026, 10, 21, 8, 2, 30)).toISOString() });
  expect(throughput(half)).toEqual([10, 10, 10]);
  expect(throughput(activity([3], { now: new Date(Date.UTC(2026, 10, 21, 8, 0, 10)).toISOString() }))).toEqual([null]);
});

test('small machines are added up, and nothing is lost', () => {
  const series = Array.from({ length: COLOURED + 3 }, (_, index) => ({ name: `m${index}`, ended: [index, 1] }));
  const shown = endedSeries(activity([1, 1], { series }));
  expect(shown).toHaveLength(COLOURED + 1);
  expect(shown.at(-1)).toEqual({ name: '3 others', ended: [COLOURED * 3 + 3, 3] });
  expect(endsTable(activity([4, 5], { series: series.slice(0, 1) })).rows.map((row) => row.slice(1))).toEqual([
    [4, 0, 0],
    [5, 0, 1],
  ]);
});

test('labels of stretches', () => {
  const at = new Date(2026, 10, 21, 8, 5).toISOString();
  expect([bucketLabel(at, 'minute'), bucketLabel(at, 'hour'), bucketLabel(at, 'day')]).toEqual(['08:05', '21 Nov 08:05', '21 Nov']);
});
