// How many jobs stand where, as links to them.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { JOB_STATUSES, type JobStatus } from '../../core/job.ts';
import { countText } from './bytes.ts';
import { STATUS_ICON, STATUS_WORD } from './status.tsx';

interface Props {
  readonly experiment: string;
  readonly counts: Readonly<Record<JobStatus, number>>;
  /** What the jobs behind the links have in common besides their status. */
  readonly search?: { readonly matrix?: number };
  /** Before each number, when it is not exact. */
  readonly about?: string;
  /** What stands beside them. */
  readonly children?: ReactNode;
}

export function StatusCounts({ experiment, counts, search = {}, about = '', children }: Props) {
  return (
    <div className="dr-experiment-counts">
      {JOB_STATUSES.map((status) => {
        const Symbol = STATUS_ICON[status];
        return (
          <Link
            key={status}
            to="/experiments/$experiment/jobs"
            params={{ experiment }}
            search={{ ...search, status }}
            className="dr-count"
            data-status={status}
            data-zero={counts[status] === 0 ? true : undefined}
          >
            <Symbol size={14} stroke={2} aria-hidden />
            <b className="dr-num">{`${about}${countText(counts[status])}`}</b> {STATUS_WORD[status].toLowerCase()}
          </Link>
        );
      })}
      {children}
    </div>
  );
}
