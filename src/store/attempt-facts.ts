// Loads jobs with their attempts for references that came from outside, and says whether their tokens are genuine.
import type { AttemptState, Outcome } from '../core/attempt.ts';
import { DEFAULT_RETRY_POLICY, type JobState, type JobStatus, type RetryPolicy } from '../core/job.ts';

import { type AttemptFactsRow, hotStatements, selectRowsOf } from './hot.ts';
import { leaseToken, verifiedNonce } from './lease-token.ts';
import type { ServerKey } from './server-key.ts';
import type { AttemptReference } from './sync-session.ts';
import type { Transaction } from './writer.ts';

/** A job and one of its attempts, as they are at this point of the transaction. Changed as decisions are applied. */
export interface Facts {
  row: AttemptFactsRow;
  job: JobState;
  /** Null when this attempt is not on record (a restored backup). */
  attempt: AttemptState | null;
}

export async function loadFacts(tx: Transaction, references: readonly { job_id: number; attempt: number; rank: number }[]): Promise<Map<string, Facts>> {
  const found = new Map<string, Facts>();
  if (references.length === 0) return found;
  // In one order, whoever asks: on PostgreSQL the jobs are locked as they come, and two servers must not wait for each other.
  const keys = references.map((reference) => [reference.job_id, reference.attempt, reference.rank]).sort((a, b) => a[0]! - b[0]!);
  const rows = await selectRowsOf<AttemptFactsRow>(tx.sql, hotStatements(tx.sql.dialect).attemptFacts, keys);
  for (const row of rows) found.set(`${row.job_id}.${row.attempt}.${row.rank}`, toFacts(row));
  return found;
}

function toFacts(row: AttemptFactsRow): Facts {
  return {
    row,
    job: {
      id: row.job_id,
      status: row.status,
      revision: row.job_revision,
      attempts: row.attempts,
      failures: row.failures,
      losses: row.losses,
      cancel_requested_at: row.cancel_requested_at,
    },
    attempt: row.nonce === null ? null : { attempt: row.attempt, revision: row.revision!, outcome: row.outcome as Outcome | null },
  };
}

export type TokenVerdict =
  /** The token of the attempt on record. */
  | { readonly kind: 'genuine' }
  /** Made by this server for an attempt that the record does not have (any more). */
  | { readonly kind: 'unrecorded'; readonly nonce: string }
  /** Made by this server for this number, but the record has another grant of it: that one counts. */
  | { readonly kind: 'replaced'; readonly nonce: string }
  | { readonly kind: 'foreign' };

export function judgeToken(key: ServerKey, facts: Facts, token: string): TokenVerdict {
  const { row } = facts;
  const subject = { job_id: row.job_id, created_at: row.created_at, attempt: row.attempt, rank: row.rank };
  if (row.nonce !== null && leaseToken(key, subject, row.nonce) === token) return { kind: 'genuine' };
  const nonce = verifiedNonce(key, subject, token);
  if (nonce === null) return { kind: 'foreign' };
  return row.nonce === null ? { kind: 'unrecorded', nonce } : { kind: 'replaced', nonce };
}

export function isGenuine(key: ServerKey, facts: Facts | undefined, reference: AttemptReference): facts is Facts {
  return facts !== undefined && judgeToken(key, facts, reference.token).kind === 'genuine';
}

/** Retry policies of experiments, each read once per transaction. */
export class Policies {
  readonly #tx: Transaction;
  readonly #known = new Map<number, RetryPolicy>();

  /** `experiments` that were read in this transaction already. */
  constructor(tx: Transaction, experiments: readonly { readonly experiment_id: number; readonly settings_json: string }[] = []) {
    this.#tx = tx;
    for (const { experiment_id, settings_json } of experiments) if (!this.#known.has(experiment_id)) this.#known.set(experiment_id, policyOf(settings_json));
  }

  /** Makes `known` good for these experiments. */
  async load(experimentIds: Iterable<number>): Promise<void> {
    for (const id of new Set(experimentIds)) {
      if (this.#known.has(id)) continue;
      const [row] = await this.#tx.sql.all<{ settings_json: string }>('select settings_json from experiment where id = ?', [id]);
      this.#known.set(id, policyOf(row?.settings_json ?? '{}'));
    }
  }

  /** The policy for one job of a loaded experiment: the experiment's, with the job's own number of attempts. */
  known(experimentId: number, maxAttempts: number | null): RetryPolicy {
    const policy = this.#known.get(experimentId)!;
    return maxAttempts === null ? policy : { ...policy, max_attempts: maxAttempts };
  }

  async of(experimentId: number, maxAttempts: number | null): Promise<RetryPolicy> {
    await this.load([experimentId]);
    return this.known(experimentId, maxAttempts);
  }
}

function policyOf(settingsJson: string): RetryPolicy {
  return { ...DEFAULT_RETRY_POLICY, ...(JSON.parse(settingsJson) as Partial<RetryPolicy>) };
}

export function withEnding(facts: Facts, ending: { status: JobStatus; outcome: Outcome; failures: number; losses: number }): void {
  facts.job = { ...facts.job, status: ending.status, failures: ending.failures, losses: ending.losses, cancel_requested_at: null };
  if (facts.attempt !== null) facts.attempt = { ...facts.attempt, outcome: ending.outcome };
}
