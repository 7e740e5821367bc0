// Experiments: named sets of jobs with shared settings and counters that are kept, never counted.
import { DEFAULT_RETRY_POLICY, JOB_STATUSES, type JobStatus, type RetryPolicy } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import { queueHold } from '../core/queue-hold.ts';
import { Refusal } from '../core/refusal.ts';

import { LEFT_HERE } from './left-slots.ts';
import type { ExperimentTable } from './schema.ts';
import { valueSet } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

export interface ExperimentSettings extends RetryPolicy {
  readonly timeout_seconds: number | null;
  readonly grace_seconds: number;
  readonly lost_after_seconds: number;
}

export const DEFAULT_SETTINGS: ExperimentSettings = { ...DEFAULT_RETRY_POLICY, timeout_seconds: null, grace_seconds: 30, lost_after_seconds: 600 };

export type JobCounts = Record<JobStatus, number> & {
  readonly total: number;
  readonly created: number;
  readonly expanding: number;
  readonly forgotten: number;
};

export interface ExperimentRecord {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly created_at: number;
  readonly held_at: number | null;
  readonly last_activity_at: number | null;
  readonly settings: ExperimentSettings;
  readonly counts: JobCounts;
  readonly workers: { readonly idle: number; readonly busy: number };
}

/** Experiments that are being deleted keep their rows under a name that no experiment can have. */
export const TOMBSTONE = '#';

export interface NewExperiment {
  readonly name: string;
  readonly description: string;
  readonly settings: { readonly [K in keyof ExperimentSettings]?: ExperimentSettings[K] | undefined };
  /** The PIN, encrypted with the server's key. */
  readonly pin_cipher: string;
}

export async function createExperiment(tx: Transaction, experiment: NewExperiment, actor: string): Promise<number> {
  const existing = await tx.query.selectFrom('experiment').select('id').where('name', '=', experiment.name).executeTakeFirst();
  if (existing !== undefined)
    throw new Refusal('experiment_exists', `There is already an experiment ${experiment.name}. Choose another name, or add jobs to it.`);
  const [count] = await tx.sql.all<{ n: number }>('select count(*) as n from experiment');
  if (Number(count!.n) >= LIMITS.experiments.value) {
    throw new Refusal('too_many', `A server keeps at most ${LIMITS.experiments.value} experiments. Delete one that is no longer needed.`);
  }
  const row = await tx.query
    .insertInto('experiment')
    .values({
      name: experiment.name,
      description: experiment.description,
      created_at: tx.now,
      created_by: actor,
      held_at: null,
      next_number: 1,
      settings_json: JSON.stringify(definedOnly(experiment.settings)),
      pin_cipher: experiment.pin_cipher,
      pin_changed_at: tx.now,
      pin_version: 1,
      last_activity_at: tx.now,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  tx.event({ kind: 'experiment_created', experiment_id: Number(row.id), actor, data: { name: experiment.name } });
  return Number(row.id);
}

export interface ExperimentChange {
  readonly description?: string | undefined;
  readonly settings?: NewExperiment['settings'] | undefined;
  readonly held?: boolean | undefined;
}

export async function changeExperiment(tx: Transaction, id: number, change: ExperimentChange, actor: string): Promise<void> {
  const row = await tx.query.selectFrom('experiment').select(['settings_json', 'held_at']).where('id', '=', id).executeTakeFirstOrThrow();
  const settings = { ...(JSON.parse(row.settings_json) as object), ...definedOnly(change.settings ?? {}) };
  const { held, ...rest } = change;
  const others = definedOnly({ ...rest });
  const hold = queueHold(row.held_at === null ? null : Number(row.held_at), held, tx.now);
  await tx.query
    .updateTable('experiment')
    .set({ settings_json: JSON.stringify(settings), held_at: hold.held_at, ...(change.description === undefined ? {} : { description: change.description }) })
    .where('id', '=', id)
    .execute();
  if (Object.keys(others).length > 0) tx.event({ kind: 'experiment_changed', experiment_id: id, actor, data: others });
  if (hold.event !== null) tx.event({ ...hold.event, experiment_id: id, actor });
  if (hold.event?.kind === 'queue_unheld') tx.wake('all');
}

/** Hides the experiment at once; its rows are removed later, in pieces: see purge-experiment.ts. */
export async function deleteExperiment(tx: Transaction, id: number, actor: string): Promise<void> {
  const counts = await readCounts(tx, [id]);
  const running = counts.get(id)?.running ?? 0;
  if (running > 0) throw new Refusal('experiment_busy', `${running} jobs of this experiment are running. Cancel them first, or wait for their end.`);
  const row = await tx.query.selectFrom('experiment').select('name').where('id', '=', id).executeTakeFirstOrThrow();
  await tx.query
    .updateTable('experiment')
    .set({ name: `${TOMBSTONE}${id}`, held_at: tx.now })
    .where('id', '=', id)
    .execute();
  await tx.query.deleteFrom('session').where('experiment_id', '=', id).execute();
  await tx.sql.run(`update operation set finished_at = ?, problem = 'The experiment was deleted.' where experiment_id = ? and finished_at is null`, [
    tx.now,
    id,
  ]);
  await tx.sql.run('update matrix set size = expanded where experiment_id = ? and expanded < size', [id]);
  tx.event({ kind: 'experiment_deleted', experiment_id: id, actor, data: { name: row.name } });
}

/** Of these experiments, the ones that are deleted while their rows still wait to be removed. */
export async function deletedAmong(tx: Transaction, ids: Iterable<number>): Promise<Set<number>> {
  const rows = await tx.sql.all<{ id: number }>(`select id from experiment where name like '${TOMBSTONE}%' and id in ${valueSet(tx.sql.dialect, 'int')}`, [
    JSON.stringify([...new Set(ids)]),
  ]);
  return new Set(rows.map((row) => row.id));
}

/** By name; null when there is none. */
export async function findExperiment(reader: Pick<Reader, 'query'>, name: string): Promise<{ id: number; name: string } | null> {
  const row = await reader.query.selectFrom('experiment').select(['id', 'name']).where('name', '=', name).executeTakeFirst();
  return row === undefined ? null : { id: Number(row.id), name: row.name };
}

/** Those with these ids (null: all), by name. */
export async function listExperiments(reader: Reader, ids: readonly number[] | null): Promise<ExperimentRecord[]> {
  if (ids?.length === 0) return [];
  let query = reader.query
    .selectFrom('experiment')
    .selectAll()
    .select((columns) =>
      columns
        .selectFrom('event')
        .select((event) => event.fn.max('event.at').as('at'))
        .whereRef('event.experiment_id', '=', 'experiment.id')
        .as('last_event_at'),
    )
    .where('name', 'not like', `${TOMBSTONE}%`)
    .orderBy('name');
  if (ids !== null) query = query.where('id', 'in', [...ids]);
  const rows = await query.execute();
  const counts = await readCounts(
    reader,
    rows.map((row) => Number(row.id)),
  );
  const workers = await countWorkers(reader);
  return rows.map((row) => toRecord(row, counts, workers));
}

function toRecord(
  row: Omit<ExperimentTable, 'id'> & { id: number; last_event_at: number | null },
  counts: Map<number, JobCounts>,
  workers: WorkerCounts,
): ExperimentRecord {
  const id = Number(row.id);
  return {
    id,
    name: row.name,
    description: row.description,
    created_at: row.created_at,
    held_at: row.held_at,
    last_activity_at: row.last_event_at ?? row.last_activity_at,
    settings: { ...DEFAULT_SETTINGS, ...(JSON.parse(row.settings_json) as Partial<ExperimentSettings>) },
    counts: counts.get(id) ?? NO_JOBS,
    workers: workers(id),
  };
}

const NO_JOBS: JobCounts = { pending: 0, running: 0, done: 0, aborted: 0, total: 0, created: 0, expanding: 0, forgotten: 0 };

export async function readCounts(reader: Pick<Reader, 'query'>, ids: readonly number[]): Promise<Map<number, JobCounts>> {
  const found = new Map<number, JobCounts>();
  if (ids.length === 0) return found;
  const rows = await reader.query
    .selectFrom('counter')
    .selectAll()
    .where('experiment_id', 'in', [...ids])
    .execute();
  for (const id of ids) {
    const value = (name: string): number => rows.find((row) => row.experiment_id === id && row.name === name)?.value ?? 0;
    const statuses = Object.fromEntries(JOB_STATUSES.map((status) => [status, value(status)])) as Record<JobStatus, number>;
    found.set(id, {
      ...statuses,
      total: JOB_STATUSES.reduce((sum, status) => sum + statuses[status], 0),
      created: value('created'),
      expanding: value('expanding'),
      forgotten: value('forgotten'),
    });
  }
  return found;
}

type WorkerCounts = (experimentId: number) => { idle: number; busy: number };

/** Workers that are present and take jobs of an experiment, as the list of its workers tells them. Bounded by the workers, not by the jobs. */
async function countWorkers(reader: Reader): Promise<WorkerCounts> {
  // A slot may have several leases: one runs, the others wait for it to end.
  const agents = await reader.sql.all<{ experiments_json: string | null; workers: number; busy: number }>(
    `select experiments_json, workers - (select count(*) from worker where agent_id = agent.id and disabled_reason = ?) as workers,
        (select count(distinct slot) from lease where agent_id = agent.id) as busy
      from agent where left_at is null and revoked_at is null and liveness <> 'lost'`,
    [LEFT_HERE],
  );
  return (experimentId) => {
    const serving = agents.filter((agent) => agent.experiments_json === null || (JSON.parse(agent.experiments_json) as number[]).includes(experimentId));
    const busy = serving.reduce((sum, agent) => sum + Number(agent.busy), 0);
    const idle = serving.reduce((sum, agent) => sum + Math.max(0, Number(agent.workers) - Number(agent.busy)), 0);
    return { idle, busy };
  };
}

function definedOnly(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
