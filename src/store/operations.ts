// Bulk actions on more jobs than one commit may change: stored as a row, done in chunks by the background, and gone on with after a
// crash where the last commit was. Jobs are found by reading; each chunk looks at them again, so that one that ended meanwhile is left alone.
import { LIMITS } from '../core/limits.ts';
import { Refusal, type RefusalCode } from '../core/refusal.ts';

import { jobNumbers, unmadeJobs } from './bulk-selection.ts';
import { type ActionRequest, actOnJobs, type JobAction, type Refused } from './job-actions.ts';
import type { JobFilter } from './job-search.ts';
import type { OperationTable } from './schema.ts';
import { lockOf } from './sql.ts';
import type { Reader, Store } from './store.ts';
import type { Transaction } from './writer.ts';

export interface Operation {
  readonly id: number;
  readonly experiment_id: number;
  readonly action: JobAction;
  readonly request: Pick<ActionRequest, 'force' | 'priority' | 'tags' | 'timeout_seconds'>;
  readonly filter: JobFilter;
  readonly last_number: number;
  readonly at_number: number;
  readonly matched: number;
  readonly done: number;
  readonly changed: number;
  readonly refused: Refused;
  readonly created_at: number;
  readonly created_by: string;
  readonly finished_at: number | null;
  readonly problem: string | null;
}

export interface NewOperation {
  readonly experiment_id: number;
  readonly filter: JobFilter;
  readonly request: ActionRequest;
  /** Jobs that the filter names now, for the progress. */
  readonly matched: number;
}

export async function startOperation(tx: Transaction, { experiment_id, filter, request, matched }: NewOperation): Promise<Operation> {
  const { action, actor, force, priority, tags, timeout_seconds } = request;
  const { next_number } = await tx.query.selectFrom('experiment').select('next_number').where('id', '=', experiment_id).executeTakeFirstOrThrow();
  const row = {
    experiment_id,
    action,
    request_json: JSON.stringify({ force, priority, tags, timeout_seconds }),
    filter_json: JSON.stringify(filter),
    last_number: Number(next_number) - 1,
    at_number: 0,
    matched,
    done: 0,
    changed: 0,
    refused_json: '{}',
    created_at: tx.now,
    created_by: actor,
    finished_at: null,
    problem: null,
  };
  const { id } = await tx.query.insertInto('operation').values(row).returning('id').executeTakeFirstOrThrow();
  tx.event({ kind: 'operation_started', experiment_id, actor, data: { operation_id: Number(id), action, matched } });
  return toOperation({ id: Number(id), ...row });
}

type Row = Omit<OperationTable, 'id'> & { id: number };

function toOperation(row: Row): Operation {
  const { request_json, filter_json, refused_json, action, ...rest } = row;
  return {
    ...rest,
    id: Number(row.id),
    action: action as JobAction,
    request: JSON.parse(request_json) as Operation['request'],
    filter: JSON.parse(filter_json) as JobFilter,
    refused: JSON.parse(refused_json) as Refused,
  };
}

export async function findOperation(reader: Pick<Reader, 'query'>, experimentId: number, id: number): Promise<Operation | null> {
  const row = await reader.query.selectFrom('operation').selectAll().where('experiment_id', '=', experimentId).where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toOperation(row);
}

/** The newest ones of an experiment, newest first. */
export async function listOperations(reader: Pick<Reader, 'query'>, experimentId: number, limit: number): Promise<Operation[]> {
  const rows = await reader.query.selectFrom('operation').selectAll().where('experiment_id', '=', experimentId).orderBy('id', 'desc').limit(limit).execute();
  return rows.map(toOperation);
}

/** The oldest unfinished one of each experiment: those of one experiment are done in order, those of others side by side. */
export async function waitingOperations(reader: Pick<Reader, 'sql'>): Promise<number[]> {
  const rows = await reader.sql.all<{ id: number }>('select min(id) as id from operation where finished_at is null group by experiment_id order by id');
  return rows.map((row) => Number(row.id));
}

/** Jobs that are looked up at once, for several chunks. */
const FOUND_AT_ONCE = 20_000;

/** Makes chunks of a size of its own choosing: `commit` runs the piece for that many jobs and tells how many it took. */
export type InPieces = (total: number, commit: (from: number, size: number) => Promise<void>) => Promise<void>;

/** Takes an operation some way further; false when it must wait for a matrix, is over, or was interrupted. */
export async function advanceOperation(store: Store, id: number, inPieces: InPieces): Promise<boolean> {
  const row = await store.query.selectFrom('operation').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined || row.finished_at !== null) return false;
  const operation = toOperation(row);
  try {
    return await advance(store, operation, inPieces);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // What was fine when it was asked no longer is, for example a text that too many values hold by now. The others go on.
    await store.write((tx) => finish(tx, operation, error.message));
    return true;
  }
}

async function advance(store: Store, operation: Operation, inPieces: InPieces): Promise<boolean> {
  const { experiment_id, filter, last_number, at_number } = operation;
  const unmade = await unmadeJobs(store, experiment_id, filter, last_number);
  const up_to = Math.min(last_number, unmade === null ? last_number : unmade.first - 1);
  const numbers = up_to > at_number ? await jobNumbers(store, experiment_id, filter, { after: at_number, up_to, limit: FOUND_AT_ONCE }) : [];
  let at = at_number;
  await inPieces(numbers.length, async (from, size) => {
    const chunk = numbers.slice(from, from + size);
    const to = chunk.at(-1)!;
    await store.write((tx) => applyChunk(tx, operation, { numbers: chunk, from: at, to }));
    at = to;
  });
  if (at !== (numbers.at(-1) ?? at_number)) return false;
  if (numbers.length < FOUND_AT_ONCE && up_to === last_number) {
    await store.write((tx) => finish(tx, { ...operation, at_number: at }, null));
    return true;
  }
  return numbers.length > 0;
}

interface Chunk {
  readonly numbers: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** Does nothing when another server did the same chunk. */
async function applyChunk(tx: Transaction, { id, experiment_id, filter, action, request, created_by, created_at }: Operation, chunk: Chunk): Promise<void> {
  const [row] = await tx.sql.all<Row>(`select * from operation where id = ? and at_number = ? and finished_at is null${lockOf(tx.sql)}`, [id, chunk.from]);
  if (row === undefined) return;
  // Terms were looked at when the jobs were found, a moment ago.
  const { terms: _terms, ranges: _ranges, ...rest } = filter;
  const result = await actOnJobs(
    tx,
    experiment_id,
    { ...rest, numbers: chunk.numbers },
    { action, ...request, actor: created_by, asked_at: Number(created_at) },
  );
  const refused: Partial<Record<RefusalCode, number>> = { ...(JSON.parse(row.refused_json) as Refused) };
  for (const [code, count] of Object.entries(result.refused) as [RefusalCode, number][]) refused[code] = (refused[code] ?? 0) + count;
  await tx.sql.run('update operation set at_number = ?, done = done + ?, changed = changed + ?, refused_json = ? where id = ?', [
    chunk.to,
    result.matched,
    result.changed.length,
    JSON.stringify(refused),
    id,
  ]);
}

async function finish(tx: Transaction, operation: Operation, problem: string | null): Promise<void> {
  const [row] = await tx.sql.all<Row>(
    `update operation set finished_at = ?, problem = ?${problem === null ? ', matched = done' : ''}
      where id = ? and at_number = ? and finished_at is null returning *`,
    [tx.now, problem, operation.id, operation.at_number],
  );
  if (row === undefined) return;
  tx.event({
    kind: 'operation_finished',
    experiment_id: operation.experiment_id,
    actor: operation.created_by,
    data: { operation_id: operation.id, action: operation.action, changed: Number(row.changed), ...(problem === null ? {} : { problem }) },
  });
}

/** Forgets operations that ended long ago. */
export async function pruneOperations(tx: Transaction): Promise<number> {
  return tx.sql.run('delete from operation where finished_at < ?', [tx.now - LIMITS.history_seconds.value * 1000]);
}
