// Takes an attempt into the record that a restored backup does not know: its token proves that this server once gave it out.
import { type Facts } from './attempt-facts.ts';
import { hotStatements } from './hot.ts';
import { sendSets } from './set-statement.ts';
import { agentActor, correctedMoment, type Session, workerPrefix } from './sync-session.ts';
import type { Transaction } from './writer.ts';

export interface Adoption {
  readonly session: Session;
  readonly facts: Facts;
  readonly nonce: string;
  readonly slot: number;
  readonly started_at: string | null;
}

/** The adopted attempt becomes the job's running one if it is newer than what the record has; an older one is kept as superseded. */
export async function adoptAttempts(tx: Transaction, adoptions: readonly Adoption[]): Promise<void> {
  if (adoptions.length === 0) return;
  const hot = hotStatements(tx.sql.dialect);
  const newest = adoptions.filter(({ facts }) => facts.row.attempt > facts.job.attempts);
  for (const { facts } of newest) {
    // Whoever the backup thought to hold the job held an older attempt.
    await tx.sql.run(`update attempt set outcome = 'lost', recorded_at = ? where job_id = ? and outcome is null`, [tx.now, facts.job.id]);
    await tx.sql.run(`delete from lease where job_id = ?`, [facts.job.id]);
  }
  const rows = adoptions.map(({ session, facts, nonce, slot }) => [
    facts.row.job_id,
    facts.row.attempt,
    facts.row.rank,
    session.agent.id,
    workerPrefix(session),
    slot,
    facts.job.revision,
    nonce,
    tx.now,
  ]);
  sendSets(tx.sql, [[hot.insertAttempts, rows]]);
  for (const adoption of adoptions) {
    const { facts, session } = adoption;
    const live = newest.includes(adoption);
    facts.attempt = { attempt: facts.row.attempt, revision: facts.job.revision, outcome: live ? null : 'lost' };
    if (!live) {
      await tx.sql.run(`update attempt set outcome = 'lost', recorded_at = ? where job_id = ? and attempt = ?`, [tx.now, facts.job.id, facts.row.attempt]);
      continue;
    }
    await makeRunning(tx, adoption);
    tx.event({
      kind: 'jobs_taken_back',
      experiment_id: facts.row.experiment_id,
      actor: agentActor(session),
      numbers: [facts.row.number],
      job_id: facts.row.job_id,
      data: { attempt: facts.row.attempt, reason: 'unknown to the restored record' },
    });
  }
}

async function makeRunning(tx: Transaction, { facts, session, slot, started_at }: Adoption): Promise<void> {
  await tx.sql.run(
    `update job set status = 'running', attempts = ?, started_at = ?, finished_at = null, duration_ms = null, outcome = null, not_before = null, held_at = null, cancel_requested_at = null,
       message = null, worker_id = ? where id = ?`,
    [facts.row.attempt, correctedMoment(session, started_at, tx.now) ?? tx.now, `${workerPrefix(session)}${slot}`, facts.job.id],
  );
  const lease = [facts.row.job_id, facts.row.attempt, facts.row.rank, session.agent.id, workerPrefix(session), slot, tx.now, session.message.sync_seq, 1];
  sendSets(tx.sql, [[hotStatements(tx.sql.dialect).insertLeases, [lease]]]);
  tx.count(facts.row.experiment_id, facts.job.status, -1);
  tx.count(facts.row.experiment_id, 'running', 1);
  facts.job = { ...facts.job, status: 'running', attempts: facts.row.attempt, cancel_requested_at: null };
}
