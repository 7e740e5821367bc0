// Who may write for an attempt: every delivery names a rank of an attempt and proves it with the lease token. Checked here for
// whole sets with one statement. A token stays genuine after the attempt ended: logs and metrics belong to the attempt, not to the lease.
import type { Outcome } from '../core/attempt.ts';
import type { JobStatus } from '../core/job.ts';

import { verifiedNonce } from './lease-token.ts';
import type { ServerKey } from './server-key.ts';
import { rowSet } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

export interface AttemptName {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
}

export interface AttemptReference extends AttemptName {
  readonly token: string;
}

/** The attempt as it is recorded, with what is needed of its job. */
export interface ProvenAttempt extends AttemptName {
  readonly outcome: Outcome | null;
  readonly late_outcome: Outcome | null;
  readonly revision: number;
  readonly recorded_at: number | null;
  readonly metrics_end: number;
  readonly experiment_id: number;
  readonly number: number;
  readonly job: { readonly status: JobStatus; readonly revision: number; readonly attempts: number; readonly outcome: Outcome | null };
}

interface AttemptRow extends Omit<ProvenAttempt, 'job'> {
  readonly nonce: string;
  readonly created_at: number;
  readonly job_status: JobStatus;
  readonly job_revision: number;
  readonly job_attempts: number;
  readonly job_outcome: Outcome | null;
}

export function attemptKey(name: AttemptName): string {
  return `${name.job_id}.${name.attempt}.${name.rank}`;
}

/**
 * The attempts of a set whose tokens are right, by attemptKey. A wrong token proves nothing, whatever stands beside it: callers
 * ask for `proof(reference)`, not for the attempt.
 */
export async function proveAttempts(reader: Reader, key: ServerKey, references: Iterable<AttemptReference>): Promise<Proof> {
  const asked = new Map<string, AttemptReference>();
  for (const reference of references) asked.set(`${attemptKey(reference)}.${reference.token}`, reference);
  const rows = await loadAttempts(reader, [...asked.values()]);
  const proven = new Map<string, ProvenAttempt>();
  for (const [id, reference] of asked) {
    const row = rows.get(attemptKey(reference));
    if (row === undefined) continue;
    const nonce = verifiedNonce(key, { ...reference, created_at: row.created_at }, reference.token);
    if (nonce !== null && nonce === row.nonce) proven.set(id, provenAttempt(row));
  }
  return (reference) => proven.get(`${attemptKey(reference)}.${reference.token}`) ?? null;
}

export type Proof = (reference: AttemptReference) => ProvenAttempt | null;

async function loadAttempts(reader: Reader, references: readonly AttemptReference[]): Promise<Map<string, AttemptRow>> {
  const names = new Map(references.map((reference) => [attemptKey(reference), reference]));
  const rows = await reader.sql.all<AttemptRow>(
    `select a.job_id, a.attempt, a.rank, a.outcome, a.late_outcome, a.revision, a.recorded_at, a.metrics_end, a.nonce, j.experiment_id, j.number, j.created_at,
       j.status as job_status, j.revision as job_revision, j.attempts as job_attempts, j.outcome as job_outcome
     from ${rowSet(reader.sql.dialect, { job_id: 'int', attempt: 'int', rank: 'int' })} as v cross join attempt a cross join job j
     where a.job_id = v.job_id and a.attempt = v.attempt and a.rank = v.rank and j.id = v.job_id`,
    [JSON.stringify([...names.values()].map(({ job_id, attempt, rank }) => [job_id, attempt, rank]))],
  );
  return new Map(rows.map((row) => [attemptKey(row), row]));
}

function provenAttempt(row: AttemptRow): ProvenAttempt {
  const { job_id, attempt, rank, outcome, late_outcome, revision, recorded_at, metrics_end, experiment_id, number } = row;
  const job = { status: row.job_status, revision: row.job_revision, attempts: row.job_attempts, outcome: row.job_outcome };
  return { job_id, attempt, rank, outcome, late_outcome, revision, recorded_at, metrics_end, experiment_id, number, job };
}

const DELIVERY_LOCK = 7_346_010;

/** Lets one delivery of an agent at a time pass, on whichever server it arrives: a repeated request must see what the first one wrote. */
export async function lockDeliveries(tx: Transaction, agentId: number): Promise<void> {
  if (tx.sql.dialect === 'sqlite') return;
  await tx.sql.all(`select pg_advisory_xact_lock(${DELIVERY_LOCK}, cast(? as integer))`, [agentId % 2_147_483_647]);
}

/** The numbers of a set's jobs, experiment by experiment: what events speak of. */
export function numbersByExperiment(attempts: Iterable<ProvenAttempt>): Map<number, Map<number, number>> {
  const experiments = new Map<number, Map<number, number>>();
  for (const { experiment_id, number, job_id } of attempts) {
    const jobs = experiments.get(experiment_id) ?? new Map<number, number>();
    experiments.set(experiment_id, jobs.set(number, job_id));
  }
  return experiments;
}
