// Agents and their workers: registration, what people tell them, what is shown of them.
import { hostSlug, workerId } from '../core/identifiers.ts';
import { Refusal } from '../core/refusal.ts';
import { cancelCommand, command, type DesiredState } from '../core/worker.ts';

import { assignMachines } from './driven-machines.ts';
import { endLeases } from './end-leases.ts';
import { TOMBSTONE } from './experiments.ts';
import type { AgentTable, WorkerTable } from './schema.ts';
import { rowSet, type SqlValue, valueSet } from './sql.ts';
import type { Reader } from './store.ts';
import { ALL_SLOTS, type Transaction, type WorkerSlot } from './writer.ts';

export interface AgentFacts {
  readonly workers: number;
  readonly machine_class: string | null;
  readonly has_script: boolean;
  readonly total: { readonly cpus: number; readonly memory_bytes: number; readonly gpus: number };
  readonly version: string;
  readonly process_id: number | null;
  readonly platform: string;
  /** Classes of machines elsewhere that it drives; `*`: all. */
  readonly drives: readonly string[];
}

export interface NewAgent extends AgentFacts {
  readonly host: string;
  /** The word that the agent proposes. */
  readonly instance: string;
  readonly experiments: readonly number[] | null;
  readonly secret_hash: string;
  readonly next_sync_within_ms: number;
  /** Gives further words when one is taken. */
  readonly nextWord: () => string;
}

export interface RegisteredAgent {
  readonly id: number;
  readonly host: string;
  readonly instance: string;
  readonly worker_ids: readonly string[];
}

const WORD_TRIES = 200;

/** The server owns the uniqueness of worker ids: a word that is taken on the host is replaced by another. */
export async function registerAgent(tx: Transaction, agent: NewAgent, actor: string): Promise<RegisteredAgent> {
  const host = hostSlug(agent.host);
  const instance = await freeInstance(tx, host, agent);
  const row = await tx.query
    .insertInto('agent')
    .values({
      host,
      instance,
      experiments_json: agent.experiments === null ? null : JSON.stringify(agent.experiments),
      machine_id: await machineId(tx, agent.host, agent.machine_class),
      secret_hash: agent.secret_hash,
      created_at: tx.now,
      created_by: actor,
      ...factColumns(agent),
      incarnation: null,
      old_incarnations_json: '[]',
      sync_seq: 0,
      heard_at: null,
      term_started_at: tx.now,
      next_sync_within_ms: agent.next_sync_within_ms,
      liveness: 'alive',
      left_at: null,
      left_reason: null,
      revoked_at: null,
      reserved_job_id: null,
      metrics_json: null,
      metrics_at: null,
      first_slot: 0,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const id = Number(row.id);
  tx.event({ kind: 'agent_registered', experiment_id: null, actor, data: registration({ host, instance }, agent), workers: allOf(id) });
  const worker_ids = await ensureWorkers(tx, { id, host, instance }, agent.workers);
  if (agent.drives.length > 0) await assignMachines(tx);
  return { id, host, instance, worker_ids };
}

function registration({ host, instance }: { host: string; instance: string }, { workers, version, process_id }: AgentFacts): Record<string, unknown> {
  return { agent: `${host}_${instance}`, workers, version, process_id };
}

/** All workers of an agent, for an event. */
export function allOf(agent_id: number): WorkerSlot[] {
  return [{ agent_id, slot: ALL_SLOTS }];
}

async function freeInstance(tx: Transaction, host: string, agent: NewAgent): Promise<string> {
  let word = agent.instance;
  for (let tries = 0; tries < WORD_TRIES; tries += 1) {
    const taken = await tx.query.selectFrom('agent').select('id').where('host', '=', host).where('instance', '=', word).executeTakeFirst();
    if (taken === undefined) return word;
    word = agent.nextWord();
    if (tries > WORD_TRIES / 2) word = `${word.slice(0, 8)}${tries}`;
  }
  throw new Error('no free instance word');
}

export async function machineId(tx: Transaction, name: string, machineClass: string | null): Promise<number> {
  const [row] = await tx.sql.all<{ id: number }>(
    `insert into machine (name, kind, machine_class, created_at, enabled, failures, options_json) values (?, 'agent', ?, ?, 1, 0, '{}')
      on conflict (name) do update set name = excluded.name returning id`,
    [name, machineClass, tx.now],
  );
  return Number(row!.id);
}

function factColumns(facts: AgentFacts) {
  return {
    workers: facts.workers,
    machine_class: facts.machine_class,
    has_script: facts.has_script ? (1 as const) : (0 as const),
    total_cpus: facts.total.cpus,
    total_memory_bytes: facts.total.memory_bytes,
    total_gpus: facts.total.gpus,
    version: facts.version,
    platform: facts.platform,
    process_id: facts.process_id,
    drives_json: facts.drives.length === 0 ? null : JSON.stringify(facts.drives),
  };
}

/**
 * What changed since an agent registered. Its workers start anew: what they were told before does not outlive them. Versions go on rising, so that
 * what an earlier process still says of its commands is seen as old.
 */
export async function updateAgent(tx: Transaction, id: number, facts: AgentFacts): Promise<RegisteredAgent> {
  await tx.query.updateTable('agent').set(factColumns(facts)).where('id', '=', id).execute();
  const row = await tx.query.selectFrom('agent').select(['host', 'instance']).where('id', '=', id).executeTakeFirstOrThrow();
  await tx.query
    .updateTable('worker')
    .set((worker) => ({
      ...{ desired_state: 'run', previous_state: 'run', disabled_at: null, disabled_reason: null },
      ...{ desired_version: worker('desired_version', '+', 1), applied_version: worker('desired_version', '+', 1) },
    }))
    .where('agent_id', '=', id)
    .execute();
  const actor = `agent:${row.host}_${row.instance}`;
  tx.event({ kind: 'agent_registered', experiment_id: null, actor, data: { ...registration(row, facts), again: true }, workers: allOf(id) });
  const worker_ids = await ensureWorkers(tx, { id, ...row }, facts.workers);
  await assignMachines(tx);
  return { id, ...row, worker_ids };
}

async function ensureWorkers(tx: Transaction, agent: { id: number; host: string; instance: string }, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, slot) => workerId(agent.host, agent.instance, slot));
  await tx.sql.run(
    `insert into worker (id, agent_id, slot, desired_state, desired_version, applied_version, previous_state, registered_at, jobs_completed)
      select id, ?, slot, 'run', 0, 0, 'run', ?, 0 from ${rowSet(tx.sql.dialect, { id: 'text', slot: 'int' })} as v where true
      on conflict (id) do nothing`,
    [agent.id, tx.now, JSON.stringify(ids.map((id, slot) => [id, slot]))],
  );
  const surplus = await tx.sql.all<{ slot: number }>(
    `update worker set disabled_at = ?, disabled_reason = 'scaled down' where agent_id = ? and slot >= ? and machine_id is null and disabled_at is null returning slot`,
    [tx.now, agent.id, count],
  );
  if (surplus.length > 0) {
    const workers = surplus.map(({ slot }) => ({ agent_id: agent.id, slot: Number(slot) }));
    const actor = `agent:${agent.host}_${agent.instance}`;
    tx.event({ kind: 'worker_disabled', experiment_id: null, actor, data: { reason: 'scaled down', count: surplus.length }, workers });
  }
  return ids;
}

/** The agent signs off: what it still held is given back, its workers are shown as stopped. */
export async function leaveAgent(tx: Transaction, id: number, incarnation: string, reason: string): Promise<boolean> {
  const row = await tx.query.selectFrom('agent').select(['incarnation', 'host', 'instance']).where('id', '=', id).executeTakeFirst();
  if (row === undefined || row.incarnation !== incarnation) return false;
  await endLeases(tx, [id], { outcome: 'released', message: 'The agent has left.' });
  await tx.query.updateTable('agent').set({ left_at: tx.now, left_reason: reason, liveness: 'lost' }).where('id', '=', id).execute();
  await tx.query
    .updateTable('worker')
    .set({ disabled_at: tx.now, disabled_reason: reason })
    .where('agent_id', '=', id)
    .where('disabled_at', 'is', null)
    .execute();
  await assignMachines(tx);
  tx.event({ kind: 'agent_left', experiment_id: null, actor: `agent:${row.host}_${row.instance}`, data: { reason }, workers: allOf(id) });
  return true;
}

export interface WorkerRecord extends WorkerTable {
  readonly host: string;
  readonly instance: string;
  /** Of its agent, or of the machine that it is. */
  readonly machine_class: string | null;
  /** The driven machine; null: its own one. */
  readonly machine: string | null;
  readonly liveness: AgentTable['liveness'];
  readonly version: string;
  readonly process_id: number | null;
  readonly heard_at: number | null;
  readonly left_at: number | null;
  readonly left_reason: string | null;
  readonly metrics_json: string | null;
  readonly experiments_json: string | null;
  readonly job_experiment: string | null;
  readonly job_experiment_id: number | null;
  readonly job_number: number | null;
  readonly job_attempt: number | null;
}

/** Workers that serve an experiment. */
export async function listWorkers(reader: Pick<Reader, 'sql'>, experimentId: number): Promise<WorkerRecord[]> {
  const rows = await readWorkers(reader, { where: 'agent.revoked_at is null', values: [] });
  return rows.filter((row) => servesExperiment(row, experimentId));
}

export function servesExperiment({ experiments_json }: Pick<AgentTable, 'experiments_json'>, experimentId: number): boolean {
  return experiments_json === null || (JSON.parse(experiments_json) as number[]).includes(experimentId);
}

export function readWorkers({ sql }: Pick<Reader, 'sql'>, { where, values }: { where: string; values: readonly SqlValue[] }): Promise<WorkerRecord[]> {
  return sql.all<WorkerRecord>(
    `select worker.*, agent.host, agent.instance, coalesce(machine.machine_class, agent.machine_class) as machine_class, machine.name as machine, agent.liveness, agent.version, agent.process_id, agent.heard_at, agent.left_at,
        agent.left_reason, agent.metrics_json, agent.experiments_json, experiment.name as job_experiment, experiment.id as job_experiment_id, job.number as job_number, lease.attempt as job_attempt
      from worker join agent on agent.id = worker.agent_id left join machine on machine.id = worker.machine_id
      left join lease on lease.agent_id = agent.id and lease.job_id = (
        select one.job_id from lease as one where one.agent_id = agent.id and one.slot = worker.slot order by one.acknowledged desc, one.granted_at, one.job_id limit 1)
      left join job on job.id = lease.job_id left join experiment on experiment.id = job.experiment_id
      where ${where} order by agent.host, agent.instance, worker.slot`,
    values,
  );
}

export interface WorkerSelection {
  readonly worker_ids?: readonly string[] | undefined;
  readonly host?: string | undefined;
  readonly instance?: string | undefined;
}

function selected(worker: WorkerRecord, selection: WorkerSelection, ids: ReadonlySet<string> | null): boolean {
  return (
    (ids === null || ids.has(worker.id)) &&
    (selection.host === undefined || worker.host === selection.host) &&
    (selection.instance === undefined || worker.instance === selection.instance)
  );
}

export interface CommandedWorkers {
  readonly matched: number;
  readonly changed: readonly string[];
  /** Of these, how many run a job. */
  readonly busy: number;
  /** Matched, but left as they were, because they also serve experiments that the caller may not operate. */
  readonly refused: number;
}

export interface WorkerRequest {
  readonly selection: WorkerSelection;
  /** Null takes a waiting command back. */
  readonly state: DesiredState | null;
  readonly dry_run: boolean;
  readonly actor: string;
  /** Experiments that the caller may operate; null: all. */
  readonly may_operate: readonly number[] | null;
}

/** Tells workers something. Workers that are gone cannot be told anything; what a worker is told concerns all that it serves. */
export async function commandWorkers(tx: Transaction, experiment: { id: number; name: string }, request: WorkerRequest): Promise<CommandedWorkers> {
  const ids = request.selection.worker_ids === undefined ? null : new Set(request.selection.worker_ids);
  const matched = (await listWorkers(tx, experiment.id)).filter(
    (worker) => worker.disabled_at === null && worker.left_at === null && selected(worker, request.selection, ids),
  );
  const servesOthers = await foreignService(tx, request.may_operate);
  const own = matched.filter((worker) => !servesOthers(worker));
  if (own.length === 0 && matched.length > 0) {
    const which = matched.length === 1 ? `${matched[0]!.id} also serves` : `These ${matched.length} workers also serve`;
    throw new Refusal(
      'forbidden',
      `${which} experiments that you may not operate, so you cannot command them. Ask somebody who may, or keep your own jobs from starting: drover experiment hold ${experiment.name}`,
    );
  }
  const changes = own.flatMap((worker) => {
    const after = request.state === null ? cancelCommand(worker) : command(worker, request.state);
    return after === null ? [] : [{ worker, after }];
  });
  const busy = changes.filter(({ worker }) => worker.job_number !== null).length;
  const result = { matched: matched.length, changed: changes.map(({ worker }) => worker.id), busy, refused: matched.length - own.length };
  if (request.dry_run) return result;
  if (changes.length > 0) {
    await tx.sql.run(
      `update worker set desired_state = v.state, desired_version = v.version, previous_state = v.previous
        from ${rowSet(tx.sql.dialect, { id: 'text', state: 'text', version: 'int', previous: 'text' })} as v where worker.id = v.id`,
      [JSON.stringify(changes.map(({ worker, after }) => [worker.id, after.desired_state, after.desired_version, after.previous_state]))],
    );
    for (const agent of new Set(changes.map(({ worker }) => worker.agent_id))) tx.wake(agent);
    tx.event({
      kind: request.state === null ? 'worker_command_cancelled' : 'worker_commanded',
      experiment_id: experiment.id,
      actor: request.actor,
      data: { action: request.state, workers: changes.slice(0, 100).map(({ worker }) => worker.id), count: changes.length },
      workers: changes.map(({ worker }) => ({ agent_id: worker.agent_id, slot: worker.slot })),
    });
  }
  return result;
}

/** Tells whether a worker serves experiments beyond these. An agent for all serves those that there are now. */
async function foreignService(tx: Transaction, mayOperate: readonly number[] | null): Promise<(worker: WorkerRecord) => boolean> {
  if (mayOperate === null) return () => false;
  const existing = await tx.sql.all<{ id: number }>(`select id from experiment where name not like '${TOMBSTONE}%'`);
  const foreign = new Set(existing.map(({ id }) => Number(id)).filter((id) => !mayOperate.includes(id)));
  return ({ experiments_json }) => (experiments_json === null ? foreign.size > 0 : (JSON.parse(experiments_json) as number[]).some((id) => foreign.has(id)));
}

export interface RevokedAgent {
  readonly revoked_at: number;
  /** Jobs that it held then. */
  readonly running_jobs: number;
}

/** Ends an agent's secret for good. Its leases run out as those of any agent that is silent. `name` is `{host}_{instance}`. */
export async function revokeAgent(
  tx: Transaction,
  experiment: { id: number; name: string },
  { name, actor }: { name: string; actor: string },
): Promise<RevokedAgent> {
  // Workers of a door are agents of one worker each, and may share the name.
  const agents = await tx.sql.all<Pick<AgentTable, 'experiments_json' | 'revoked_at'> & { readonly id: number; readonly leases: number }>(
    `select id, experiments_json, revoked_at, (select count(*) from lease where lease.agent_id = agent.id) as leases from agent
      where host || '_' || instance = ? order by id`,
    [name],
  );
  const own = agents.filter((agent) => servesExperiment(agent, experiment.id));
  if (own.length === 0) throw new Refusal('not_found', `There is no agent ${name} that serves ${experiment.name}. List its workers with: drover worker ls`);
  const running_jobs = own.reduce((sum, agent) => sum + Number(agent.leases), 0);
  const open = own.filter((agent) => agent.revoked_at === null);
  if (open.length === 0) return { revoked_at: Number(own[0]!.revoked_at), running_jobs };
  for (const { id } of open) {
    await tx.sql.run('update agent set revoked_at = ?, reserved_job_id = null where id = ?', [tx.now, id]);
    await tx.sql.run(`update worker set disabled_at = ?, disabled_reason = 'revoked' where agent_id = ? and disabled_at is null`, [tx.now, id]);
    // Whoever revokes it answers for it that nothing comes from it any more.
    await tx.sql.run('update door_assignment set quit_at = ? where agent_id = ? and quit_at is null', [tx.now, id]);
    // Its hanging sync learns of it now.
    tx.wake(Number(id));
  }
  const workers = open.flatMap(({ id }) => allOf(Number(id)));
  tx.event({ kind: 'agent_revoked', experiment_id: null, actor, data: { agent: name, running_jobs }, workers });
  return { revoked_at: tx.now, running_jobs };
}

/** Names of experiments by id, for replies. */
export async function experimentNames(reader: Pick<Reader, 'sql'>, ids: readonly number[]): Promise<Map<number, string>> {
  if (ids.length === 0) return new Map();
  const rows = await reader.sql.all<{ id: number; name: string }>(`select id, name from experiment where id in ${valueSet(reader.sql.dialect, 'int')}`, [
    JSON.stringify(ids),
  ]);
  return new Map(rows.map((row) => [Number(row.id), row.name]));
}
