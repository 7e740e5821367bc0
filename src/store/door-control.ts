// What a worker that speaks JobDistributor's protocol is told to do. Each of its processes counts commands from 0, and a new one may have the name of an
// old one: what the old one was told does not concern it.
import { COPY_MS } from '../core/old-client.ts';
import { commandWaits } from '../core/worker.ts';

import type { DoorWorker } from './door-workers.ts';
import type { Transaction } from './writer.ts';

/** The newest version as the worker's process counts. */
export function toldVersion(worker: Pick<DoorWorker, 'desired_version' | 'base_version'>): number {
  return Math.max(0, worker.desired_version - worker.base_version);
}

export function isToldToGo({ desired_state }: Pick<DoorWorker, 'desired_state'>): boolean {
  return desired_state === 'stop' || desired_state === 'drain';
}

/** It was stopped on its machine a moment ago: what still comes is of the process that is being ended. */
export function isBeingEnded({ passed }: Transaction, { left_at, kill_version, desired_version }: DoorWorker): boolean {
  return left_at !== null && passed.since(left_at) < COPY_MS && kill_version === desired_version;
}

export interface HeardFrom {
  /** The version that it says it has applied. */
  readonly applied: number;
  /** It says that it runs a job, or was heard of with the one that it holds. */
  readonly is_working: boolean;
}

/** The worker, with the commands that are meant for the process that speaks now. */
export async function startAnew(tx: Transaction, worker: DoorWorker, { applied, is_working }: HeardFrom): Promise<DoorWorker> {
  const wasGone = worker.left_at !== null || worker.liveness === 'lost';
  // A process that counts from 0 again is another one; but a late copy of an early message must not undo what the same one was told.
  const isNew = applied === 0 && (wasGone || (worker.told_version > 0 && isToldToGo(worker) && !is_working));
  const missed = wasGone && (isToldToGo(worker) || commandWaits(worker));
  const forgets = (isNew || missed) && (worker.desired_state !== 'run' || commandWaits(worker));
  if (!forgets && applied <= toldVersion(worker)) return worker;
  const desired_version = forgets ? worker.desired_version + 1 : worker.desired_version;
  const after: DoorWorker = {
    ...worker,
    desired_version,
    ...(forgets ? { desired_state: 'run', previous_state: 'run', applied_version: desired_version, kill_version: null } : {}),
    // The record may be older than the process: what comes next is news to it all the same.
    base_version: desired_version - applied,
  };
  await tx.sql.run('update worker set desired_state = ?, previous_state = ?, desired_version = ?, applied_version = ? where id = ?', [
    ...[after.desired_state, after.previous_state, after.desired_version, after.applied_version],
    worker.worker_id,
  ]);
  await tx.sql.run('update door_worker set base_version = ?, kill_version = ? where agent_id = ?', [after.base_version, after.kill_version, worker.agent_id]);
  return after;
}

export interface DoorStop {
  readonly reason: string;
  readonly actor: string;
}

/** Tells a worker to end its job and itself, under a version that is news to it; once for each cause. */
export async function killDoorWorker(tx: Transaction, worker: DoorWorker, { reason, actor }: DoorStop): Promise<void> {
  if (worker.desired_state === 'stop' && worker.kill_version === worker.desired_version) return;
  const version = worker.desired_version + 1;
  await tx.sql.run(`update worker set desired_state = 'stop', desired_version = ?, previous_state = ? where id = ?`, [
    version,
    commandWaits(worker) ? worker.previous_state : worker.desired_state,
    worker.worker_id,
  ]);
  await tx.sql.run('update door_worker set kill_version = ? where agent_id = ?', [version, worker.agent_id]);
  const workers = [{ agent_id: worker.agent_id, slot: worker.slot }];
  tx.event({
    kind: 'worker_commanded',
    experiment_id: worker.experiment_id,
    actor,
    data: { action: 'stop', workers: [worker.worker_id], count: 1, reason },
    workers,
  });
}
