// A job's life. The transitions are one literal table; attempt.ts decides which of them an event means.

export const JOB_STATUSES = ['pending', 'running', 'done', 'aborted'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** What can happen to a job, and where it leads from each status. Anything not listed is refused. */
export const TRANSITIONS = {
  claim: { pending: ['running'] },
  succeed: { running: ['done'] },
  fail: { running: ['pending', 'aborted'] },
  release: { running: ['pending'] },
  lose: { running: ['pending', 'aborted'] },
  confirm_cancel: { running: ['aborted'] },
  force_cancel: { running: ['aborted'] },
  cancel: { pending: ['aborted'] },
  take_back: { pending: ['running'] },
  succeed_late: { pending: ['done'] },
  requeue: { done: ['pending'], aborted: ['pending'] },
} as const satisfies Record<string, Partial<Record<JobStatus, readonly JobStatus[]>>>;

export type Transition = keyof typeof TRANSITIONS;

export function mayTransition(transition: Transition, from: JobStatus, to: JobStatus): boolean {
  const targets: Partial<Record<JobStatus, readonly JobStatus[]>> = TRANSITIONS[transition];
  return targets[from]?.includes(to) ?? false;
}

export function isEnded(status: JobStatus): boolean {
  return status === 'done' || status === 'aborted';
}

/** The part of a job that decisions need. Moments are milliseconds. */
export interface JobState {
  readonly id: number;
  readonly status: JobStatus;
  /** Rises when params or command are edited. */
  readonly revision: number;
  /** Attempts claimed so far; the newest one has this number. */
  readonly attempts: number;
  /** Attempts since the last requeue that count towards max_attempts. */
  readonly failures: number;
  /** Lost attempts since the last requeue or new checkpoint. */
  readonly losses: number;
  readonly cancel_requested_at: number | null;
}

/** Settings of an experiment, each of which a job may override. */
export interface RetryPolicy {
  /** Attempts that may fail or time out before the job is aborted. */
  readonly max_attempts: number;
  readonly backoff_base_seconds: number;
  readonly backoff_cap_seconds: number;
  /** Lost attempts in a row, without a new checkpoint, after which the job is aborted. */
  readonly crash_limit: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { max_attempts: 1, backoff_base_seconds: 10, backoff_cap_seconds: 3600, crash_limit: 5 };

/**
 * Delay before retry number `failures` (1 for the first), in milliseconds: doubling from the base up to the cap,
 * then spread over 50 to 100 % by `random` (0 ≤ random < 1), so that jobs that failed together do not return together.
 */
export function backoffDelay(policy: RetryPolicy, failures: number, random: number): number {
  return Math.round(longestBackoff(policy, failures) * (0.5 + random / 2));
}

/** What `backoffDelay` never exceeds, milliseconds. */
export function longestBackoff(policy: RetryPolicy, failures: number): number {
  const base = policy.backoff_base_seconds * 1000;
  return Math.min(policy.backoff_cap_seconds * 1000, base * 2 ** Math.max(0, Math.min(failures - 1, 40)));
}
