// What runs, both ways: an attempt that the agent lists and the record gave up may be taken back or must be revoked; a lease that
// the agent does not list is offered again, then released; one that it had listed before, or that left something here, and lost is lost.
import assert from 'node:assert/strict';

import { decideFinish, decideRunning } from '../core/attempt.ts';
import { NO_VARIABLES } from '../core/variables.ts';

import { adoptAttempts, type Adoption } from './adopt.ts';
import { findDeletedAttempts } from './deletions.ts';
import { deletedAmong } from './experiments.ts';
import { type Facts, isGenuine, judgeToken, loadFacts, Policies } from './attempt-facts.ts';
import { hotStatements, type LeaseRow } from './hot.ts';
import { sendSets } from './set-statement.ts';
import { findBegun } from './begun-leases.ts';
import { leaseToken } from './lease-token.ts';
import { type EndedAttempt, recordEnds } from './record.ts';
import type { HeldLeases } from './sync-reads.ts';
import { agentActor, correctedMoment, referenceKey, type RunningReport, type Session, type SyncTerms, workerPrefix } from './sync-session.ts';
import type { Transaction } from './writer.ts';

/** A lease that no sync listed is offered again for this long, then released. */
export const OFFER_MS = 30_000;

export async function reconcile(tx: Transaction, sessions: readonly Session[], { record, terms }: { record: HeldLeases; terms: SyncTerms }): Promise<void> {
  if (sessions.length === 0) return;
  const { leases, cancelled } = record;
  const fresh = sessions.filter((session) => !session.again);
  const byAgent = groupLeases(leases);
  await judgeListed(tx, fresh, byAgent, terms);
  await judgeMissing(tx, fresh, byAgent, terms);
  await revokeTaken(
    tx,
    sessions.filter((session) => session.again),
    byAgent,
    terms,
  );
  for (const { agent_id, job_id, attempt, rank } of cancelled) {
    const session = sessions.find((one) => one.agent.id === agent_id);
    if (session?.message.running.some((report) => report.job_id === job_id) === true)
      session.answer.revoked.push({ job_id, attempt, rank, reason: 'cancelled' });
  }
}

function groupLeases(leases: readonly LeaseRow[]): Map<number, LeaseRow[]> {
  const groups = new Map<number, LeaseRow[]>();
  for (const lease of leases) {
    const group = groups.get(lease.agent_id);
    if (group === undefined) groups.set(lease.agent_id, [lease]);
    else group.push(lease);
  }
  return groups;
}

/** Attempts that the agent lists: the usual case is a lease on record, and costs nothing after the first time. */
async function judgeListed(tx: Transaction, sessions: readonly Session[], byAgent: Map<number, LeaseRow[]>, terms: SyncTerms): Promise<void> {
  const acknowledged: (string | number)[][] = [];
  const started: (string | number)[][] = [];
  const strays: { session: Session; report: RunningReport }[] = [];
  for (const session of sessions) {
    const leases = new Map((byAgent.get(session.agent.id) ?? []).map((lease) => [referenceKey(lease), lease]));
    for (const report of session.message.running) {
      const lease = leases.get(referenceKey(report));
      if (lease === undefined) {
        strays.push({ session, report });
        continue;
      }
      const level = report.started_at === null ? 1 : 2;
      if (lease.acknowledged >= level) continue;
      acknowledged.push([lease.job_id, lease.rank, level]);
      if (report.started_at !== null) started.push([lease.job_id, lease.attempt, lease.rank, correctedMoment(session, report.started_at, tx.now)!]);
    }
  }
  const hot = hotStatements(tx.sql.dialect);
  sendSets(tx.sql, [
    [hot.acknowledgeLeases, acknowledged],
    [hot.startAttempts, started],
  ]);
  if (strays.length > 0) await judgeStrays(tx, strays, terms);
}

/** Attempts that the agent lists and the record does not have as leased to it. */
async function judgeStrays(tx: Transaction, strays: readonly { session: Session; report: RunningReport }[], terms: SyncTerms): Promise<void> {
  const facts = await loadFacts(
    tx,
    strays.map(({ report }) => report),
  );
  const missing = strays.filter(({ report }) => !facts.has(referenceKey(report))).map(({ report }) => report);
  const deleted = await findDeletedAttempts(tx, terms.key, missing);
  const deletedExperiments = await deletedAmong(
    tx,
    [...facts.values()].map((known) => known.row.experiment_id),
  );
  const adoptions: Adoption[] = [];
  for (const { session, report } of strays) {
    const known = facts.get(referenceKey(report));
    const name = { job_id: report.job_id, attempt: report.attempt, rank: report.rank };
    const verdict = known === undefined ? 'foreign' : judgeToken(terms.key, known, report.token);
    if (known === undefined && deleted.has(referenceKey(report))) session.answer.revoked.push({ ...name, reason: 'deleted' });
    else if (known === undefined || verdict === 'foreign' || verdict.kind === 'foreign') session.answer.unknown.push(name);
    else if (deletedExperiments.has(known.row.experiment_id)) session.answer.revoked.push({ ...name, reason: 'deleted' });
    else if (verdict.kind === 'replaced') session.answer.revoked.push({ ...name, reason: 'superseded' });
    else if (verdict.kind === 'unrecorded') {
      if (mayAdopt(known, report)) adoptions.push({ session, facts: known, nonce: verdict.nonce, slot: report.slot, started_at: report.started_at });
      else session.answer.revoked.push({ ...name, reason: 'superseded' });
    } else await judgeGivenUp(tx, session, report, known);
  }
  for (const { session, facts: of } of await adoptAttempts(tx, adoptions, facts)) {
    session.answer.revoked.push({ job_id: of.row.job_id, attempt: of.row.attempt, rank: of.row.rank, reason: 'superseded' });
  }
}

/** What was taken from an agent while its sync hung, by a forced cancel for example, is told at once. Everything else waits for its next sync. */
async function revokeTaken(tx: Transaction, sessions: readonly Session[], byAgent: Map<number, LeaseRow[]>, terms: SyncTerms): Promise<void> {
  const strays = sessions.flatMap((session) => {
    const leases = new Set((byAgent.get(session.agent.id) ?? []).map(referenceKey));
    return session.message.running.filter((report) => !leases.has(referenceKey(report))).map((report) => ({ session, report }));
  });
  const facts = await loadFacts(
    tx,
    strays.map(({ report }) => report),
  );
  for (const { session, report } of strays) {
    const known = facts.get(referenceKey(report));
    if (!isGenuine(terms.key, known, report) || decideRunning(known.job, known.attempt!) !== 'revoke') continue;
    session.answer.revoked.push({ job_id: report.job_id, attempt: report.attempt, rank: report.rank, reason: 'superseded' });
  }
}

/** An attempt that the record lacks counts if it is newer than what the record has: a job that had ended was then queued again. */
function mayAdopt(facts: Facts, report: RunningReport): boolean {
  return report.attempt > facts.job.attempts;
}

async function judgeGivenUp(tx: Transaction, session: Session, report: RunningReport, facts: Facts): Promise<void> {
  const name = { job_id: report.job_id, attempt: report.attempt, rank: report.rank };
  const decision = decideRunning(facts.job, facts.attempt!);
  if (decision === 'revoke') session.answer.revoked.push({ ...name, reason: 'superseded' });
  // Live, but leased to another agent: a copy of this agent's files runs elsewhere. Neither is stopped; the first end counts.
  if (decision === 'live') session.answer.unknown.push(name);
  if (decision !== 'take_back') return;
  const worker = `${workerPrefix(session)}${report.slot}`;
  await tx.sql.run(
    `update attempt set outcome = null, finished_at = null, recorded_at = null, retry_at = null, message = null where job_id = ? and attempt = ? and rank = ?`,
    [report.job_id, report.attempt, report.rank],
  );
  await tx.sql.run(
    `update job set status = 'running', outcome = null, message = null, finished_at = null, duration_ms = null, not_before = null, losses = losses - ?, worker_id = ?
      where id = ? and status = 'pending'`,
    [facts.attempt!.outcome === 'lost' && facts.job.losses > 0 ? 1 : 0, worker, report.job_id],
  );
  const lease = [report.job_id, report.attempt, report.rank, session.agent.id, workerPrefix(session), report.slot, tx.now, session.message.sync_seq, 1];
  sendSets(tx.sql, [[hotStatements(tx.sql.dialect).insertLeases, [lease]]]);
  // Another agent with a copy of the same files may tell of it in this very commit: to that one the attempt is live.
  facts.job = { ...facts.job, status: 'running' };
  facts.attempt = { ...facts.attempt!, outcome: null };
  tx.count(facts.row.experiment_id, 'pending', -1);
  tx.count(facts.row.experiment_id, 'running', 1);
  tx.event({
    kind: 'jobs_taken_back',
    experiment_id: facts.row.experiment_id,
    actor: agentActor(session),
    numbers: [facts.row.number],
    job_id: report.job_id,
    data: { attempt: report.attempt },
  });
}

/** Leases that the agent does not list, judged only by what earlier replies could have told it. */
async function judgeMissing(tx: Transaction, sessions: readonly Session[], byAgent: Map<number, LeaseRow[]>, terms: SyncTerms): Promise<void> {
  const missing: { session: Session; lease: LeaseRow }[] = [];
  for (const session of sessions) {
    const settled = new Set(session.answer.settled.map(referenceKey));
    const listed = new Set(session.message.running.map(referenceKey));
    for (const lease of byAgent.get(session.agent.id) ?? []) {
      if (!listed.has(referenceKey(lease)) && !settled.has(referenceKey(lease))) missing.push({ session, lease });
    }
  }
  if (missing.length === 0) return;
  const facts = await loadFacts(
    tx,
    missing.map(({ lease }) => lease),
  );
  const begun = await findBegun(
    tx,
    missing.map(({ lease }) => lease),
  );
  const judging = { policies: new Policies(tx), terms };
  const ends: EndedAttempt[] = [];
  for (const { session, lease } of missing) {
    const found = { session, lease, facts: facts.get(referenceKey(lease))!, begun: begun.has(referenceKey(lease)) };
    // Ended meanwhile in this transaction: an adopted attempt took its place.
    if (found.facts.attempt?.outcome !== null) continue;
    if (!found.begun && isSameProcess(session) && tx.now - lease.granted_at < (terms.offer_ms ?? OFFER_MS)) await offerAgain(tx, found, terms);
    else ends.push(await giveUp(tx, found, judging));
  }
  recordEnds(tx, ends);
}

/**
 * Whether the leases on record were given to the process that speaks now. What an earlier one was given it may have begun before its machine
 * lost power, and its output may still be on the way: that must not be mixed with the output of another execution.
 */
function isSameProcess({ agent, message }: Session): boolean {
  return agent.incarnation === message.incarnation;
}

interface MissingLease {
  readonly session: Session;
  readonly lease: LeaseRow;
  readonly facts: Facts;
  /** The agent had this job once. */
  readonly begun: boolean;
}

async function offerAgain(tx: Transaction, { session, lease, facts }: MissingLease, terms: SyncTerms): Promise<void> {
  const [job] = await tx.sql.all<{ params_json: string; command_id: number | null; timeout_seconds: number | null; grace_seconds: number | null }>(
    'select params_json, command_id, timeout_seconds, grace_seconds from job where id = ?',
    [lease.job_id],
  );
  const subject = { job_id: lease.job_id, created_at: facts.row.created_at, attempt: lease.attempt, rank: lease.rank };
  session.answer.leases.push({
    job_id: lease.job_id,
    experiment_id: facts.row.experiment_id,
    number: facts.row.number,
    attempt: lease.attempt,
    rank: lease.rank,
    token: leaseToken(terms.key, subject, facts.row.nonce!),
    slot: lease.slot,
    ...job!,
    experiment: '',
    template: null,
    machine: '',
    variables: NO_VARIABLES,
    secrets: {},
  });
}

async function giveUp(
  tx: Transaction,
  { lease, facts, begun }: MissingLease,
  { policies, terms }: { policies: Policies; terms: SyncTerms },
): Promise<EndedAttempt> {
  const policy = await policies.of(facts.row.experiment_id, facts.row.max_attempts);
  const ending = decideFinish({ job: facts.job, attempt: facts.attempt!, outcome: begun ? 'lost' : 'released', policy, now: tx.now, random: terms.random() });
  assert(ending.kind === 'ended', 'a lease stands for a live attempt');
  return {
    job_id: lease.job_id,
    attempt: lease.attempt,
    rank: lease.rank,
    experiment_id: facts.row.experiment_id,
    number: facts.row.number,
    worker_id: lease.worker_id,
    from_status: facts.job.status,
    held: facts.row.held_at !== null,
    ending,
    started_at: null,
    finished_at: tx.now,
    duration_ms: null,
    exit_code: null,
    signal: null,
    message: begun ? 'The agent no longer has this job.' : 'The agent never took this job.',
    actor: 'server',
  };
}
