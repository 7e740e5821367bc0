// What clients of JobDistributor really did, written down by themselves: which jobs their workers ran, how these ended, what they were answered.
import type { RecordChange } from './claim-rules.ts';
import type { Ending } from './final-check.ts';
import type { AttemptRow, RecordReader } from './record.ts';
import { Violation } from './world.ts';

export interface OldRun {
  readonly worker_id: string;
  /** `tune-0/3`. */
  readonly job: string;
  /** Of the record when it began; null when the record had none for this worker then. */
  readonly attempt: number | null;
  /** Moments of the world. */
  readonly started: number;
  ended: number | null;
  /** Null: nobody knows, the worker died with it. */
  status: number | null;
  /** What the server answered to its report; null: nothing that arrived. */
  answer: number | null;
  readonly uploads: Map<string, { readonly name: string; readonly kind: 'artifact' | 'checkpoint'; stored: boolean }>;
}

export class OldLedger {
  readonly runs: OldRun[] = [];
  readonly #workers = new Set<string>();

  knows(workerId: string): void {
    this.#workers.add(workerId);
  }

  isOf(workerId: string): boolean {
    return this.#workers.has(workerId);
  }

  /** No job is taken from a worker that runs it because of what it said itself. */
  judgeLosses({ before, now, nameOf }: RecordChange, reader: RecordReader): Violation | null {
    for (const lease of before.leases) {
      const job = now.jobs.get(lease.job_id);
      const stands = now.leases.some((one) => one.job_id === lease.job_id && one.attempt === lease.attempt);
      if (job === undefined || stands || !this.isOf(lease.worker_id)) continue;
      const attempt = reader.attempts(lease.job_id).find((one) => one.attempt === lease.attempt);
      if (attempt?.message !== 'The agent no longer has this job.') continue;
      const name = nameOf(job);
      if (this.runs.some((run) => run.worker_id === lease.worker_id && run.job === name && run.ended === null))
        return new Violation(`${name} was taken from ${lease.worker_id}, which runs it`, name);
    }
    return null;
  }

  /** The record of one attempt against what its worker did. */
  check(attempt: AttemptRow, job: string, { ledger, watcher }: Ending): string | null {
    const isRestored = ledger.restores.length > 0;
    // A restored record may have given the same number to another.
    const runs = this.runs.filter((run) => run.job === job && (isRestored || (run.worker_id === attempt.worker_id && run.attempt === attempt.attempt)));
    const name = `attempt ${attempt.attempt} of ${attempt.worker_id}`;
    if (attempt.outcome === null) return `${name} has no outcome`;
    for (const told of [attempt.outcome, attempt.late_outcome]) {
      if (told === 'succeeded' && !runs.some(({ status }) => status === 0)) return `${name} is recorded as succeeded, but never was`;
      if (told === 'failed' && !runs.some(({ status }) => status !== 0 && status !== null)) return `${name} is recorded as failed, but never did`;
    }
    if (isRestored) return null;
    const accepted = runs.find(({ answer, status }) => answer === 200 && status === 0);
    if (accepted !== undefined && attempt.outcome !== 'succeeded') return `${name} was told that its success counts, and is ${attempt.outcome}`;
    const stored = watcher.reader.artifacts(attempt.job_id).filter((row) => row.attempt === attempt.attempt);
    const uploads = runs.flatMap((run) => [...run.uploads].map(([sha256, upload]) => ({ sha256, ...upload })));
    for (const row of stored) {
      if (!uploads.some((upload) => upload.sha256 === row.sha256 && upload.kind === row.kind)) return `${name} has a file ${row.name} that nobody uploaded`;
    }
    const all = watcher.reader.artifacts(attempt.job_id);
    const missing = uploads.find((upload) => upload.stored && upload.kind === 'artifact' && !all.some((row) => row.sha256 === upload.sha256));
    return missing === undefined ? null : `${name} was told that ${missing.name} is stored, and it is not`;
  }
}
