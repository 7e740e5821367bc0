// One try of a job. These functions decide what a report, a loss or a return means; the store only applies the decision.
// Every decision is made from rows, facts and `now`, so the same facts always give the same record.
import { backoffDelay, isEnded, type JobState, type JobStatus, type RetryPolicy, type Transition } from './job.ts';

export const OUTCOMES = ['succeeded', 'failed', 'timed_out', 'cancelled', 'lost', 'released'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The outcomes that an agent may report; `lost` is the agent's own word for a job that vanished while it was not looking. */
export type ReportedOutcome = Outcome;

export interface AttemptState {
  readonly attempt: number;
  /** The job's revision when it was claimed. */
  readonly revision: number;
  /** Null while the attempt is live. */
  readonly outcome: Outcome | null;
}

/** What an ended attempt does to its job. `not_before` is a moment in milliseconds. */
export interface Ending {
  readonly kind: 'ended';
  readonly transition: Transition;
  readonly status: JobStatus;
  readonly outcome: Outcome;
  readonly failures: number;
  readonly losses: number;
  readonly not_before: number | null;
}

export type FinishDecision =
  | Ending
  /** The same end was recorded before; the agent may forget it. */
  | { readonly kind: 'repeated' }
  /** The attempt no longer speaks for the job: kept on the attempt as evidence, the job stays as it is. */
  | { readonly kind: 'evidence' };

export interface FinishFacts {
  readonly job: JobState;
  readonly attempt: AttemptState;
  readonly outcome: ReportedOutcome;
  readonly policy: RetryPolicy;
  /** Milliseconds. */
  readonly now: number;
  /** 0 ≤ random < 1, for the back-off. */
  readonly random: number;
}

/** An agent reports how an attempt ended. */
export function decideFinish(facts: FinishFacts): FinishDecision {
  const { job, attempt, outcome } = facts;
  const newest = attempt.attempt === job.attempts;
  if (attempt.outcome === null && newest && job.status === 'running') return end(facts);
  if (attempt.outcome === outcome) return { kind: 'repeated' };
  if (outcome === 'succeeded' && lateSuccessCounts(job, attempt)) return ending(facts, 'succeed_late', 'done', {});
  return { kind: 'evidence' };
}

/** A success of the newest attempt after the server gave it up counts if nobody claimed or edited the job since. */
function lateSuccessCounts(job: JobState, attempt: AttemptState): boolean {
  return (
    job.status === 'pending' &&
    (attempt.outcome === 'lost' || attempt.outcome === 'released') &&
    attempt.attempt === job.attempts &&
    attempt.revision === job.revision
  );
}

function end(facts: FinishFacts): Ending {
  const { job, outcome } = facts;
  switch (outcome) {
    case 'succeeded':
      return ending(facts, 'succeed', 'done', {});
    case 'cancelled':
      return ending(facts, 'confirm_cancel', 'aborted', {});
    case 'released':
      return job.cancel_requested_at === null ? ending(facts, 'release', 'pending', {}) : ending(facts, 'confirm_cancel', 'aborted', {});
    case 'lost':
      return decideLoss(facts);
    case 'failed':
    case 'timed_out':
      return decideFailure(facts);
  }
}

function decideFailure(facts: FinishFacts): Ending {
  const { job, policy, now, random } = facts;
  const failures = job.failures + 1;
  if (job.cancel_requested_at !== null) return ending(facts, 'confirm_cancel', 'aborted', { failures });
  if (failures >= policy.max_attempts) return ending(facts, 'fail', 'aborted', { failures });
  return ending(facts, 'fail', 'pending', { failures, not_before: now + backoffDelay(policy, failures, random) });
}

/** A live attempt is gone: that does not count as a failure, up to the crash limit. */
function decideLoss(facts: FinishFacts): Ending {
  const { job, policy } = facts;
  const losses = job.losses + 1;
  const lost = { ...facts, outcome: 'lost' as const };
  if (job.cancel_requested_at !== null) return ending(lost, 'confirm_cancel', 'aborted', { losses });
  return ending(lost, 'lose', losses >= policy.crash_limit ? 'aborted' : 'pending', { losses });
}

function ending(facts: FinishFacts, transition: Transition, status: JobStatus, changes: { failures?: number; losses?: number; not_before?: number }): Ending {
  return {
    kind: 'ended',
    transition,
    status,
    outcome: facts.outcome,
    failures: changes.failures ?? facts.job.failures,
    losses: changes.losses ?? facts.job.losses,
    not_before: changes.not_before ?? null,
  };
}

/** What the server makes of an attempt that an agent says is running. */
export type RunningDecision =
  /** It is as the record has it. */
  | 'live'
  /** It was given up, nobody claimed the job since: running again, same attempt. */
  | 'take_back'
  /** Somebody else has the job, or it ended: the agent is told to stop it. */
  | 'revoke';

export function decideRunning(job: JobState, attempt: AttemptState): RunningDecision {
  if (attempt.outcome === null && attempt.attempt === job.attempts && job.status === 'running') return 'live';
  if (isEnded(job.status)) return 'revoke';
  const givenUp = attempt.outcome === 'lost' || attempt.outcome === 'released';
  if (givenUp && job.status === 'pending' && attempt.attempt === job.attempts && attempt.revision === job.revision) return 'take_back';
  return 'revoke';
}
