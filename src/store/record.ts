// Applies decided ends to the record: for a whole set, in a handful of statements, with counters and events.
import type { Ending } from '../core/attempt.ts';
import type { EventKind } from '../core/event.ts';
import type { JobStatus } from '../core/job.ts';

import { hotStatements } from './hot.ts';
import { sendSets } from './set-statement.ts';
import type { Transaction } from './writer.ts';

/** How the attempt itself ended, as its agent tells it, or as the server knows. Moments in milliseconds. */
export interface EndFacts {
  readonly started_at: number | null;
  readonly finished_at: number;
  readonly duration_ms: number | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly message: string | null;
}

export interface EndedAttempt extends EndFacts {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
  readonly experiment_id: number;
  readonly number: number;
  readonly worker_id: string;
  readonly from_status: JobStatus;
  readonly held: boolean;
  readonly ending: Ending;
  /** Who says so, for the event. */
  readonly actor: string;
}

const EVENTS: Partial<Record<Ending['outcome'], EventKind>> = { lost: 'jobs_lost', released: 'jobs_released' };

/** Ends attempts, each job at most once: their rows, their jobs, their leases, the counters, one event per experiment, kind and actor. */
export function recordEnds(tx: Transaction, ends: readonly EndedAttempt[]): void {
  if (ends.length === 0) return;
  const hot = hotStatements(tx.sql.dialect);
  sendSets(tx.sql, [
    [
      hot.endAttempts,
      ends.map((end) => [
        end.job_id,
        end.attempt,
        end.rank,
        end.ending.outcome,
        end.started_at,
        end.finished_at,
        end.duration_ms,
        end.exit_code,
        end.signal,
        end.message,
        tx.now,
        end.ending.not_before,
      ]),
    ],
    [
      hot.endJobs,
      ends.map((end) => [
        end.job_id,
        end.from_status,
        end.ending.status,
        end.ending.outcome,
        end.ending.failures,
        end.ending.losses,
        end.ending.not_before,
        end.started_at,
        end.finished_at,
        end.duration_ms,
        end.exit_code,
        end.signal,
        end.message,
      ]),
    ],
    [hot.deleteLeases, ends.map((end) => [end.job_id, end.rank])],
    [hot.completeWorkers, completedOf(ends)],
  ]);
  countAndTell(tx, ends);
}

function completedOf(ends: readonly EndedAttempt[]): [string, number][] {
  const completed = new Map<string, number>();
  for (const end of ends) {
    if (end.ending.status === 'done') completed.set(end.worker_id, (completed.get(end.worker_id) ?? 0) + 1);
  }
  return [...completed];
}

function countAndTell(tx: Transaction, ends: readonly EndedAttempt[]): void {
  const groups = new Map<string, EndedAttempt[]>();
  for (const end of ends) {
    tx.count(end.experiment_id, end.from_status, -1);
    tx.count(end.experiment_id, end.ending.status, 1);
    if (end.ending.status === 'pending' && end.ending.not_before === null && !end.held) tx.wake('all');
    const kind = EVENTS[end.ending.outcome] ?? 'jobs_finished';
    const key = `${end.experiment_id} ${kind} ${end.actor}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [end]);
    else group.push(end);
  }
  for (const group of groups.values()) {
    const [first] = group;
    const kind = EVENTS[first!.ending.outcome] ?? 'jobs_finished';
    tx.event({
      kind,
      experiment_id: first!.experiment_id,
      actor: first!.actor,
      numbers: group.map((end) => end.number),
      ...(group.length === 1 ? { job_id: first!.job_id } : {}),
      data: {
        outcomes: tally(group, (end) => end.ending.outcome),
        statuses: tally(group, (end) => end.ending.status),
        ...(group.length === 1 ? single(first!) : {}),
      },
    });
  }
}

function single(end: EndedAttempt): Record<string, unknown> {
  return { attempt: end.attempt, worker_id: end.worker_id, exit_code: end.exit_code, message: end.message };
}

function tally<T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[nameOf(item)] = (counts[nameOf(item)] ?? 0) + 1;
  return counts;
}
