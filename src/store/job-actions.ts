// What people do to jobs: hold, cancel, requeue, delete, edit. One job is a set of one; whatever does not fit is told, not changed.
import { type EventKind } from '../core/event.ts';
import { type JobStatus, mayTransition } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import type { Params } from '../core/params.ts';
import { Refusal, type RefusalCode } from '../core/refusal.ts';

import { commandId, demandId, indexParams, type JobTemplate, unindexParams } from './create-jobs.ts';
import { filterWhere, type JobFilter } from './job-search.ts';
import { findJob } from './job-rows.ts';
import { valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

export const JOB_ACTIONS = ['cancel', 'requeue', 'hold', 'unhold', 'delete', 'set_priority'] as const;
export type JobAction = (typeof JOB_ACTIONS)[number];

export interface ActionRequest {
  readonly action: JobAction;
  readonly force: boolean;
  readonly priority: number;
  readonly dry_run: boolean;
  readonly actor: string;
}

export interface ActionResult {
  readonly matched: number;
  readonly changed: readonly number[];
  readonly refused: Readonly<Partial<Record<RefusalCode, number>>>;
}

interface JobHead {
  readonly id: number;
  readonly number: number;
  readonly status: JobStatus;
  readonly held_at: number | null;
  readonly not_before: number | null;
  readonly attempts: number;
}

/** Does one thing to all jobs that the filter names, in this transaction. */
export async function actOnJobs(tx: Transaction, experimentId: number, filter: JobFilter, request: ActionRequest): Promise<ActionResult> {
  const where = await filterWhere(tx, experimentId, filter);
  const limit = LIMITS.bulk_jobs.value;
  const heads = await tx.sql.all<JobHead>(
    `select id, number, status, held_at, not_before, attempts from job where ${where.text} order by number limit ?${lockOf(tx)}`,
    [...where.values, limit + 1],
  );
  if (heads.length > limit && !request.dry_run) {
    throw new Refusal(
      'too_many',
      `More than ${limit.toLocaleString('en-US')} jobs match; at most that many are changed at once. Narrow the filter, or repeat with ranges of numbers.`,
    );
  }
  const refused: Partial<Record<RefusalCode, number>> = {};
  const fitting: JobHead[] = [];
  for (const head of heads.slice(0, limit)) {
    const refusal = refusalOf(request, head);
    if (refusal === null) fitting.push(head);
    else refused[refusal] = (refused[refusal] ?? 0) + 1;
  }
  if (!request.dry_run) await apply(tx, experimentId, fitting, request);
  return { matched: heads.length, changed: fitting.map((head) => head.number), refused };
}

/** On PostgreSQL another server may claim or end these jobs meanwhile; SQLite has one writer. */
function lockOf(tx: Transaction): string {
  return tx.sql.dialect === 'postgres' ? ' for update' : '';
}

function refusalOf(request: ActionRequest, head: JobHead): RefusalCode | null {
  switch (request.action) {
    case 'cancel':
      return head.status === 'pending' || head.status === 'running' ? null : 'job_ended';
    case 'requeue':
      return mayTransition('requeue', head.status, 'pending') ? null : 'job_not_ended';
    case 'hold':
    case 'unhold':
    case 'delete':
    case 'set_priority':
      return head.status === 'pending' ? null : 'job_not_pending';
  }
}

async function apply(tx: Transaction, experimentId: number, heads: readonly JobHead[], request: ActionRequest): Promise<void> {
  if (heads.length === 0) return;
  switch (request.action) {
    case 'cancel':
      await cancelPending(tx, experimentId, heads, request);
      return request.force ? forceCancel(tx, experimentId, heads, request) : askToCancel(tx, experimentId, heads, request);
    case 'requeue':
      return requeue(tx, experimentId, heads, request);
    case 'hold':
      await setAll(tx, heads, 'held_at = coalesce(held_at, ?)', [tx.now]);
      return tell(tx, 'jobs_held', { experiment_id: experimentId, actor: request.actor, heads });
    case 'unhold':
      await setAll(tx, heads, 'held_at = null', []);
      tx.wake('all');
      return tell(tx, 'jobs_unheld', { experiment_id: experimentId, actor: request.actor, heads });
    case 'set_priority':
      await setAll(tx, heads, 'priority = ?', [request.priority]);
      return tell(tx, 'jobs_edited', { experiment_id: experimentId, actor: request.actor, heads, data: { priority: request.priority } });
    case 'delete':
      await deletePending(tx, heads);
      tx.count(experimentId, 'pending', -heads.length);
      return tell(tx, 'jobs_deleted', { experiment_id: experimentId, actor: request.actor, heads });
  }
}

async function setAll(tx: Transaction, heads: readonly JobHead[], assignment: string, values: readonly (string | number)[]): Promise<void> {
  await tx.sql.run(`update job set ${assignment} where id in ${valueSet(tx.sql.dialect, 'int')}`, [...values, idsOf(heads)]);
}

async function cancelPending(tx: Transaction, experimentId: number, heads: readonly JobHead[], request: ActionRequest): Promise<void> {
  const pending = heads.filter((head) => head.status === 'pending');
  if (pending.length === 0) return;
  await setAll(tx, pending, `status = 'aborted', finished_at = ?, message = ?, outcome = 'cancelled', not_before = null, held_at = null`, [
    tx.now,
    `Cancelled by ${request.actor}.`,
  ]);
  tx.count(experimentId, 'pending', -pending.length);
  tx.count(experimentId, 'aborted', pending.length);
  tell(tx, 'jobs_cancelled', { experiment_id: experimentId, actor: request.actor, heads: pending });
}

/** Running jobs stay running until their agents confirm, or their lease ends. */
async function askToCancel(tx: Transaction, experimentId: number, heads: readonly JobHead[], request: ActionRequest): Promise<void> {
  const running = heads.filter((head) => head.status === 'running');
  if (running.length === 0) return;
  await setAll(tx, running, 'cancel_requested_at = coalesce(cancel_requested_at, ?)', [tx.now]);
  tell(tx, 'jobs_cancel_requested', { experiment_id: experimentId, actor: request.actor, heads: running });
  await wakeHolders(tx, running);
}

async function forceCancel(tx: Transaction, experimentId: number, heads: readonly JobHead[], request: ActionRequest): Promise<void> {
  const running = heads.filter((head) => head.status === 'running');
  if (running.length === 0) return;
  const ids = idsOf(running);
  await wakeHolders(tx, running);
  const ours = valueSet(tx.sql.dialect, 'int');
  const message = `Cancelled by ${request.actor} without waiting for the agent.`;
  await tx.sql.run(`update attempt set outcome = 'cancelled', finished_at = ?, recorded_at = ?, message = ? where outcome is null and job_id in ${ours}`, [
    tx.now,
    tx.now,
    message,
    ids,
  ]);
  await tx.sql.run(`delete from lease where job_id in ${ours}`, [ids]);
  await setAll(tx, running, `status = 'aborted', finished_at = ?, outcome = 'cancelled', cancel_requested_at = null, message = ?`, [tx.now, message]);
  tx.count(experimentId, 'running', -running.length);
  tx.count(experimentId, 'aborted', running.length);
  tell(tx, 'jobs_cancelled', { experiment_id: experimentId, actor: request.actor, heads: running, data: { force: true } });
}

async function wakeHolders(tx: Transaction, heads: readonly JobHead[]): Promise<void> {
  const rows = await tx.sql.all<{ agent_id: number }>(`select distinct agent_id from lease where job_id in ${valueSet(tx.sql.dialect, 'int')}`, [idsOf(heads)]);
  for (const row of rows) tx.wake(Number(row.agent_id));
}

async function requeue(tx: Transaction, experimentId: number, heads: readonly JobHead[], request: ActionRequest): Promise<void> {
  for (const status of ['done', 'aborted'] as const) {
    tx.count(experimentId, status, -heads.filter((head) => head.status === status).length);
  }
  await setAll(
    tx,
    heads,
    `status = 'pending', failures = 0, losses = 0, not_before = null, held_at = null, cancel_requested_at = null, finished_at = null, duration_ms = null,
      outcome = null, exit_code = null, signal = null, message = null, revision = revision + 1`,
    [],
  );
  tx.count(experimentId, 'pending', heads.length);
  tx.wake('all');
  tell(tx, 'jobs_requeued', { experiment_id: experimentId, actor: request.actor, heads });
}

async function deletePending(tx: Transaction, heads: readonly JobHead[]): Promise<void> {
  const ids = idsOf(heads);
  const ours = valueSet(tx.sql.dialect, 'int');
  await removeFromIndex(tx, ids);
  // A pending job may have earlier attempts (retried, requeued): what they left goes with it.
  for (const table of ['attempt', 'metric_chunk', 'log_chunk', 'artifact']) await tx.sql.run(`delete from ${table} where job_id in ${ours}`, [ids]);
  await tx.sql.run(`delete from job where id in ${ours}`, [ids]);
}

async function removeFromIndex(tx: Transaction, ids: string): Promise<void> {
  const jobs = await tx.sql.all<{ experiment_id: number; number: number; params_json: string }>(
    `select experiment_id, number, params_json from job where id in ${valueSet(tx.sql.dialect, 'int')}`,
    [ids],
  );
  for (const job of jobs) await unindexParams(tx.sql, job.experiment_id, job.number, JSON.parse(job.params_json) as Params);
}

interface Told {
  readonly experiment_id: number;
  readonly actor: string;
  readonly heads: readonly JobHead[];
  readonly data?: Readonly<Record<string, unknown>>;
}

function tell(tx: Transaction, kind: EventKind, { experiment_id, actor, heads, data = {} }: Told): void {
  tx.event({
    kind,
    experiment_id,
    actor,
    numbers: heads.map((head) => head.number),
    ...(heads.length === 1 ? { job_id: heads[0]!.id } : {}),
    data,
  });
}

function idsOf(heads: readonly JobHead[]): string {
  return JSON.stringify(heads.map((head) => head.id));
}

/** All pending jobs of an experiment, for "replace existing". Returns how many there were. */
export async function deleteAllPending(tx: Transaction, experimentId: number, actor: string): Promise<number> {
  const unfinished = await tx.sql.all<{ id: number; size: number; expanded: number }>(
    'select id, size, expanded from matrix where experiment_id = ? and expanded < size',
    [experimentId],
  );
  for (const matrix of unfinished) {
    await tx.sql.run('update matrix set size = expanded where id = ?', [matrix.id]);
    tx.count(experimentId, 'expanding', matrix.expanded - matrix.size);
  }
  const heads = await tx.sql.all<JobHead>(
    `select id, number, status, held_at, not_before, attempts from job where experiment_id = ? and status = 'pending' order by number${lockOf(tx)}`,
    [experimentId],
  );
  if (heads.length === 0) return 0;
  await deletePending(tx, heads);
  tx.count(experimentId, 'pending', -heads.length);
  tell(tx, 'jobs_deleted', { experiment_id: experimentId, actor, heads, data: { reason: 'replaced' } });
  return heads.length;
}

export interface JobEdit {
  readonly params?: Params;
  readonly command?: string | null;
  readonly priority?: number;
  readonly max_attempts?: number | null;
  readonly timeout_seconds?: number | null;
  readonly tags?: readonly string[];
}

/** Edits a pending job; the event keeps what was and what is. */
export async function editJob(
  tx: Transaction,
  target: { experiment_id: number; number: number },
  edit: JobEdit & { revision?: number },
  actor: string,
): Promise<void> {
  const { experiment_id: experimentId, number } = target;
  await tx.sql.all(`select id from job where experiment_id = ? and number = ?${lockOf(tx)}`, [experimentId, number]);
  const job = await findJob(tx, experimentId, number);
  if (job === null) throw new Refusal('job_not_found', `There is no job ${number} in this experiment.`);
  if (job.status !== 'pending') throw new Refusal('job_not_pending', `Job ${number} is ${job.status}; only pending jobs can be edited.`);
  if (edit.revision !== undefined && edit.revision !== job.revision) {
    throw new Refusal('job_not_pending', `Job ${number} was edited by somebody else meanwhile. Load it again and repeat the edit.`, { revision: job.revision });
  }
  const command = edit.command === undefined ? job.command : edit.command;
  const template: JobTemplate = { ...job, command, held: false };
  const after = {
    params: edit.params ?? job.params,
    command,
    priority: edit.priority ?? job.priority,
    max_attempts: edit.max_attempts === undefined ? job.max_attempts : edit.max_attempts,
    timeout_seconds: edit.timeout_seconds === undefined ? job.timeout_seconds : edit.timeout_seconds,
    tags: edit.tags ?? job.tags,
  };
  await tx.sql.run(
    `update job set params_json = ?, command_id = ?, demand_id = ?, priority = ?, max_attempts = ?, timeout_seconds = ?, tags_json = ?, revision = revision + ? where id = ?`,
    [
      JSON.stringify(after.params),
      command === null ? null : await commandId(tx.sql, command),
      await demandId(tx.sql, experimentId, template),
      after.priority,
      after.max_attempts,
      after.timeout_seconds,
      after.tags.length === 0 ? null : JSON.stringify(after.tags),
      // Only what the job runs makes it another one; an attempt of the old one no longer speaks for it.
      edit.params === undefined && edit.command === undefined ? 0 : 1,
      job.id,
    ],
  );
  if (edit.params !== undefined) {
    await unindexParams(tx.sql, experimentId, number, job.params);
    await indexParams(tx.sql, experimentId, number, [edit.params]);
  }
  tx.event({ kind: 'jobs_edited', experiment_id: experimentId, actor, numbers: [number], job_id: job.id, data: changes(job, after) });
  tx.wake('all');
}

function changes(before: object, after: object): Record<string, unknown> {
  const differing = Object.entries(after).filter(([name, value]) => JSON.stringify((before as Record<string, unknown>)[name]) !== JSON.stringify(value));
  return Object.fromEntries(differing.map(([name, value]) => [name, { from: (before as Record<string, unknown>)[name] ?? null, to: value as unknown }]));
}
