// The columns of the job table, and which of them the server can sort by.
import { Text, Tooltip } from '@mantine/core';
import { createColumnHelper, tableFeatures } from '@tanstack/react-table';
import { Link } from '@tanstack/react-router';
import { createContext, use } from 'react';

import type { JobShape, SORTS } from '../../contract/index.ts';
import { isEnded } from '../../core/job.ts';
import { JobStatusBadge } from '../components/status.tsx';
import { Absent, JobDuration, Moment } from '../components/time.tsx';
import { ParamChips } from '../components/params.tsx';
import { RowActions, type JobAction } from './job-actions.tsx';
import type { JobRow } from './use-job-rows.ts';

export const features = tableFeatures({});

export interface JobTableMeta {
  readonly varying: ReadonlySet<string>;
  readonly actions: (job: JobShape) => readonly JobAction[];
}

/** What cells need besides their row. The columns themselves never change: new ones would be new components, whose open menus and focus are lost. */
export const JobTableContext = createContext<JobTableMeta>({ varying: new Set(), actions: () => [] });

/** Column id → what the server sorts by. */
export const SORT_OF: Readonly<Record<string, (typeof SORTS)[number]>> = {
  number: 'number',
  status: 'status',
  worker: 'worker_id',
  started: 'started_at',
  finished: 'finished_at',
  duration: 'duration_ms',
  attempts: 'attempts',
};

const helper = createColumnHelper<typeof features, JobRow>();

export const jobColumns = helper.columns([
  helper.accessor((row) => row.job.number, { id: 'number', header: 'ID', cell: ({ row }) => <JobLink job={row.original.job} /> }),
  helper.display({ id: 'params', header: 'Parameters', cell: ({ row }) => <ParamsCell job={row.original.job} /> }),
  helper.display({ id: 'status', header: 'Status', cell: ({ row }) => <StatusCell job={row.original.job} /> }),
  helper.display({ id: 'worker', header: 'Worker', cell: ({ row }) => <WorkerCell id={row.original.job.worker_id} /> }),
  helper.display({ id: 'started', header: 'Started', cell: ({ row }) => <Moment at={row.original.job.started_at} /> }),
  helper.display({ id: 'finished', header: 'Finished', cell: ({ row }) => <Moment at={row.original.job.finished_at} /> }),
  helper.display({ id: 'duration', header: 'Duration', cell: ({ row }) => <JobDuration job={row.original.job} /> }),
  helper.display({ id: 'progress', header: 'Progress', cell: ({ row }) => <ProgressCell job={row.original.job} /> }),
  helper.display({
    id: 'attempts',
    header: 'Attempts',
    cell: ({ row }) => <span className="dr-num">{row.original.job.attempts === 0 ? <Absent /> : row.original.job.attempts}</span>,
  }),
  helper.display({ id: 'actions', header: 'Actions', cell: ({ row }) => <ActionsCell job={row.original.job} /> }),
]);

function ParamsCell({ job }: { readonly job: JobShape }) {
  const { varying } = use(JobTableContext);
  return <ParamChips params={job.params} varying={varying} />;
}

function ActionsCell({ job }: { readonly job: JobShape }) {
  const { actions } = use(JobTableContext);
  return <RowActions job={job} actions={actions(job)} />;
}

export function JobLink({ job }: { readonly job: JobShape }) {
  return (
    <Link
      to="/experiments/$experiment/jobs/$number"
      params={{ experiment: job.experiment, number: String(job.number) }}
      className="dr-job-link dr-num"
      data-row-link
      aria-label={`Job ${job.number}`}
    >
      {job.number}
    </Link>
  );
}

export function StatusCell({ job }: { readonly job: JobShape }) {
  const badge = <JobStatusBadge job={job} />;
  const reason = statusReason(job);
  return reason === null ? badge : <Tooltip label={reason}>{<span>{badge}</span>}</Tooltip>;
}

function statusReason(job: JobShape): string | null {
  if (job.status === 'aborted') {
    const code = job.exit_code === null ? (job.signal === null ? null : `signal ${job.signal}`) : `exit code ${job.exit_code}`;
    return [job.message, code].filter((part) => part !== null && part !== '').join(' · ') || null;
  }
  if (job.status === 'pending' && job.held_at !== null) return 'Held: no worker may take it until it is let go.';
  return null;
}

function WorkerCell({ id }: { readonly id: string | null }) {
  if (id === null) return <Absent />;
  return (
    <Text component="span" className="dr-mono" size="sm" style={{ whiteSpace: 'nowrap' }}>
      {id}
    </Text>
  );
}

export function ProgressCell({ job }: { readonly job: JobShape }) {
  if (job.progress === null || job.progress.total <= 0) return <Absent />;
  const { done, total } = job.progress;
  const share = Math.max(0, Math.min(1, done / total));
  if (isEnded(job.status)) return <span className="dr-num dr-faint">{`${done}/${total}`}</span>;
  return (
    <span className="dr-mini-bar" title={`${done} of ${total}`}>
      <i aria-hidden>
        <b style={{ width: `${share * 100}%` }} />
      </i>
      <span className="dr-num">{Math.floor(share * 100)}%</span>
    </span>
  );
}
