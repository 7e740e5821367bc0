// Workers that speak JobDistributor's protocol: each is an agent of one worker, in an experiment, under the id that it gives itself.
import { workerId } from '../core/identifiers.ts';
import type { Liveness } from '../core/liveness.ts';
import { Refusal } from '../core/refusal.ts';
import type { DesiredState } from '../core/worker.ts';
import { hashSecret, newSecret } from '../runtime/ids.ts';
import type { Sender } from '../core/old-client.ts';

import { allOf, machineId } from './agents.ts';
import { lockOf, valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

export interface DoorSender extends Sender {
  readonly experiment_id: number;
  /** How it is named in events. */
  readonly actor: string;
}

export interface ToldWorker {
  readonly host: string;
  readonly instance: string;
  readonly slot: number;
  readonly machine_class: string | null;
  /** Of the client. */
  readonly version: string;
}

/** The worker with all that decides what it is told. */
export interface DoorWorker {
  readonly experiment_id: number;
  readonly told_id: string;
  readonly agent_id: number;
  readonly token_id: string;
  readonly base_version: number;
  readonly told_version: number;
  readonly kill_version: number | null;
  readonly idle_since: number | null;
  readonly worker_id: string;
  readonly slot: number;
  readonly sync_seq: number;
  readonly liveness: Liveness;
  readonly left_at: number | null;
  readonly revoked_at: number | null;
  readonly machine_class: string | null;
  readonly version: string;
  readonly desired_state: DesiredState;
  readonly desired_version: number;
  readonly applied_version: number;
  readonly previous_state: DesiredState;
}

const COLUMNS = `d.experiment_id, d.told_id, d.agent_id, d.token_id, d.base_version, d.told_version, d.kill_version, d.idle_since,
  worker.id as worker_id, worker.slot, agent.sync_seq, agent.liveness, agent.left_at, agent.revoked_at, agent.machine_class, agent.version,
  worker.desired_state, worker.desired_version, worker.applied_version, worker.previous_state`;

/** Locks the agent's row for the transaction. */
export async function findDoorWorker(tx: Transaction, experimentId: number, toldId: string): Promise<DoorWorker | null> {
  return select(tx, 'd.experiment_id = ? and d.told_id = ?', [experimentId, toldId]);
}

export async function doorWorkerOf(tx: Transaction, agentId: number): Promise<DoorWorker | null> {
  return select(tx, 'd.agent_id = ?', [agentId]);
}

async function select(tx: Transaction, where: string, values: readonly (string | number)[]): Promise<DoorWorker | null> {
  const locked = tx.sql.dialect === 'postgres' ? ' for update of agent' : '';
  const [row] = await tx.sql.all<DoorWorker>(
    `select ${COLUMNS} from door_worker d join agent on agent.id = d.agent_id join worker on worker.agent_id = d.agent_id where ${where}${locked}`,
    values,
  );
  return row ?? null;
}

const REGISTER_LOCK = 7_346_021;

/** The worker as it is on record; made when it is heard of for the first time. */
export async function openDoorWorker(tx: Transaction, sender: DoorSender, told: ToldWorker, nextWord: () => string): Promise<DoorWorker> {
  const told_id = workerId(told.host, told.instance, told.slot);
  const known = await findDoorWorker(tx, sender.experiment_id, told_id);
  if (known !== null) return refuseRevoked(known);
  if (tx.sql.dialect === 'postgres') {
    await tx.sql.all(`select pg_advisory_xact_lock(${REGISTER_LOCK}, cast(? as integer))`, [sender.experiment_id % 2_147_483_647]);
    const meanwhile = await findDoorWorker(tx, sender.experiment_id, told_id);
    if (meanwhile !== null) return refuseRevoked(meanwhile);
  }
  const instance = await freeInstance(tx, told, nextWord);
  const agent_id = await insertAgent(tx, { sender, told, instance });
  await tx.query
    .insertInto('worker')
    .values({
      ...{ id: workerId(told.host, instance, told.slot), agent_id, slot: told.slot, registered_at: tx.now, disabled_at: null, disabled_reason: null },
      ...{ desired_state: 'run', desired_version: 0, applied_version: 0, previous_state: 'run', jobs_completed: 0 },
    })
    .execute();
  await tx.query
    .insertInto('door_worker')
    .values({
      ...{ experiment_id: sender.experiment_id, told_id, agent_id, token_id: sender.token_id },
      ...{ base_version: 0, told_version: 0, kill_version: null, idle_since: null },
    })
    .execute();
  const data = { agent: `${told.host}_${instance}`, workers: 1, version: told.version, process_id: null };
  tx.event({ kind: 'agent_registered', experiment_id: null, actor: sender.actor, data, workers: allOf(agent_id) });
  return (await findDoorWorker(tx, sender.experiment_id, told_id))!;
}

function refuseRevoked(worker: DoorWorker): DoorWorker {
  if (worker.revoked_at === null) return worker;
  throw new Refusal('agent_revoked', `The worker ${worker.worker_id} was revoked. If that was a mistake, start another one under another name.`);
}

const WORD_TRIES = 200;

/** Its own word, unless another worker has the id: one of our agents, or one of another experiment. */
async function freeInstance(tx: Transaction, told: ToldWorker, nextWord: () => string): Promise<string> {
  let word = told.instance;
  for (let tries = 0; tries < WORD_TRIES; tries += 1) {
    const [taken] = await tx.sql.all(
      `select 1 from agent where host = ? and instance = ? and (first_slot = ? or id not in (select agent_id from door_worker)) limit 1`,
      [told.host, word, told.slot],
    );
    if (taken === undefined) return word;
    word = tries < WORD_TRIES / 2 ? nextWord() : `${nextWord().slice(0, 8)}${tries}`;
  }
  throw new Error('no free instance word');
}

async function insertAgent(tx: Transaction, { sender, told, instance }: { sender: DoorSender; told: ToldWorker; instance: string }): Promise<number> {
  const row = await tx.query
    .insertInto('agent')
    .values({
      // Agents have slots from 0 up; this one has one slot, its own, so that the processes of a launch are agents of the same name.
      ...{ host: told.host, instance, experiments_json: JSON.stringify([sender.experiment_id]), first_slot: told.slot, workers: 1 },
      machine_id: await machineId(tx, told.host, told.machine_class),
      // Of a secret that nobody has: it speaks through its door only.
      secret_hash: hashSecret(newSecret('jda_')),
      ...{ created_at: tx.now, created_by: sender.actor, machine_class: told.machine_class, has_script: 1, version: told.version },
      ...{ total_cpus: 0, total_memory_bytes: 0, total_gpus: 0, platform: 'jd-worker', process_id: null },
      ...{ incarnation: DOOR_INCARNATION, old_incarnations_json: '[]', sync_seq: 0, heard_at: null, term_started_at: tx.now, next_sync_within_ms: 0 },
      ...{ liveness: 'alive', left_at: null, left_reason: null, revoked_at: null, reserved_job_id: null, metrics_json: null, metrics_at: null },
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return Number(row.id);
}

/** Which process speaks is not told in this protocol. */
export const DOOR_INCARNATION = 'jobdistributor';

/** The job that it holds; it has one at most. */
export interface DoorLease {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
  readonly granted_at: number;
  readonly acknowledged: number;
  readonly number: number;
}

export async function leaseOf(tx: Transaction, agentId: number): Promise<DoorLease | null> {
  const [lease] = await tx.sql.all<DoorLease>(
    `select lease.job_id, lease.attempt, lease.rank, lease.granted_at, lease.acknowledged, job.number
      from lease join job on job.id = lease.job_id where lease.agent_id = ?${lockOf(tx.sql)}`,
    [agentId],
  );
  return lease ?? null;
}

/** Those of these ids that are workers of this door in an experiment, by what they call themselves. */
export async function doorWorkersCalled(tx: Transaction, experimentId: number, ids: readonly string[]): Promise<{ told_id: string; agent_id: number }[]> {
  if (ids.length === 0) return [];
  return tx.sql.all<{ told_id: string; agent_id: number }>(
    `select told_id, agent_id from door_worker where experiment_id = ? and told_id in ${valueSet(tx.sql.dialect, 'text')}`,
    [experimentId, JSON.stringify(ids)],
  );
}
