// Files of workers that speak JobDistributor's protocol: they name the job, and are heard of with it by that.
import { Refusal } from '../core/refusal.ts';

import { hearAssignment, referenceOf, requireBound } from './door-assignments.ts';
import { type DoorSender, doorWorkerOf, leaseOf } from './door-workers.ts';
import type { AttemptReference } from './attempt-proof.ts';
import type { ServerKey } from './server-key.ts';
import type { Transaction } from './writer.ts';

export interface DoorOwner {
  readonly reference: AttemptReference;
  readonly worker_id: string;
}

/** For which attempt somebody with this credential speaks who names this job. */
export async function hearOwner(tx: Transaction, sender: DoorSender, { key, number }: { key: ServerKey; number: number }): Promise<DoorOwner> {
  const assignment = await requireBound(tx, sender, number);
  const worker = await doorWorkerOf(tx, assignment.agent_id);
  if (worker === null || worker.revoked_at !== null) throw new Refusal('agent_revoked', `The worker that had job ${number} was revoked or forgotten.`);
  const lease = await leaseOf(tx, worker.agent_id);
  if (lease?.job_id === assignment.job_id && lease.attempt === assignment.attempt) {
    // From now on nobody takes it for an assignment that never arrived.
    await tx.sql.run('update lease set acknowledged = 2 where job_id = ? and rank = 0 and acknowledged < 2', [lease.job_id]);
    await tx.sql.run('update attempt set started_at = coalesce(started_at, claimed_at) where job_id = ? and attempt = ? and rank = 0', [
      lease.job_id,
      lease.attempt,
    ]);
    await tx.sql.run('update agent set heard_at = ?, term_started_at = ? where id = ?', [tx.now, tx.now, worker.agent_id]);
    await hearAssignment(tx, assignment, sender);
  }
  return { reference: referenceOf(key, assignment), worker_id: worker.worker_id };
}
