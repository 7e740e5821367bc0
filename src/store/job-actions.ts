// What people do to jobs: hold, cancel, requeue, forget, delete. One job is a set of one; whatever does not fit is told, not changed.
import { type EventKind } from '../core/event.ts';
import { isEnded, type JobStatus, mayTransition } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import { Refusal, type RefusalCode } from '../core/refusal.ts';
import { withoutTags, withTags } from '../core/tags.ts';

import { deletePending } from './delete-jobs.ts';
import { filterWhere, type JobFilter } from './job-search.ts';
import { indexTags, unindexTags } from './search-index.ts';
import { lockOf, rowSet, valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

export const JOB_ACTIONS = [
  'cancel',
  'requeue',
  'hold',
  'unhold',
  'delete',
  'forget',
  'unforget',
  'set_priority',
  'set_timeout',
  'add_tags',
  'remove_tags',
] as const;
export type JobAction = (typeof JOB_ACTIONS)[number];

export interface ActionRequest {
  readonly action: JobAction;
  readonly force: boolean;
  readonly priority: number;
  /** With set_timeout; null: as the experiment says. */
  readonly timeout_seconds?: number | null;
  /** With add_tags and remove_tags. */
  readonly tags?: readonly string[];
  readonly actor: string;
  /** When it was asked for, if that is some time ago: jobs that an attempt brought back or ended since are not deleted or requeued. */
  readonly asked_at?: number;
}

export type Refused = Readonly<Partial<Record<RefusalCode, number>>>;

export interface ActionResult {
  readonly matched: number;
  readonly changed: readonly number[];
  readonly refused: Refused;
}

interface JobHead {
  readonly id: number;
  readonly number: number;
  readonly status: JobStatus;
  readonly held_at: number | null;
  readonly not_before: number | null;
  readonly attempts: number;
  readonly tags_json: string | null;
  readonly forgotten_at: number | null;
}

/** Does one thing to all jobs that the filter names, in this transaction; larger sets are an operation. */
export async function actOnJobs(tx: Transaction, experimentId: number, filter: JobFilter, request: ActionRequest): Promise<ActionResult> {
  const where = await filterWhere(tx, experimentId, filter);
  const limit = LIMITS.bulk_jobs.value;
  const { text, values } = sinceAsked(request);
  const heads = await tx.sql.all<JobHead>(
    `select id, number, status, held_at, not_before, attempts, tags_json, forgotten_at from job where ${where.text}${text} order by number limit ?${lockOf(tx.sql)}`,
    [...where.values, ...values, limit + 1],
  );
  if (heads.length > limit) {
    throw new Refusal('too_many', `More than ${limit.toLocaleString('en-US')} jobs match; at most that many are changed in one commit.`);
  }
  const refused: Partial<Record<RefusalCode, number>> = {};
  const fitting: JobHead[] = [];
  for (const head of heads) {
    const refusal = refusalOf(request, head);
    if (refusal === null) fitting.push(head);
    else if (refusal !== 'as_it_is') refused[refusal] = (refused[refusal] ?? 0) + 1;
  }
  await apply(tx, experimentId, fitting, request);
  return { matched: heads.length, changed: fitting.map((head) => head.number), refused };
}

function sinceAsked({ action, asked_at }: ActionRequest): { text: string; values: number[] } {
  if (asked_at === undefined || (action !== 'delete' && action !== 'requeue')) return { text: '', values: [] };
  return {
    text: ' and (attempts = 0 or not exists (select 1 from attempt where attempt.job_id = job.id and attempt.recorded_at > ?))',
    values: [asked_at],
  };
}

/** Why an action leaves a job alone; null when it does not. */
export function refusalOf({ action, tags = [] }: Asked, { status, tags_json, forgotten_at }: Judged): RefusalCode | 'as_it_is' | null {
  if (forgotten_at !== undefined && ((action === 'forget' && forgotten_at !== null) || (action === 'unforget' && forgotten_at === null && isEnded(status))))
    return 'as_it_is';
  if (action !== 'add_tags' && action !== 'remove_tags') return statusRefusal(action, status);
  const before = readTags(tags_json);
  const after = action === 'add_tags' ? withTags(before, tags) : withoutTags(before, tags);
  if (after === null) return 'too_many';
  return after.length === before.length ? 'as_it_is' : null;
}

export type Asked = Pick<ActionRequest, 'action' | 'tags'>;
export type Judged = Pick<JobHead, 'status' | 'tags_json'> & Partial<Pick<JobHead, 'forgotten_at'>>;

function readTags(json: string | null): string[] {
  return json === null ? [] : (JSON.parse(json) as string[]);
}

type TagAction = 'add_tags' | 'remove_tags';

/** Why an action leaves jobs of this status alone. */
export function statusRefusal(action: Exclude<JobAction, TagAction>, status: JobStatus): RefusalCode | null {
  switch (action) {
    case 'cancel':
      return status === 'pending' || status === 'running' ? null : 'job_ended';
    case 'forget':
    case 'unforget':
      return isEnded(status) ? null : 'job_not_ended';
    case 'requeue':
      return mayTransition('requeue', status, 'pending') ? null : 'job_not_ended';
    case 'hold':
    case 'unhold':
    case 'delete':
    case 'set_priority':
    case 'set_timeout':
      return status === 'pending' ? null : 'job_not_pending';
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
    case 'set_timeout':
      await setAll(tx, heads, 'timeout_seconds = ?', [request.timeout_seconds ?? null]);
      return tell(tx, 'jobs_edited', { experiment_id: experimentId, actor: request.actor, heads, data: { timeout_seconds: request.timeout_seconds ?? null } });
    case 'forget':
    case 'unforget':
      return forget(tx, experimentId, heads, request);
    case 'add_tags':
    case 'remove_tags':
      return changeTags(tx, experimentId, heads, request);
    case 'delete':
      await deletePending(tx, experimentId, heads);
      tx.count(experimentId, 'pending', -heads.length);
      return tell(tx, 'jobs_deleted', { experiment_id: experimentId, actor: request.actor, heads });
  }
}

/** Out of the lists and back: nothing else about the job changes. */
async function forget(tx: Transaction, experimentId: number, heads: readonly JobHead[], { action, actor }: ActionRequest): Promise<void> {
  const forgets = action === 'forget';
  await setAll(tx, heads, 'forgotten_at = ?', [forgets ? tx.now : null]);
  tx.count(experimentId, 'forgotten', forgets ? heads.length : -heads.length);
  tell(tx, forgets ? 'jobs_forgotten' : 'jobs_unforgotten', { experiment_id: experimentId, actor, heads });
}

async function changeTags(tx: Transaction, experimentId: number, heads: readonly JobHead[], { action, tags = [], actor }: ActionRequest): Promise<void> {
  const adds = action === 'add_tags';
  const changes = heads.map((head) => {
    const before = readTags(head.tags_json);
    return { head, before, after: (adds ? withTags(before, tags) : withoutTags(before, tags)) ?? before };
  });
  const rows = changes.map(({ head, after }) => [head.id, after.length === 0 ? null : JSON.stringify(after)]);
  await tx.sql.run(`update job set tags_json = v.tags from ${rowSet(tx.sql.dialect, { id: 'int', tags: 'text' })} as v where job.id = v.id`, [
    JSON.stringify(rows),
  ]);
  const differing = (these: 'before' | 'after', others: 'before' | 'after') =>
    changes.map((change) => ({ number: change.head.number, tags: change[these].filter((tag) => !change[others].includes(tag)) }));
  if (adds) await indexTags(tx.sql, experimentId, differing('after', 'before'));
  else await unindexTags(tx.sql, experimentId, differing('before', 'after'));
  tell(tx, 'jobs_edited', { experiment_id: experimentId, actor, heads, data: { [adds ? 'tags_added' : 'tags_removed']: tags.join(', ') } });
}

async function setAll(tx: Transaction, heads: readonly JobHead[], assignment: string, values: readonly (string | number | null)[]): Promise<void> {
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
  await tx.sql.run(
    `update attempt set requeued_at = ? where job_id in ${valueSet(tx.sql.dialect, 'int')} and attempt = (select job.attempts from job where job.id = attempt.job_id)`,
    [tx.now, idsOf(heads)],
  );
  for (const status of ['done', 'aborted'] as const) {
    tx.count(experimentId, status, -heads.filter((head) => head.status === status).length);
  }
  await setAll(
    tx,
    heads,
    `status = 'pending', failures = 0, losses = 0, not_before = null, held_at = null, cancel_requested_at = null, finished_at = null, duration_ms = null,
      outcome = null, exit_code = null, signal = null, message = null, forgotten_at = null, revision = revision + 1`,
    [],
  );
  tx.count(experimentId, 'forgotten', -heads.filter((head) => head.forgotten_at !== null).length);
  tx.count(experimentId, 'pending', heads.length);
  tx.wake('all');
  tell(tx, 'jobs_requeued', { experiment_id: experimentId, actor: request.actor, heads });
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
