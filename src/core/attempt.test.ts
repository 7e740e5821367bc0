import { describe, expect, test } from 'vitest';

import { OUTCOMES, decideFinish, decideRunning, type AttemptState, type FinishFacts, type Outcome } from './attempt.ts';
import { JOB_STATUSES, backoffDelay, isEnded, mayTransition, type JobState, type RetryPolicy } from './job.ts';

const NOW = 1_000_000;
const RANDOM = 0.5;
const POLICY: RetryPolicy = { max_attempts: 3, backoff_base_seconds: 10, backoff_cap_seconds: 3600, crash_limit: 5 };

interface Case {
  readonly name: string;
  readonly facts: FinishFacts;
}

/** Every job status × recorded outcome × reported outcome × newest or not × edited or not × cancel asked or not × at the limits or not. */
function* everyCase(): Generator<Case> {
  const recorded = [null, ...OUTCOMES];
  for (const status of JOB_STATUSES)
    for (const before of recorded)
      for (const outcome of OUTCOMES)
        for (const newest of [true, false])
          for (const edited of [false, true])
            for (const cancel of [false, true])
              for (const last of [false, true]) {
                const job: JobState = {
                  id: 7,
                  status,
                  revision: edited ? 2 : 1,
                  attempts: newest ? 4 : 5,
                  failures: last ? POLICY.max_attempts - 1 : 0,
                  losses: last ? POLICY.crash_limit - 1 : 0,
                  cancel_requested_at: cancel ? NOW - 1 : null,
                };
                const attempt: AttemptState = { attempt: 4, revision: 1, outcome: before };
                const words = [
                  status,
                  `recorded ${before}`,
                  `reported ${outcome}`,
                  newest ? 'newest' : 'older',
                  edited && 'edited',
                  cancel && 'cancel asked',
                  last && 'at the limits',
                ];
                yield { name: words.filter(Boolean).join(', '), facts: { job, attempt, outcome, policy: POLICY, now: NOW, random: RANDOM } };
              }
}

const isLive = ({ job, attempt }: FinishFacts): boolean => job.status === 'running' && attempt.attempt === job.attempts && attempt.outcome === null;

/** [transition, status, failures added, losses added, delayed] of a live attempt's end. */
type End = [string, string, number, number, boolean];

function expectedEnd(outcome: Outcome, cancel: boolean, last: boolean): End {
  const key = `${outcome}${cancel ? ' cancelled' : ''}${last ? ' last' : ''}`;
  const table: Record<string, End> = {
    succeeded: ['succeed', 'done', 0, 0, false],
    'succeeded last': ['succeed', 'done', 0, 0, false],
    'succeeded cancelled': ['succeed', 'done', 0, 0, false],
    'succeeded cancelled last': ['succeed', 'done', 0, 0, false],
    failed: ['fail', 'pending', 1, 0, true],
    'failed last': ['fail', 'aborted', 1, 0, false],
    'failed cancelled': ['confirm_cancel', 'aborted', 1, 0, false],
    'failed cancelled last': ['confirm_cancel', 'aborted', 1, 0, false],
    timed_out: ['fail', 'pending', 1, 0, true],
    'timed_out last': ['fail', 'aborted', 1, 0, false],
    'timed_out cancelled': ['confirm_cancel', 'aborted', 1, 0, false],
    'timed_out cancelled last': ['confirm_cancel', 'aborted', 1, 0, false],
    cancelled: ['confirm_cancel', 'aborted', 0, 0, false],
    'cancelled last': ['confirm_cancel', 'aborted', 0, 0, false],
    'cancelled cancelled': ['confirm_cancel', 'aborted', 0, 0, false],
    'cancelled cancelled last': ['confirm_cancel', 'aborted', 0, 0, false],
    lost: ['lose', 'pending', 0, 1, false],
    'lost last': ['lose', 'aborted', 0, 1, false],
    'lost cancelled': ['confirm_cancel', 'aborted', 0, 1, false],
    'lost cancelled last': ['confirm_cancel', 'aborted', 0, 1, false],
    released: ['release', 'pending', 0, 0, false],
    'released last': ['release', 'pending', 0, 0, false],
    'released cancelled': ['confirm_cancel', 'aborted', 0, 0, false],
    'released cancelled last': ['confirm_cancel', 'aborted', 0, 0, false],
  };
  return table[key]!;
}

describe('an agent reports an end', () => {
  const cases = [...everyCase()];
  const live = cases.filter(({ facts }) => isLive(facts));

  test.each(live.map((one) => [one.name, one.facts] as const))('live: %s', (_name, facts) => {
    const { job, outcome } = facts;
    const [transition, status, failures, losses, delayed] = expectedEnd(outcome, job.cancel_requested_at !== null, job.losses > 0);
    expect(decideFinish(facts)).toEqual({
      kind: 'ended',
      transition,
      status,
      outcome,
      failures: job.failures + failures,
      losses: job.losses + losses,
      not_before: delayed ? NOW + backoffDelay(POLICY, job.failures + 1, RANDOM) : null,
    });
  });

  test('an attempt that is not live changes its job only by a late success', () => {
    let late = 0;
    for (const { name, facts } of cases.filter((one) => !isLive(one.facts))) {
      const { job, attempt, outcome } = facts;
      const givenUp = attempt.outcome === 'lost' || attempt.outcome === 'released';
      const counts = outcome === 'succeeded' && givenUp && job.status === 'pending' && attempt.attempt === job.attempts && attempt.revision === job.revision;
      const decision = decideFinish(facts);
      if (counts) {
        late += 1;
        const unchanged = { failures: job.failures, losses: job.losses, not_before: null };
        expect(decision, name).toEqual({ kind: 'ended', transition: 'succeed_late', status: 'done', outcome: 'succeeded', ...unchanged });
      } else expect(decision, name).toEqual({ kind: attempt.outcome === outcome ? 'repeated' : 'evidence' });
    }
    expect(late).toBeGreaterThan(0);
  });

  test('every decision is a transition of the table, and ended jobs stay as they are', () => {
    for (const { name, facts } of cases) {
      const decision = decideFinish(facts);
      if (decision.kind !== 'ended') continue;
      expect(isEnded(facts.job.status), name).toBe(false);
      expect(mayTransition(decision.transition, facts.job.status, decision.status), name).toBe(true);
    }
  });

  test('the same report twice changes nothing the second time', () => {
    for (const { name, facts } of cases) {
      const first = decideFinish(facts);
      if (first.kind !== 'ended') continue;
      const job = { ...facts.job, status: first.status, failures: first.failures, losses: first.losses };
      const second = decideFinish({ ...facts, job, attempt: { ...facts.attempt, outcome: first.outcome } });
      expect(second, name).toEqual({ kind: 'repeated' });
    }
  });

  test('a job that fails for ever is tried max_attempts times', () => {
    let job: JobState = { id: 1, status: 'running', revision: 1, attempts: 1, failures: 0, losses: 0, cancel_requested_at: null };
    for (;;) {
      const decision = decideFinish({
        job,
        attempt: { attempt: job.attempts, revision: 1, outcome: null },
        outcome: 'failed',
        policy: POLICY,
        now: NOW,
        random: 0,
      });
      if (decision.kind !== 'ended' || decision.status === 'aborted') break;
      job = { ...job, status: 'running', attempts: job.attempts + 1, failures: decision.failures };
    }
    expect(job.attempts).toBe(POLICY.max_attempts);
  });
});

describe('the server finds an attempt lost', () => {
  test.each([
    [0, null, 'lose', 'pending'],
    [3, null, 'lose', 'pending'],
    [4, null, 'lose', 'aborted'],
    [9, null, 'lose', 'aborted'],
    [0, 5, 'confirm_cancel', 'aborted'],
    [4, 5, 'confirm_cancel', 'aborted'],
  ])('after %i losses, cancel asked at %s: %s → %s', (losses, cancel, transition, status) => {
    const job: JobState = { id: 1, status: 'running', revision: 1, attempts: 1, failures: 2, losses, cancel_requested_at: cancel };
    const facts = { job, attempt: { attempt: 1, revision: 1, outcome: null }, outcome: 'lost' as const, policy: POLICY, now: NOW, random: 0 };
    expect(decideFinish(facts)).toEqual({ kind: 'ended', transition, status, outcome: 'lost', failures: 2, losses: losses + 1, not_before: null });
  });
});

describe('an agent says that an attempt is running', () => {
  test('it is live, taken back or revoked, by the whole table', () => {
    const seen = new Set<string>();
    for (const { name, facts } of everyCase()) {
      const { job, attempt } = facts;
      const newest = attempt.attempt === job.attempts;
      const untouched = newest && attempt.revision === job.revision;
      let expected = 'revoke';
      if (isLive(facts)) expected = 'live';
      else if (job.status === 'pending' && untouched && ['lost', 'released'].includes(String(attempt.outcome))) expected = 'take_back';
      seen.add(expected);
      expect(decideRunning(job, attempt), name).toBe(expected);
      if (expected === 'take_back') expect(mayTransition('take_back', job.status, 'running')).toBe(true);
    }
    expect(seen).toEqual(new Set(['live', 'take_back', 'revoke']));
  });
});
