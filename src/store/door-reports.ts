// How an attempt ended, as a worker reports it that speaks JobDistributor's protocol: it names the job and nothing else. And workers that are stopped on their
// own machine.
import { WORKER_ID_IN_TEXT } from '../core/identifiers.ts';
import { Refusal } from '../core/refusal.ts';
import { toIso } from '../runtime/clock.ts';

import { leaveAgent } from './agents.ts';
import { loadFacts } from './attempt-facts.ts';
import { boundAssignment, type DoorAssignment, jobByNumber, quitAssignment, quitAssignments, referenceOf } from './door-assignments.ts';
import { isToldToGo, killDoorWorker } from './door-control.ts';
import { DOOR_INCARNATION, type DoorSender, doorWorkerOf, doorWorkersCalled, findDoorWorker, leaseOf } from './door-workers.ts';
import { hotStatements, selectRows } from './hot.ts';
import { recordFinished } from './sync-finish.ts';
import { type FinishedReport, referenceKey, type Session, type SyncAgent, type SyncAnswer, type SyncMessage, type SyncTerms } from './sync-session.ts';
import type { Transaction } from './writer.ts';

export interface DoorReport {
  readonly number: number;
  readonly succeeded: boolean;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly message: string | null;
}

type Terms = Pick<SyncTerms, 'store_id' | 'key' | 'random'>;

/** Refuses what is not of the attempt that speaks for the job; that is kept as evidence of its own. */
export async function recordReport(tx: Transaction, sender: DoorSender, { report, terms }: { report: DoorReport; terms: Terms }): Promise<ReportResult> {
  const job = await jobByNumber(tx, sender.experiment_id, report.number);
  if (job === null) throw new Refusal('job_not_found', `There is no job ${report.number} in this experiment.`);
  const assignment = await assignmentOf(tx, sender, { report, job_id: job.id });
  const worker = await doorWorkerOf(tx, assignment.agent_id);
  if (worker === null) throw new Refusal('lease_lost', `The worker that had job ${report.number} was forgotten.`);
  if (worker.revoked_at !== null) throw new Refusal('agent_revoked', `The worker ${worker.worker_id} was revoked.`);
  const answer = await settle(tx, { assignment, report, terms, isEnding: worker.kill_version === worker.desired_version });
  await quitAssignment(tx, assignment);
  if (worker.left_at === null && worker.liveness !== 'lost') {
    await tx.sql.run('update agent set heard_at = ?, term_started_at = ? where id = ?', [tx.now, tx.now, worker.agent_id]);
    // Told to go and heard, it goes now, without another word.
    const goes = isToldToGo(worker) && worker.applied_version === worker.desired_version && (await leaseOf(tx, worker.agent_id)) === null;
    if (goes && worker.kill_version !== worker.desired_version)
      await leaveAgent(tx, worker.agent_id, DOOR_INCARNATION, worker.desired_state === 'stop' ? 'stopped' : 'drained');
  }
  const [settled] = answer.settled;
  if (settled !== undefined) return settled.result;
  return answer.revoked.length > 0 ? 'deleted' : 'unknown';
}

/** As a sync settles an end; `evidence` does not speak for the job any more. */
export type ReportResult = SyncAnswer['settled'][number]['result'] | 'deleted' | 'unknown';

async function assignmentOf(tx: Transaction, sender: DoorSender, { report, job_id }: { report: DoorReport; job_id: number }): Promise<DoorAssignment> {
  // A note of success names its worker.
  const names = report.succeeded ? [...new Set((report.message ?? '').match(WORKER_ID_IN_TEXT) ?? [])].slice(0, MOST_NAMES) : [];
  const named = await doorWorkersCalled(tx, sender.experiment_id, names);
  const found = await boundAssignment(tx, sender, job_id, named.length === 0 ? null : named.map(({ agent_id }) => agent_id));
  if (found !== null) return found;
  throw new Refusal('lease_lost', `Job ${report.number} was not given to ${named.length === 0 ? 'a worker with this credential' : named[0]!.told_id}.`);
}

const MOST_NAMES = 20;

interface Settling {
  readonly assignment: DoorAssignment;
  readonly report: DoorReport;
  readonly terms: Terms;
  /** The worker was told to end its job. */
  readonly isEnding: boolean;
}

async function settle(tx: Transaction, { assignment, report, terms, isEnding }: Settling): Promise<SyncAnswer> {
  const { agent_id, claimed_at } = assignment;
  const reference = referenceOf(terms.key, assignment);
  const facts = await loadFacts(tx, [reference]);
  const isCancelled = isEnding && facts.get(referenceKey(reference))?.job.cancel_requested_at !== null;
  const finished: FinishedReport = {
    ...reference,
    ...{
      outcome: report.succeeded ? 'succeeded' : isCancelled ? 'cancelled' : 'failed',
      exit_code: report.exit_code,
      signal: report.signal,
      message: report.message,
    },
    ...{ started_at: toIso(claimed_at), finished_at: toIso(tx.now), duration_ms: Math.max(0, tx.now - claimed_at) },
  };
  const [agent] = await selectRows<SyncAgent>(tx.sql, hotStatements(tx.sql.dialect).agents, [JSON.stringify([agent_id])]);
  const message: SyncMessage = {
    ...{ agent_id, incarnation: DOOR_INCARNATION, sync_seq: agent!.sync_seq, sent_at: toIso(tx.now), store_id: null, store_position: null },
    ...{ free_slots: [], ahead_slots: [], free: { cpus: 0, memory_bytes: 0, gpus: 0 }, has_script: true, workers: [], running: [], finished: [finished] },
  };
  const answer: SyncAnswer = { superseded: false, position: 0, leases: [], settled: [], revoked: [], unknown: [], workers: [], driven: null };
  const session: Session = { message, agent: agent!, answer, driven: [], skew_ms: 0, again: false };
  const first = { agents: new Map([[agent_id, agent!]]), position: 0, facts, demands: [], leases: [], cancelled: [] };
  await recordFinished(tx, [session], { first, terms: { ...terms, next_sync_within_ms: 0 } });
  return answer;
}

export interface StoppedWorker {
  readonly told_id: string;
  readonly reason: string;
}

/** Whether it had a job, which is given back: its process is ended by its own machine. Null: there is no such worker. */
export async function stopDoorWorker(tx: Transaction, sender: DoorSender, { told_id, reason }: StoppedWorker): Promise<{ had_job: boolean } | null> {
  const worker = await findDoorWorker(tx, sender.experiment_id, told_id);
  if (worker === null) return null;
  await quitAssignments(tx, worker.agent_id, []);
  if (worker.left_at !== null || worker.liveness === 'lost') return { had_job: false };
  const had_job = (await leaseOf(tx, worker.agent_id)) !== null;
  await killDoorWorker(tx, worker, { reason, actor: sender.actor });
  await leaveAgent(tx, worker.agent_id, DOOR_INCARNATION, reason);
  return { had_job };
}
