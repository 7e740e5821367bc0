// Matrices: remembered as one row, expanded at once when small, in chunks when large; after a crash the next chunk goes on where
// the last commit was.
import { type Axis, combinations, type Matrix, matrixSize } from '../core/matrix.ts';

import type { Selectable } from 'kysely';

import { insertJobs, type JobTemplate, takeNumbers } from './create-jobs.ts';
import type { MatrixTable } from './schema.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

/** Up to here a matrix is expanded in the commit that creates it. */
export const EXPANDED_AT_ONCE = 10_000;
export const CHUNK = 5_000;

export interface MatrixRecord {
  readonly id: number;
  readonly matrix: Matrix;
  readonly size: number;
  readonly expanded: number;
  readonly first_number: number;
  readonly template: JobTemplate;
  readonly created_at: number;
  readonly created_by: string | null;
}

export interface NewMatrix {
  readonly experiment_id: number;
  readonly matrix: Matrix;
  readonly template: JobTemplate;
  readonly actor: string;
}

export async function createMatrix(tx: Transaction, { experiment_id, matrix, template, actor }: NewMatrix): Promise<MatrixRecord> {
  const size = matrixSize(matrix);
  const block = await takeNumbers(tx, experiment_id, size);
  const expanded = size <= EXPANDED_AT_ONCE ? size : 0;
  const row = await tx.query
    .insertInto('matrix')
    .values({
      experiment_id,
      spec_json: JSON.stringify(matrix.map((axis) => [axis.name, axis.values])),
      job_json: JSON.stringify(template),
      size,
      expanded,
      first_number: block.first_number,
      first_job_id: block.first_job_id,
      created_at: tx.now,
      created_by: actor,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  const id = Number(row.id);
  const numbers = { from: block.first_number, to: block.first_number + size - 1 };
  tx.event({ kind: 'matrix_created', experiment_id, actor, data: { matrix_id: id, size, ...numbers } });
  tx.count(experiment_id, 'expanding', size - expanded);
  if (expanded > 0) {
    await insertJobs(tx, { experiment_id, template, matrix_id: id, block, params: [...combinations(matrix)], actor });
  }
  return { id, matrix, size, expanded, first_number: block.first_number, template, created_at: tx.now, created_by: actor };
}

/** Expands the next chunk of the oldest unfinished matrix; false when there is none. */
export async function expandNextChunk(tx: Transaction): Promise<boolean> {
  const row = await tx.query.selectFrom('matrix').selectAll().whereRef('expanded', '<', 'size').orderBy('id').limit(1).executeTakeFirst();
  if (row === undefined) return false;
  const matrix = readSpec(row.spec_json);
  const from = row.expanded;
  const to = Math.min(row.size, from + CHUNK);
  const actor = row.created_by ?? 'server';
  await insertJobs(tx, {
    experiment_id: row.experiment_id,
    template: JSON.parse(row.job_json) as JobTemplate,
    matrix_id: Number(row.id),
    block: { first_number: row.first_number + from, first_job_id: row.first_job_id + from },
    params: [...combinations(matrix, from, to)],
    actor,
  });
  tx.count(row.experiment_id, 'expanding', from - to);
  await tx.query.updateTable('matrix').set({ expanded: to }).where('id', '=', Number(row.id)).execute();
  if (to === row.size) tx.event({ kind: 'matrix_expanded', experiment_id: row.experiment_id, actor, data: { matrix_id: Number(row.id), size: row.size } });
  return true;
}

export async function findMatrix(reader: Pick<Reader, 'query'>, experimentId: number, id: number): Promise<MatrixRecord | null> {
  const row = await reader.query.selectFrom('matrix').selectAll().where('experiment_id', '=', experimentId).where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : matrixRecord(row);
}

/** Newest first. */
export async function listMatrices(
  reader: Pick<Reader, 'query'>,
  experimentId: number,
  { before, limit }: { readonly before: number | null; readonly limit: number },
): Promise<MatrixRecord[]> {
  let query = reader.query.selectFrom('matrix').selectAll().where('experiment_id', '=', experimentId).orderBy('id', 'desc').limit(limit);
  if (before !== null) query = query.where('id', '<', before);
  return (await query.execute()).map(matrixRecord);
}

function matrixRecord(row: Selectable<MatrixTable>): MatrixRecord {
  const { size, expanded, first_number, created_at, created_by } = row;
  return {
    ...{ id: Number(row.id), size, expanded, first_number, created_at, created_by },
    matrix: readSpec(row.spec_json),
    template: JSON.parse(row.job_json) as JobTemplate,
  };
}

function readSpec(json: string): Matrix {
  return (JSON.parse(json) as [string, Axis['values']][]).map(([name, values]) => ({ name, values }));
}
