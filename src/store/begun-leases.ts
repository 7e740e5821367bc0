// Whether a lease was ever more than an offer: told by its agent, or by what came of it.
import type { LeaseRow } from './hot.ts';
import { rowSet } from './sql.ts';
import { type AttemptName, referenceKey } from './sync-session.ts';
import type { Transaction } from './writer.ts';

/** Traces of an attempt that runs or ran. */
const LEFT_SOMETHING = ['log_chunk c where', 'artifact c where', 'attempt c where c.metrics_end > 0 and']
  .map((part) => `exists (select 1 from ${part} c.job_id = v.job_id and c.attempt = v.attempt and c.rank = v.rank)`)
  .join(' or ');

/**
 * Leases that their agent had listed, or of which output came though no sync told of them, before a loss of power made it forget them. To
 * offer such a lease again would put the output of two executions into one attempt.
 */
export async function findBegun(tx: Transaction, leases: readonly LeaseRow[]): Promise<Set<string>> {
  const begun = new Set(leases.filter((lease) => lease.acknowledged > 0).map(referenceKey));
  const unheard = leases.filter((lease) => lease.acknowledged === 0).map((lease) => [lease.job_id, lease.attempt, lease.rank]);
  if (unheard.length === 0) return begun;
  const names = rowSet(tx.sql.dialect, { job_id: 'int', attempt: 'int', rank: 'int' });
  const rows = await tx.sql.all<AttemptName>(`select v.job_id, v.attempt, v.rank from ${names} as v where ${LEFT_SOMETHING}`, [JSON.stringify(unheard)]);
  for (const row of rows) begun.add(referenceKey(row));
  return begun;
}
