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

/**
 * The adopted attempt becomes the job's running one if it is newer than what the record has; an older one is kept as superseded. Two
 * executions of one attempt cannot both be it: the first is taken, the others are returned. `known`: all that is being judged now, which
 * follows.
 */
export async function adoptAttempts(tx: Transaction, adoptions: readonly Adoption[], known: ReadonlyMap<string, Facts>): Promise<Adoption[]> {
  if (adoptions.length === 0) return [];
  const taken = [...new Map(adoptions.toReversed().map((adoption) => [adoption.facts, adoption])).values()].toReversed();
  const newest = new Map<number, number>();
  for (const { facts } of taken) newest.set(facts.job.id, Math.max(facts.row.attempt, newest.get(facts.job.id) ?? facts.job.attempts));
  const isLive = ({ facts }: Adoption): boolean => facts.row.attempt > facts.job.attempts && facts.row.attempt === newest.get(facts.job.id);
  const live = taken.filter(isLive);
  for (const { facts } of live) await endOthers(tx, facts, known);
  await insertAdopted(tx, taken);
  for (const adoption of taken) {
    if (live.includes(adoption)) continue;
    const { facts } = adoption;
    await tx.sql.run(`update attempt set outcome = 'lost', recorded_at = ? where job_id = ? and attempt = ?`, [tx.now, facts.job.id, facts.row.attempt]);
    facts.attempt = { ...facts.attempt!, outcome: 'lost' };
  }
  for (const adoption of live) {
    const { facts, session } = adoption;
    await makeRunning(tx, adoption);
    for (const other of factsOfJob(known, facts.job.id)) other.job = facts.job;
    tx.event({
      kind: 'jobs_taken_back',
      experiment_id: facts.row.experiment_id,
      actor: agentActor(session),
      numbers: [facts.row.number],
      job_id: facts.row.job_id,
      data: { attempt: facts.row.attempt, reason: 'unknown to the restored record' },
    });
  }
  return adoptions.filter((adoption) => !taken.includes(adoption));
}

/** Whoever the backup thought to hold the job held an older attempt. */
async function endOthers(tx: Transaction, { job }: Facts, known: ReadonlyMap<string, Facts>): Promise<void> {
  await tx.sql.run(`update attempt set outcome = 'lost', recorded_at = ? where job_id = ? and outcome is null`, [tx.now, job.id]);
  await tx.sql.run(`delete from lease where job_id = ?`, [job.id]);
  for (const other of factsOfJob(known, job.id)) if (other.attempt?.outcome === null) other.attempt = { ...other.attempt, outcome: 'lost' };
}

function factsOfJob(known: ReadonlyMap<string, Facts>, jobId: number): Facts[] {
  return [...known.values()].filter(({ job }) => job.id === jobId);
}

async function insertAdopted(tx: Transaction, adoptions: readonly Adoption[]): Promise<void> {
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
  sendSets(tx.sql, [[hotStatements(tx.sql.dialect).insertAttempts, rows]]);
  for (const { session, facts, nonce, slot } of adoptions) {
    facts.row = { ...facts.row, nonce, worker_id: `${workerPrefix(session)}${slot}` };
    facts.attempt = { attempt: facts.row.attempt, revision: facts.job.revision, outcome: null };
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
  const remembered = await tx.sql.run('update job set forgotten_at = null where id = ? and forgotten_at is not null', [facts.job.id]);
  tx.count(facts.row.experiment_id, 'forgotten', -remembered);
  tx.count(facts.row.experiment_id, facts.job.status, -1);
  tx.count(facts.row.experiment_id, 'running', 1);
  facts.job = { ...facts.job, status: 'running', attempts: facts.row.attempt, cancel_requested_at: null };
}
