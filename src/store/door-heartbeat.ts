// A heartbeat of a worker that speaks JobDistributor's protocol, said to the queue as a sync of its agent: what it runs, or that it is free.
// Nothing is guessed. An assignment of which nothing was heard is offered again; one that it was heard with and no longer names is lost.
import { CONFIRM_SECONDS, nextWithinMs, toldState, UNNAMED_MS } from '../core/old-client.ts';
import type { DesiredState } from '../core/worker.ts';
import { toIso } from '../runtime/clock.ts';

import { leaveAgent } from './agents.ts';
import {
  assignmentOfWorker,
  barredJobs,
  type DoorAssignment,
  hearAssignment,
  jobByNumber,
  quitAssignments,
  referenceOf,
  rememberAssignment,
} from './door-assignments.ts';
import {
  DOOR_INCARNATION,
  type DoorLease,
  type DoorSender,
  type DoorWorker,
  findDoorWorker,
  leaseOf,
  openDoorWorker,
  type ToldWorker,
} from './door-workers.ts';
import { isBeingEnded, isToldToGo, killDoorWorker, startAnew, toldVersion } from './door-control.ts';
import { syncAgents } from './sync.ts';
import type { AttemptReference } from './attempt-proof.ts';
import type { GrantedLease, SyncAnswer, SyncMessage, SyncTerms } from './sync-session.ts';
import type { Transaction } from './writer.ts';

export interface Heartbeat {
  readonly worker: ToldWorker;
  readonly is_busy: boolean;
  /** Number of the job that it says it runs. */
  readonly job: number | null;
  readonly applied_version: number;
  readonly metrics: Readonly<Record<string, number>> | null;
}

export interface HeartbeatAnswer {
  readonly worker_id: string;
  readonly desired_state: DesiredState;
  readonly desired_version: number;
  readonly applied_version: number;
  readonly job: { readonly number: number; readonly params_json: string } | null;
  /** What it says does not fit what was heard before: it is asked again soon. */
  readonly soon: boolean;
}

export interface DoorTerms {
  readonly sync: Omit<SyncTerms, 'next_sync_within_ms' | 'offer_ms'>;
  readonly nextWord: () => string;
}

interface Hearing {
  readonly sender: DoorSender;
  readonly heartbeat: Heartbeat;
  readonly worker: DoorWorker;
  readonly lease: DoorLease | null;
  readonly terms: DoorTerms;
}

export async function heartbeat(tx: Transaction, sender: DoorSender, { said, terms }: { said: Heartbeat; terms: DoorTerms }): Promise<HeartbeatAnswer> {
  const opened = await openDoorWorker(tx, sender, said.worker, terms.nextWord);
  const leaving = sayGoodbye(tx, opened, said);
  if (leaving !== null) return leaving;
  const lease = await leaseOf(tx, opened.agent_id);
  const worker = await startAnew(tx, opened, { applied: said.applied_version, is_working: said.is_busy || (lease !== null && lease.acknowledged > 0) });
  await noteFacts(tx, worker, { sender, said });
  const hearing = { sender, heartbeat: said, worker, lease, terms };
  const listed = said.is_busy ? await heardBusy(tx, hearing) : await heardIdle(tx, hearing);
  const answer = await sync(tx, hearing, listed);
  await endCancelled(tx, hearing, answer);
  const given = said.is_busy ? null : await grantOf(tx, hearing, answer);
  return reply(tx, hearing, { given, soon: listed.soon });
}

/** A worker that has left, and of which something comes that was sent before: the last word of one that was told to go, or of one that is being ended. */
function sayGoodbye(tx: Transaction, worker: DoorWorker, said: Heartbeat): HeartbeatAnswer | null {
  if (worker.left_at === null) return null;
  const hasApplied = said.applied_version > 0 && said.applied_version === toldVersion(worker);
  const isCopy = !said.is_busy && hasApplied && isToldToGo(worker);
  if (!isCopy && !isBeingEnded(tx, worker)) return null;
  return { ...controlOf(worker, said), job: null, soon: false };
}

function controlOf(worker: DoorWorker, { is_busy }: Heartbeat): Omit<HeartbeatAnswer, 'job' | 'soon'> {
  return {
    worker_id: worker.worker_id,
    desired_state: toldState(worker, is_busy),
    desired_version: toldVersion(worker),
    applied_version: Math.max(0, worker.applied_version - worker.base_version),
  };
}

async function noteFacts(tx: Transaction, worker: DoorWorker, { sender, said }: { sender: DoorSender; said: Heartbeat }): Promise<void> {
  const { machine_class, version } = said.worker;
  if (machine_class !== worker.machine_class || version !== worker.version) {
    await tx.sql.run('update agent set machine_class = ?, version = ? where id = ?', [machine_class, version, worker.agent_id]);
  }
  await tx.sql.run('update door_worker set token_id = ?, told_version = ? where agent_id = ?', [sender.token_id, said.applied_version, worker.agent_id]);
}

/** What the queue is told that the worker has. */
interface Listed {
  readonly running: readonly AttemptReference[];
  /** Nothing is known of what it holds, so it may be given something. */
  readonly free: boolean;
  readonly soon: boolean;
}

async function heardBusy(tx: Transaction, { sender, heartbeat: said, worker, lease, terms }: Hearing): Promise<Listed> {
  const found = said.job === null ? null : await assignmentByNumber(tx, { sender, worker, number: said.job });
  // What it has reported, or was heard without, is the past: the message was sent before.
  const named = found?.quit_at === null ? found : null;
  const running = named === null ? [] : [referenceOf(terms.sync.key, named)];
  const isLeased = named !== null && lease !== null && named.job_id === lease.job_id && named.attempt === lease.attempt;
  if (named !== null) await hearAssignment(tx, named, sender);
  if (isLeased) await setIdleSince(tx, worker, null);
  if (lease !== null && !isLeased) {
    // The message may have been sent before this job was given. What it does not name for long it does not have.
    const held = await assignmentOfWorker(tx, worker.agent_id, lease.job_id);
    if (held !== null && lease.acknowledged > 0 && tx.passed.since(held.heard_at) < UNNAMED_MS) running.push(referenceOf(terms.sync.key, held));
  }
  const has = [...(named === null ? [] : [named]), ...(lease === null ? [] : [lease])];
  await quitAssignments(tx, worker.agent_id, has);
  return { running, free: false, soon: false };
}

async function assignmentByNumber(tx: Transaction, asked: { sender: DoorSender; worker: DoorWorker; number: number }): Promise<DoorAssignment | null> {
  const job = await jobByNumber(tx, asked.sender.experiment_id, asked.number);
  return job === null ? null : assignmentOfWorker(tx, asked.worker.agent_id, job.id);
}

/**
 * An idle worker that was heard of with the job that it holds has lost its report, or is another process. But the message may also be a late copy,
 * from before the job was given: so it is asked a second time.
 */
async function heardIdle(tx: Transaction, { worker, lease, terms }: Hearing): Promise<Listed> {
  const held = lease === null ? null : await assignmentOfWorker(tx, worker.agent_id, lease.job_id);
  if (lease === null || held === null || lease.acknowledged === 0) {
    await quitAssignments(tx, worker.agent_id, lease === null ? [] : [lease]);
    return { running: [], free: true, soon: false };
  }
  const isSure = worker.idle_since !== null && tx.passed.since(worker.idle_since) >= (CONFIRM_SECONDS * 1000) / 2;
  if (isSure) {
    await quitAssignments(tx, worker.agent_id, []);
    await setIdleSince(tx, worker, null);
    return { running: [], free: true, soon: false };
  }
  if (worker.idle_since === null) await setIdleSince(tx, worker, tx.now);
  return { running: [referenceOf(terms.sync.key, held)], free: false, soon: true };
}

async function setIdleSince(tx: Transaction, worker: DoorWorker, since: number | null): Promise<void> {
  if (worker.idle_since !== since) await tx.sql.run('update door_worker set idle_since = ? where agent_id = ?', [since, worker.agent_id]);
}

const NO_RESOURCES = { cpus: 0, memory_bytes: 0, gpus: 0 };

async function sync(tx: Transaction, hearing: Hearing, { running, free }: Listed): Promise<SyncAnswer> {
  const { worker, heartbeat: said, sender, terms } = hearing;
  const message: SyncMessage = {
    ...{
      agent_id: worker.agent_id,
      incarnation: DOOR_INCARNATION,
      sync_seq: worker.sync_seq + 1,
      sent_at: toIso(tx.now),
      store_id: null,
      store_position: null,
    },
    ...{ free_slots: free ? [worker.slot] : [], ahead_slots: [], free: NO_RESOURCES, has_script: true, script_only: true },
    barred: free ? await barredJobs(tx, sender.token_id) : undefined,
    workers: said.applied_version > 0 ? [{ slot: worker.slot, applied_version: said.applied_version + worker.base_version, state: null }] : [],
    running: running.map((reference) => ({ ...reference, slot: worker.slot, started_at: toIso(tx.now) })),
    finished: [],
    ...(said.metrics === null ? {} : { metrics: said.metrics }),
  };
  // Its lease is offered until the agent itself is lost: an idle client may sleep for minutes.
  const own: SyncTerms = { ...terms.sync, next_sync_within_ms: nextWithinMs(said.is_busy), offer_ms: Infinity };
  const [result] = await syncAgents(tx, [{ message, again: false }], own);
  if (typeof result !== 'object') throw new Error(`a worker of a door was not heard: ${result ?? 'nothing'}`);
  return result;
}

/** The only word that ends the job of such a client is the one that ends the client as well. */
async function endCancelled(tx: Transaction, { heartbeat: said, worker }: Hearing, { revoked }: SyncAnswer): Promise<void> {
  if (!said.is_busy || said.job === null) return;
  for (const { job_id, attempt, reason } of revoked) {
    const [job] = await tx.sql.all<{ number: number; attempts: number; outcome: string | null }>('select number, attempts, outcome from job where id = ?', [
      job_id,
    ]);
    const isCancelled = reason === 'cancelled' || (job?.outcome === 'cancelled' && job.attempts === attempt);
    if (job?.number === said.job && isCancelled) await killDoorWorker(tx, worker, { reason: `job ${said.job} was cancelled`, actor: 'server' });
  }
}

async function grantOf(tx: Transaction, { worker, sender }: Hearing, { leases }: SyncAnswer): Promise<GrantedLease | null> {
  const [lease] = leases;
  if (lease === undefined) return null;
  const known = await assignmentOfWorker(tx, worker.agent_id, lease.job_id);
  if (known?.attempt === lease.attempt) await hearAssignment(tx, known, sender);
  else await rememberAssignment(tx, { job_id: lease.job_id, attempt: lease.attempt, agent_id: worker.agent_id }, sender);
  return lease;
}

async function reply(
  tx: Transaction,
  { worker, heartbeat: said }: Hearing,
  { given, soon }: { given: GrantedLease | null; soon: boolean },
): Promise<HeartbeatAnswer> {
  const now = (await findDoorWorker(tx, worker.experiment_id, worker.told_id))!;
  const job = given === null ? null : { number: given.number, params_json: given.params_json };
  const hasApplied = said.applied_version > 0 && said.applied_version === toldVersion(now);
  const goes = !said.is_busy && hasApplied && isToldToGo(now);
  // It says that it has heard, and goes.
  if (goes) await leaveAgent(tx, worker.agent_id, DOOR_INCARNATION, now.desired_state === 'stop' ? 'stopped' : 'drained');
  return { ...controlOf(now, said), job, soon };
}
