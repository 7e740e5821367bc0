// Whether what an attempt delivers still counts for its job, or is only kept as evidence of what the attempt did.
import type { Outcome } from './attempt.ts';
import { isEnded, type JobStatus } from './job.ts';

export interface AttemptFacts {
  readonly attempt: number;
  /** The job's revision when it was claimed. */
  readonly revision: number;
  /** Null while the attempt is live. */
  readonly outcome: Outcome | null;
  /** What its agent reported after the server had given it up. */
  readonly late_outcome: Outcome | null;
}

export interface JobFacts {
  readonly status: JobStatus;
  readonly revision: number;
  /** Attempts claimed so far; the newest one has this number. */
  readonly attempts: number;
  readonly outcome: Outcome | null;
}

/**
 * False once the job was claimed again, edited, or ended otherwise. An attempt that ended the job still speaks for it: files
 * may arrive after the outcome.
 */
export function speaksFor(job: JobFacts, attempt: AttemptFacts): boolean {
  if (attempt.attempt !== job.attempts) return false;
  if (isEnded(job.status)) return attempt.outcome === job.outcome || attempt.late_outcome === job.outcome;
  if (job.status === 'running') return attempt.outcome === null;
  return attempt.revision === job.revision;
}
