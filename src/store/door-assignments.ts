// What was given to workers that show no lease token: who speaks for an attempt, and which jobs must not go to whom for now.
import { type Assignment, COPY_MS, mayStillReport, speaker } from '../core/old-client.ts';
import { Refusal } from '../core/refusal.ts';

import { leaseToken } from './lease-token.ts';
import type { ServerKey } from './server-key.ts';
import type { AttemptReference } from './attempt-proof.ts';
import type { DoorSender } from './door-workers.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

export interface DoorAssignment extends Assignment {
  readonly job_id: number;
  readonly attempt: number;
  readonly agent_id: number;
  readonly number: number;
  readonly nonce: string;
  readonly created_at: number;
  readonly claimed_at: number;
}

const SELECT = `select d.job_id, d.attempt, d.agent_id, d.token_id, d.key_id, d.token_ends_at, d.heard_at, d.quit_at,
    job.number, job.created_at, attempt.nonce, attempt.claimed_at
  from door_assignment d join job on job.id = d.job_id join attempt on attempt.job_id = d.job_id and attempt.attempt = d.attempt and attempt.rank = 0`;

export function referenceOf(key: ServerKey, { job_id, attempt, created_at, nonce }: DoorAssignment): AttemptReference {
  return { job_id, attempt, rank: 0, token: leaseToken(key, { job_id, created_at, attempt, rank: 0 }, nonce) };
}

/** The newest that this worker was given of a job. */
export async function assignmentOfWorker(tx: Transaction, agentId: number, jobId: number): Promise<DoorAssignment | null> {
  const [row] = await tx.sql.all<DoorAssignment>(`${SELECT} where d.job_id = ? and d.agent_id = ? order by d.attempt desc limit 1`, [jobId, agentId]);
  return row ?? null;
}

export interface Claimed {
  readonly id: number;
  readonly number: number;
}

export async function jobByNumber(tx: Transaction, experimentId: number, number: number): Promise<Claimed | null> {
  const [row] = await tx.sql.all<Claimed>(`select id, number from job where experiment_id = ? and number = ?`, [experimentId, number]);
  return row ?? null;
}

/** Of whom a message speaks that names only a job: the newest attempt that was given to somebody with this credential. `among`: only these workers. */
export async function boundAssignment(
  tx: Transaction,
  sender: DoorSender,
  jobId: number,
  among: readonly number[] | null = null,
): Promise<DoorAssignment | null> {
  const rows = await tx.sql.all<DoorAssignment>(`${SELECT} where d.job_id = ? order by d.attempt desc`, [jobId]);
  const open = among === null ? rows : rows.filter((row) => among.includes(row.agent_id));
  const own = open.find((row) => speaker(row, sender) === 'holder');
  if (own !== undefined) return own;
  const next = open.find((row) => speaker(row, sender) === 'successor');
  if (next === undefined) return null;
  const [other] = await tx.sql.all('select 1 from door_worker where token_id = ? and agent_id <> ? limit 1', [sender.token_id, next.agent_id]);
  return other === undefined ? next : null;
}

export async function requireBound(tx: Transaction, sender: DoorSender, number: number): Promise<DoorAssignment> {
  const job = await jobByNumber(tx, sender.experiment_id, number);
  if (job === null) throw new Refusal('job_not_found', `There is no job ${number} in this experiment.`);
  const found = await boundAssignment(tx, sender, job.id);
  if (found !== null) return found;
  throw new Refusal('lease_lost', `Job ${number} was not given to a worker with this credential.`);
}

export async function rememberAssignment(tx: Transaction, given: { job_id: number; attempt: number; agent_id: number }, sender: DoorSender): Promise<void> {
  await tx.sql.run(
    `insert into door_assignment (job_id, attempt, agent_id, token_id, key_id, token_ends_at, heard_at, quit_at) values (?, ?, ?, ?, ?, ?, ?, null)`,
    [given.job_id, given.attempt, given.agent_id, sender.token_id, sender.key_id, sender.ends_at, tx.now],
  );
}

/** The holder was heard of with this attempt, perhaps by another token than before. */
export async function hearAssignment(tx: Transaction, { job_id, attempt }: { job_id: number; attempt: number }, sender: DoorSender): Promise<void> {
  await tx.sql.run('update door_assignment set heard_at = ?, token_id = ?, key_id = ?, token_ends_at = ?, quit_at = null where job_id = ? and attempt = ?', [
    ...[tx.now, sender.token_id, sender.key_id, sender.ends_at],
    ...[job_id, attempt],
  ]);
}

/** The worker has none of its former jobs any more, except these. */
export async function quitAssignments(tx: Transaction, agentId: number, except: readonly { job_id: number; attempt: number }[]): Promise<void> {
  const open = await tx.sql.all<{ job_id: number; attempt: number }>('select job_id, attempt from door_assignment where agent_id = ? and quit_at is null', [
    agentId,
  ]);
  for (const { job_id, attempt } of open) {
    if (except.some((one) => one.job_id === job_id && one.attempt === attempt)) continue;
    await quitAssignment(tx, { job_id, attempt });
  }
}

export async function quitAssignment(tx: Transaction, { job_id, attempt }: { job_id: number; attempt: number }): Promise<void> {
  await tx.sql.run('update door_assignment set quit_at = ? where job_id = ? and attempt = ?', [tx.now, job_id, attempt]);
}

/**
 * Jobs of which a report may still come from a worker with this credential. The running ones count too: one that its holder turns out to have
 * lost waits again in the same unit, and this worker must not be the next to get it.
 */
export async function barredJobs(tx: Transaction, tokenId: string): Promise<Set<number>> {
  const rows = await tx.sql.all<Assignment & { job_id: number }>(
    `select d.job_id, d.token_id, d.key_id, d.token_ends_at, d.heard_at, d.quit_at from door_assignment d join job on job.id = d.job_id
        where d.token_id = ? and d.quit_at is null and job.status in ('pending', 'running')
      union all
      select d.job_id, d.token_id, d.key_id, d.token_ends_at, d.heard_at, d.quit_at from door_assignment d join job on job.id = d.job_id
        where d.token_id = ? and d.quit_at >= ? and job.status in ('pending', 'running')`,
    [tokenId, tokenId, Math.floor(tx.passed.earliest(COPY_MS))],
  );
  return new Set(rows.filter((row) => mayStillReport(row, tx.now, (moment) => tx.passed.since(moment))).map((row) => row.job_id));
}

/** The other way round, for people to know: with which credentials a report of this job may still come. */
export async function barredTokens(reader: Pick<Reader, 'sql'>, jobId: number, now: number): Promise<Set<string>> {
  const rows = await reader.sql.all<Assignment>('select token_id, key_id, token_ends_at, heard_at, quit_at from door_assignment where job_id = ?', [jobId]);
  return new Set(rows.filter((row) => mayStillReport(row, now, (moment) => now - moment)).map((row) => row.token_id));
}
