// What ended, as agents report it: recorded once, told again without harm, kept as evidence when it no longer counts.
import { decideFinish } from '../core/attempt.ts';
import { LIMITS } from '../core/limits.ts';

import { adoptAttempts, type Adoption } from './adopt.ts';
import { findDeletedAttempts } from './deletions.ts';
import { type Facts, judgeToken, Policies, withEnding } from './attempt-facts.ts';
import { hotStatements } from './hot.ts';
import { sendSets } from './set-statement.ts';
import { type EndedAttempt, recordEnds } from './record.ts';
import type { Ended, FirstReads } from './sync-reads.ts';
import { agentActor, correctedMoment, type FinishedReport, referenceKey, type Session, type SyncTerms } from './sync-session.ts';
import type { Transaction } from './writer.ts';

export async function recordFinished(tx: Transaction, sessions: readonly Session[], { first, terms }: { first: FirstReads; terms: SyncTerms }): Promise<Ended> {
  const reports = sessions.filter(({ again }) => !again).flatMap((session) => session.message.finished.map((report) => ({ session, report })));
  if (reports.length === 0) return { ends: [], adopted: false };
  const { facts } = first;
  const adopted = await adoptUnrecorded(tx, reports, facts, terms);
  const missing = reports.filter(({ report }) => !facts.has(referenceKey(report))).map(({ report }) => report);
  const deleted = await findDeletedAttempts(tx, terms.key, missing);
  const policies = new Policies(tx, first.demands);
  await policies.load([...facts.values()].map(({ row }) => row.experiment_id));
  const evidence: (string | number | null)[][] = [];
  const forgotten: Forgotten[] = [];
  const recorded: EndedAttempt[] = [];
  // By job: what all agents tell goes in as one set, unless two of them tell of the same job.
  const ends = new Map<number, EndedAttempt>();
  for (const { session, report } of reports) {
    const end = settle(tx, { session, report, facts: facts.get(referenceKey(report)), deleted, policies, terms, evidence, forgotten });
    if (end === null) continue;
    if (ends.has(end.job_id)) {
      recordEnds(tx, [...ends.values()]);
      ends.clear();
    }
    ends.set(end.job_id, end);
    recorded.push(end);
  }
  recordEnds(tx, [...ends.values()]);
  sendSets(tx.sql, [[hotStatements(tx.sql.dialect).lateEvidence, evidence]]);
  for (const one of forgotten) await tellForgotten(tx, one);
  return { ends: recorded, adopted };
}

/** After a restore the record may lack attempts that ran on: they are taken into it before their end is judged. Says whether there were any. */
async function adoptUnrecorded(
  tx: Transaction,
  reports: readonly { session: Session; report: FinishedReport }[],
  facts: Map<string, Facts>,
  terms: SyncTerms,
): Promise<boolean> {
  const adoptions: Adoption[] = [];
  for (const { session, report } of reports) {
    const known = facts.get(referenceKey(report));
    if (known === undefined || known.attempt !== null) continue;
    const verdict = judgeToken(terms.key, known, report.token);
    if (verdict.kind === 'unrecorded') adoptions.push({ session, facts: known, nonce: verdict.nonce, slot: 0, started_at: report.started_at });
  }
  await adoptAttempts(tx, adoptions, facts);
  return adoptions.length > 0;
}

interface Settling {
  readonly session: Session;
  readonly report: FinishedReport;
  readonly facts: Facts | undefined;
  /** Attempts of jobs that were deleted. */
  readonly deleted: ReadonlySet<string>;
  readonly policies: Policies;
  readonly terms: SyncTerms;
  readonly evidence: (string | number | null)[][];
  readonly forgotten: Forgotten[];
}

/** An execution of which the restored record knows nothing, though it has another one of the same number. */
interface Forgotten {
  readonly session: Session;
  readonly report: FinishedReport;
  readonly facts: Facts;
  readonly nonce: string;
}

function settle(tx: Transaction, settling: Settling): EndedAttempt | null {
  const { session, report, facts, policies, terms } = settling;
  const name = { job_id: report.job_id, attempt: report.attempt, rank: report.rank };
  if (facts === undefined && settling.deleted.has(referenceKey(report))) {
    session.answer.revoked.push({ ...name, reason: 'deleted' });
    return null;
  }
  // Not on this server's record at all: the agent keeps it, for the server that gave it out.
  const verdict = facts === undefined ? null : judgeToken(terms.key, facts, report.token);
  if (facts === undefined || facts.attempt === null || verdict === null || verdict.kind === 'foreign') {
    session.answer.unknown.push(name);
    return null;
  }
  if (verdict.kind === 'replaced') {
    settling.forgotten.push({ session, report, facts, nonce: verdict.nonce });
    session.answer.settled.push({ ...name, result: 'evidence' });
    return null;
  }
  const decision = decideFinish({
    job: facts.job,
    attempt: facts.attempt,
    outcome: report.outcome,
    policy: policies.known(facts.row.experiment_id, facts.row.max_attempts),
    now: tx.now,
    random: terms.random(),
  });
  const message = report.message?.slice(0, LIMITS.message_characters.value) ?? null;
  if (decision.kind === 'repeated') session.answer.settled.push({ ...name, result: 'repeated' });
  if (decision.kind === 'evidence') {
    session.answer.settled.push({ ...name, result: 'evidence' });
    settling.evidence.push([report.job_id, report.attempt, report.rank, report.outcome, tx.now, report.exit_code, message]);
  }
  if (decision.kind !== 'ended') return null;
  session.answer.settled.push({ ...name, result: 'recorded' });
  const from_status = facts.job.status;
  withEnding(facts, decision);
  const finished_at = correctedMoment(session, report.finished_at, tx.now)!;
  const started_at = correctedMoment(session, report.started_at, tx.now);
  // Field by field: an object that begins with a spread costs several times as much, and this is made for every end.
  return {
    job_id: report.job_id,
    attempt: report.attempt,
    rank: report.rank,
    experiment_id: facts.row.experiment_id,
    number: facts.row.number,
    worker_id: facts.row.worker_id ?? '',
    from_status,
    held: facts.row.held_at !== null,
    ending: decision,
    started_at,
    finished_at,
    duration_ms: report.duration_ms ?? (started_at === null ? null : Math.max(0, finished_at - started_at)),
    exit_code: report.exit_code,
    signal: report.signal,
    message,
    actor: agentActor(session),
  };
}

/** How it ended is a fact of the job's history, once, and not of the attempt that has its number. */
async function tellForgotten(tx: Transaction, { session, report, facts, nonce }: Forgotten): Promise<void> {
  const { job_id, experiment_id, number } = facts.row;
  const before = await tx.sql.all<{ data_json: string }>(`select data_json from event where job_id = ? and kind = 'attempt_forgotten'`, [job_id]);
  if (before.some(({ data_json }) => (JSON.parse(data_json) as { execution: string }).execution === nonce)) return;
  const message = report.message?.slice(0, LIMITS.message_characters.value) ?? null;
  const data = { attempt: report.attempt, execution: nonce, outcome: report.outcome, exit_code: report.exit_code, message };
  tx.event({ kind: 'attempt_forgotten', experiment_id, actor: agentActor(session), numbers: [number], job_id, data });
}
