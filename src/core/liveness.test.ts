import { describe, expect, test } from 'vitest';

import { SWEEP_PERIOD_MS, liveness, termChange } from './liveness.ts';

describe('liveness', () => {
  const term = { term_started_at: 1_000_000, next_sync_within_ms: 30_000, lost_after_ms: 600_000 };

  test.each([
    [-60_000, 'alive'],
    [0, 'alive'],
    [30_000, 'alive'],
    [59_999, 'alive'],
    [60_000, 'suspect'],
    [599_999, 'suspect'],
    [600_000, 'lost'],
    [10 ** 12, 'lost'],
  ])('after %i ms of silence: %s', (silent, expected) => {
    expect(liveness(term, term.term_started_at + silent)).toBe(expected);
  });

  test('an agent that was told to come back later than lost_after is not lost before then', () => {
    const patient = { ...term, next_sync_within_ms: 900_000 };
    expect(liveness(patient, term.term_started_at + 899_999)).toBe('alive');
    expect(liveness(patient, term.term_started_at + 900_000)).toBe('lost');
  });
});

describe('what a sweep does to the terms', () => {
  const T = 1_000_000;
  const P = SWEEP_PERIOD_MS;
  test.each([
    ['the first sweep ever', { swept_at: null, now: T, monotonic_elapsed: null }, 'restart'],
    ['the first sweep of this process', { swept_at: T, now: T + P, monotonic_elapsed: null }, 'restart'],
    ['on time', { swept_at: T, now: T + P, monotonic_elapsed: P }, 'keep'],
    ['at once', { swept_at: T, now: T, monotonic_elapsed: 0 }, 'keep'],
    ['three periods late', { swept_at: T, now: T + 3 * P, monotonic_elapsed: 3 * P }, 'keep'],
    ['more than three periods late', { swept_at: T, now: T + 3 * P + 1, monotonic_elapsed: 3 * P + 1 }, 'restart'],
    ['asleep for a day', { swept_at: T, now: T + 86_400_000, monotonic_elapsed: 86_400_000 }, 'restart'],
    ['the clock drifts within the tolerance', { swept_at: T, now: T + P + 1_000, monotonic_elapsed: P }, 'keep'],
    ['the clock drifts back within the tolerance', { swept_at: T, now: T + P - 1_000, monotonic_elapsed: P }, 'keep'],
    ['the clock jumps forward', { swept_at: T, now: T + P + 3_600_000, monotonic_elapsed: P }, 'restart'],
    ['the clock jumps back', { swept_at: T, now: T + P - 3_600_000, monotonic_elapsed: P }, 'restart'],
    ['a jump while stalled', { swept_at: T, now: T - 3_600_000, monotonic_elapsed: 4 * P }, 'restart'],
  ])('%s', (_name, clocks, expected) => {
    expect(termChange(clocks)).toBe(expected);
  });
});
