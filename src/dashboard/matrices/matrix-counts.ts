// The statuses of a matrix's jobs as numbers to show: exact where all were looked at, else a share scaled up, and said to be one.
import type { api } from '../api.ts';
import type { BarCounts } from '../components/progress-bar.tsx';
import { JOB_STATUSES, type JobStatus } from '../../core/job.ts';

export type MatrixShape = Awaited<ReturnType<typeof api.matrices.list>>['matrices'][number];

export interface MatrixCounts {
  readonly exact: boolean;
  /** The total has the jobs that are still to be made, too. */
  readonly counts: BarCounts;
}

export function matrixCounts({ statuses, size }: Pick<MatrixShape, 'statuses' | 'size'>): MatrixCounts {
  const { looked_at, of, copies } = statuses;
  const exact = looked_at === of;
  const scaled = (status: JobStatus): number => (exact ? statuses[status] : Math.round((statuses[status] * of) / looked_at));
  const counts = { pending: scaled('pending'), running: scaled('running'), done: scaled('done'), aborted: scaled('aborted') };
  return { exact, counts: { ...counts, total: JOB_STATUSES.reduce((sum, status) => sum + counts[status], 0) + size + copies - of } };
}
