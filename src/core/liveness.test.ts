import { describe, expect, test } from 'vitest';

import { SWEEP_PERIOD_MS, agentLostAfter, liveness, termChange } from './liveness.ts';

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

describe('how long an agent may be silent', () => {
  const terms = {
    of_experiment: new Map([
      [1, 60_000],
      [2, 3_600_000],
    ]),
    otherwise: 600_000,
  };
  test.each([
    ['its only experiment says so', { serves: [1], holds: [] }, 60_000],
    ['the most patient of several', { serves: [1, 2], holds: [1] }, 3_600_000],
    ['it holds a job of an experiment that it no longer serves', { serves: [1], holds: [2] }, 3_600_000],
    ['deleted experiments say nothing', { serves: [1, 7], holds: [] }, 60_000],
    ['all its experiments are deleted', { serves: [7], holds: [] }, 600_000],
    ['it serves all and holds nothing: no experiment speaks for it', { serves: null, holds: [] }, 600_000],
    ['it serves all and holds a job of a patient one', { serves: null, holds: [1, 2] }, 3_600_000],
    ['it serves all and holds a job of an impatient one', { serves: null, holds: [1] }, 600_000],
  ])('%s', (_name, agent, expected) => {
    expect(agentLostAfter(agent, terms)).toBe(expected);
  });
});

describe('what a sweep does to the terms', () => {
  const T = 1_000_000;
  const P = SWEEP_PERIOD_MS;
  const own = (monotonic_elapsed: number, swept_at = T, idle = monotonic_elapsed) => ({ swept_at, monotonic_elapsed, idle });
  test.each([
    ['the first sweep ever', { swept_at: null, now: T, own: null }, 'restart'],
    ['the first sweep of this process', { swept_at: T, now: T + P, own: null }, 'restart'],
    ['on time', { swept_at: T, now: T + P, own: own(P) }, 'keep'],
    ['at once', { swept_at: T, now: T, own: own(0) }, 'keep'],
    ['three periods late', { swept_at: T, now: T + 3 * P, own: own(3 * P) }, 'keep'],
    ['more than three periods late', { swept_at: T, now: T + 3 * P + 1, own: own(3 * P + 1) }, 'restart'],
    ['asleep for a day', { swept_at: T, now: T + 86_400_000, own: own(86_400_000) }, 'restart'],
    ['the clock drifts within the tolerance', { swept_at: T, now: T + P + 1_000, own: own(P) }, 'keep'],
    ['the clock drifts back within the tolerance', { swept_at: T, now: T + P - 1_000, own: own(P) }, 'keep'],
    ['the clock jumps forward', { swept_at: T, now: T + P + 3_600_000, own: own(P) }, 'restart'],
    ['the clock jumps back', { swept_at: T, now: T + P - 3_600_000, own: own(P) }, 'restart'],
    ['a jump while stalled', { swept_at: T, now: T - 3_600_000, own: own(4 * P) }, 'restart'],
    ['another server swept in between', { swept_at: T + P / 2, now: T + P, own: own(P) }, 'keep'],
    ['other servers swept many times in its place', { swept_at: T + 9.5 * P, now: T + 10 * P, own: own(10 * P, T, P) }, 'keep'],
    ['this process stalled while others swept', { swept_at: T + 9.5 * P, now: T + 10 * P, own: own(10 * P) }, 'restart'],
    ['the clock jumped since its own sweep, not since the last one', { swept_at: T + P + 3_600_000, now: T + P + 3_600_000, own: own(P) }, 'restart'],
  ])('%s', (_name, clocks, expected) => {
    expect(termChange(clocks)).toBe(expected);
  });
});
