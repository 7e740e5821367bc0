import { describe, expect, it } from 'vitest';

import { type AttemptFacts, type JobFacts, speaksFor } from './evidence.ts';

const job = (changes: Partial<JobFacts> = {}): JobFacts => ({ status: 'running', revision: 1, attempts: 2, outcome: null, ...changes });
const attempt = (changes: Partial<AttemptFacts> = {}): AttemptFacts => ({ attempt: 2, revision: 1, outcome: null, late_outcome: null, ...changes });

describe('what an attempt delivers', () => {
  it.each([
    ['the live attempt', job(), attempt(), true],
    ['an attempt before the newest', job(), attempt({ attempt: 1, outcome: 'lost' }), false],
    ['an attempt that the job does not know yet', job(), attempt({ attempt: 3 }), false],
    ['the attempt that succeeded', job({ status: 'done', outcome: 'succeeded' }), attempt({ outcome: 'succeeded' }), true],
    ['the attempt that failed for good', job({ status: 'aborted', outcome: 'failed' }), attempt({ outcome: 'failed' }), true],
    ['a lost attempt, nobody claimed since', job({ status: 'pending', outcome: 'lost' }), attempt({ outcome: 'lost' }), true],
    ['a lost attempt, job edited since', job({ status: 'pending', revision: 2 }), attempt({ outcome: 'lost' }), false],
    ['a lost attempt, job cancelled since', job({ status: 'aborted', outcome: 'cancelled' }), attempt({ outcome: 'lost' }), false],
    ['a lost attempt whose late success counted', job({ status: 'done', outcome: 'succeeded' }), attempt({ outcome: 'lost', late_outcome: 'succeeded' }), true],
    ['an ended rank of a running gang', job(), attempt({ outcome: 'lost' }), false],
  ])('%s', (_name, aJob, anAttempt, speaks) => {
    expect(speaksFor(aJob, anAttempt)).toBe(speaks);
  });
});
