// How far the jobs of matrices are. The numbers of a matrix's jobs follow one another, so an even share of them is known beforehand, and
// each of them is one look-up: however large a matrix is, it costs no more than a named number of looks.
import type { JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';

import { rowSet } from './sql.ts';
import type { Reader } from './store.ts';

export interface MatrixStatuses extends Record<JobStatus, number> {
  /** Of the pending ones. */
  held: number;
  /** Of the aborted ones. */
  cancelled: number;
  /** Numbers that were looked at, of those that the matrix has made jobs of; deleted jobs have no status any more, and forgotten ones none to show. */
  looked_at: number;
  of: number;
  /** Of both: jobs that were cloned from its jobs later, which have numbers of their own. */
  copies: number;
}

interface Block {
  readonly id: number;
  readonly first_number: number;
  readonly expanded: number;
  readonly size: number;
}

export async function readMatrixStatuses(reader: Reader, experimentId: number, blocks: readonly Block[]): Promise<Map<number, MatrixStatuses>> {
  const looks = blocks.map((block) => ({ ...block, numbers: looksAt(block) }));
  const found = new Map(
    looks.map(({ id, expanded, numbers }) => [
      id,
      { pending: 0, running: 0, done: 0, aborted: 0, held: 0, cancelled: 0, looked_at: numbers.length, of: expanded, copies: 0 },
    ]),
  );
  const chosen = rowSet(reader.sql.dialect, { matrix_id: 'int', number: 'int' });
  const rows = await reader.sql.all<Tally>(
    `select v.matrix_id, j.status, ${TALLY} from ${chosen} as v cross join job j
     where j.experiment_id = ? and j.number = v.number and j.forgotten_at is null group by v.matrix_id, j.status`,
    [JSON.stringify(looks.flatMap(({ id, numbers }) => numbers.map((number) => [id, number]))), experimentId],
  );
  for (const { matrix_id, status, jobs, held, cancelled } of rows) {
    const statuses = found.get(Number(matrix_id))!;
    statuses[status] = Number(jobs);
    if (status === 'pending') statuses.held = Number(held);
    if (status === 'aborted') statuses.cancelled = Number(cancelled);
  }
  for (const { matrix_id, status, jobs, held, cancelled } of await readCopies(reader, blocks)) {
    const statuses = found.get(Number(matrix_id))!;
    statuses[status] += Number(jobs);
    if (status === 'pending') statuses.held += Number(held);
    if (status === 'aborted') statuses.cancelled += Number(cancelled);
    statuses.copies += Number(jobs);
    statuses.looked_at += Number(jobs);
    statuses.of += Number(jobs);
  }
  return found;
}

interface Tally {
  readonly matrix_id: number;
  readonly status: JobStatus;
  readonly jobs: number;
  readonly held: number;
  readonly cancelled: number;
}

const TALLY = `count(*) as jobs, count(j.held_at) as held, count(case when j.outcome = 'cancelled' then 1 end) as cancelled`;

/** Jobs of the matrices beyond their own numbers. */
function readCopies(reader: Reader, blocks: readonly Block[]): Promise<Tally[]> {
  const ends = rowSet(reader.sql.dialect, { matrix_id: 'int', last: 'int' });
  return reader.sql.all<Tally>(
    `select v.matrix_id, j.status, ${TALLY} from ${ends} as v cross join job j
      where j.matrix_id = v.matrix_id and j.number > v.last and j.forgotten_at is null group by v.matrix_id, j.status`,
    [JSON.stringify(blocks.map(({ id, first_number, size }) => [id, first_number + size - 1]))],
  );
}

/**
 * All numbers of a small block; of a large one as many as may be looked at, one from each of as many equal stretches. Where in its stretch is
 * told by a hash, because every k-th job of a grid has the same values.
 */
function looksAt({ first_number, expanded }: Block): number[] {
  const most = LIMITS.matrix_looks.value;
  if (expanded <= most) return Array.from({ length: expanded }, (_, index) => first_number + index);
  const stretch = expanded / most;
  return Array.from({ length: most }, (_, index) => first_number + Math.floor((index + fraction(index)) * stretch));
}

/** Spreads whole numbers evenly over 0 … 1. */
function fraction(index: number): number {
  return (Math.imul(index + 1, 2_654_435_761) >>> 0) / 2 ** 32;
}
