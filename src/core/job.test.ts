import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { JOB_STATUSES, TRANSITIONS, backoffDelay, isEnded, mayTransition, type JobStatus, type Transition } from './job.ts';

/** What may happen to a job, written out once more by hand: status → transition → where to. */
const LIFE: Record<JobStatus, Partial<Record<Transition, JobStatus[]>>> = {
  pending: { claim: ['running'], cancel: ['aborted'], take_back: ['running'], succeed_late: ['done'] },
  running: {
    succeed: ['done'],
    fail: ['pending', 'aborted'],
    release: ['pending'],
    lose: ['pending', 'aborted'],
    confirm_cancel: ['aborted'],
    force_cancel: ['aborted'],
  },
  done: { requeue: ['pending'] },
  aborted: { requeue: ['pending'] },
};

describe('transitions', () => {
  const everything = (Object.keys(TRANSITIONS) as Transition[]).flatMap((transition) =>
    JOB_STATUSES.flatMap((from) => JOB_STATUSES.map((to): [Transition, JobStatus, JobStatus] => [transition, from, to])),
  );

  test.each(everything)('%s from %s to %s', (transition, from, to) => {
    expect(mayTransition(transition, from, to)).toBe(LIFE[from][transition]?.includes(to) ?? false);
  });

  test('every transition leads somewhere, and an ended job leaves its end only when a person requeues it', () => {
    for (const [transition, from, to] of everything.filter((one) => mayTransition(...one))) {
      expect(isEnded(from)).toBe(transition === 'requeue');
      expect(to).not.toBe(from);
    }
    const used = new Set(everything.filter((one) => mayTransition(...one)).map(([transition]) => transition));
    expect([...used].toSorted()).toEqual(Object.keys(TRANSITIONS).toSorted());
  });

  test('done and aborted are the ends', () => {
    expect(JOB_STATUSES.filter(isEnded)).toEqual(['done', 'aborted']);
  });
});

describe('back-off', () => {
  const policy = fc.record({
    max_attempts: fc.constant(10),
    crash_limit: fc.constant(5),
    backoff_base_seconds: fc.double({ min: 0, max: 86_400, noNaN: true }),
    backoff_cap_seconds: fc.double({ min: 0, max: 604_800, noNaN: true }),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const failures = fc.integer({ min: 1, max: 2_000 });

  test('lies between half and the whole of the doubled base, under the cap, in whole milliseconds', () => {
    fc.assert(
      fc.property(policy, failures, random, (settings, count, chance) => {
        const delay = backoffDelay(settings, count, chance);
        const whole = Math.min(settings.backoff_cap_seconds, settings.backoff_base_seconds * 2 ** (count - 1) || 0) * 1000;
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(settings.backoff_cap_seconds * 1000 + 0.5);
        // Beyond 2^40 times the base the cap has long been reached by every base that is a setting.
        if (count <= 40) {
          expect(delay).toBeGreaterThanOrEqual(whole / 2 - 0.5);
          expect(delay).toBeLessThanOrEqual(whole + 0.5);
        }
      }),
    );
  });

  test('never shrinks with more failures', () => {
    fc.assert(
      fc.property(policy, failures, random, (settings, count, chance) => {
        expect(backoffDelay(settings, count + 1, chance)).toBeGreaterThanOrEqual(backoffDelay(settings, count, chance));
      }),
    );
  });

  test('doubles from the base', () => {
    const settings = { max_attempts: 9, crash_limit: 5, backoff_base_seconds: 10, backoff_cap_seconds: 60 };
    expect([1, 2, 3, 4, 5].map((count) => backoffDelay(settings, count, 0))).toEqual([5_000, 10_000, 20_000, 30_000, 30_000]);
    expect(backoffDelay(settings, 1, 0.5)).toBe(7_500);
  });
});
