import { expect, test } from 'vitest';

import { matrixCounts } from './matrix-counts.ts';

test('a small matrix is counted exactly, without its deleted jobs', () => {
  const statuses = { pending: 1, running: 1, done: 3, aborted: 0, held: 0, cancelled: 0, looked_at: 6, of: 6, copies: 0 };
  expect(matrixCounts({ statuses, size: 6 })).toEqual({ exact: true, counts: { pending: 1, running: 1, done: 3, aborted: 0, total: 5 } });
});

test('of a large one a share is scaled up', () => {
  const statuses = { pending: 500, running: 0, done: 480, aborted: 20, held: 0, cancelled: 0, looked_at: 1_000, of: 12_000, copies: 0 };
  expect(matrixCounts({ statuses, size: 12_000 })).toEqual({ exact: false, counts: { pending: 6_000, running: 0, done: 5_760, aborted: 240, total: 12_000 } });
});

test('what is still to be made waits', () => {
  const statuses = { pending: 0, running: 0, done: 0, aborted: 0, held: 0, cancelled: 0, looked_at: 0, of: 0, copies: 0 };
  expect(matrixCounts({ statuses, size: 1_000_000 })).toEqual({ exact: true, counts: { pending: 0, running: 0, done: 0, aborted: 0, total: 1_000_000 } });
});
