// Ends every live attempt of some agents at once, because the server knows that they will not report: they are lost, or have left.
import assert from 'node:assert/strict';

import { decideFinish } from '../core/attempt.ts';

import { loadFacts, Policies } from './attempt-facts.ts';
import type { LeaseRow } from './hot.ts';
import { type EndedAttempt, recordEnds } from './record.ts';
import { valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

export interface LeaseEnd {
  readonly outcome: 'lost' | 'released';
  readonly message: string;
}

/** The jobs go back to the queue, or are aborted when they were lost too often. */
export async function endLeases(tx: Transaction, agentIds: readonly number[], { outcome, message }: LeaseEnd): Promise<void> {
  if (agentIds.length === 0) return;
  const leases = await tx.sql.all<LeaseRow>(`select * from lease where agent_id in ${valueSet(tx.sql.dialect, 'int')}`, [JSON.stringify(agentIds)]);
  const facts = await loadFacts(tx, leases);
  const policies = new Policies(tx);
  const ends: EndedAttempt[] = [];
  for (const lease of leases) {
    const known = facts.get(`${lease.job_id}.${lease.attempt}.${lease.rank}`);
    assert(known !== undefined && known.attempt !== null, 'a lease stands for an attempt');
    const policy = await policies.of(known.row.experiment_id, known.row.max_attempts);
    const ending = decideFinish({ job: known.job, attempt: known.attempt, outcome, policy, now: tx.now, random: 0 });
    assert(ending.kind === 'ended', 'a lease stands for a live attempt');
    ends.push({
      job_id: lease.job_id,
      attempt: lease.attempt,
      rank: lease.rank,
      experiment_id: known.row.experiment_id,
      number: known.row.number,
      worker_id: lease.worker_id,
      from_status: known.job.status,
      held: known.row.held_at !== null,
      ending,
      started_at: null,
      finished_at: tx.now,
      duration_ms: null,
      exit_code: null,
      signal: null,
      message,
      actor: 'server',
    });
  }
  await recordEnds(tx, ends);
}
