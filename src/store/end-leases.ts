// Ends every live attempt of some agents at once, because the server knows that they will not report: they are lost, or have left.
import { decideFinish } from '../core/attempt.ts';

import { loadFacts, Policies } from './attempt-facts.ts';
import { findBegun } from './begun-leases.ts';
import type { LeaseRow } from './hot.ts';
import { type EndedAttempt, recordEnds } from './record.ts';
import { valueSet } from './sql.ts';
import { referenceKey } from './sync-session.ts';
import type { Transaction } from './writer.ts';

export interface LeaseEnd {
  readonly outcome: 'lost' | 'released';
  readonly message: string;
  /** Left out: all that these agents hold. */
  readonly concerns?: (agentId: number, experimentId: number) => boolean;
}

/** The jobs go back to the queue, or are aborted when they were lost too often. */
export async function endLeases(tx: Transaction, agentIds: readonly number[], { outcome, message, concerns }: LeaseEnd): Promise<void> {
  if (agentIds.length === 0) return;
  const leases = await tx.sql.all<LeaseRow>(`select * from lease where agent_id in ${valueSet(tx.sql.dialect, 'int')}`, [JSON.stringify(agentIds)]);
  const facts = await loadFacts(tx, leases);
  const begun = await findBegun(tx, leases);
  const policies = new Policies(tx);
  const ends: EndedAttempt[] = [];
  for (const lease of leases) {
    const known = facts.get(referenceKey(lease));
    if (known === undefined || known.attempt === null) {
      // Without its job or attempt a lease stands for nothing; one such row must not keep the others from being judged.
      await tx.sql.run('delete from lease where job_id = ? and rank = ?', [lease.job_id, lease.rank]);
      continue;
    }
    if (concerns?.(lease.agent_id, known.row.experiment_id) === false) continue;
    const policy = await policies.of(known.row.experiment_id, known.row.max_attempts);
    // What the agent never had is no loss.
    const said = begun.has(referenceKey(lease)) ? outcome : 'released';
    const ending = decideFinish({ job: known.job, attempt: known.attempt, outcome: said, policy, now: tx.now, random: 0 });
    if (ending.kind !== 'ended') {
      await tx.sql.run('delete from lease where job_id = ? and rank = ?', [lease.job_id, lease.rank]);
      continue;
    }
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
  recordEnds(tx, ends);
}
