// The columns of the job table, and which of them the server can sort by.
import { Text, Tooltip } from '@mantine/core';
import { createColumnHelper, tableFeatures } from '@tanstack/react-table';
import { Link } from '@tanstack/react-router';
import { createContext, use, useRef, type ReactNode } from 'react';

import type { JobShape, SORTS } from '../../contract/index.ts';
import { isEnded } from '../../core/job.ts';
import { plainText } from '../../core/params.ts';
import { numberText } from '../charts/chart-table.ts';
import { JobStatusBadge } from '../components/status.tsx';
import { Absent, JobDuration, Moment } from '../components/time.tsx';
import { ParamChips, shortText } from '../components/params.tsx';
import { columnTitle, metricOf, paramOf, type ColumnId, type JobColumn } from './columns.ts';
import { RowActions, type JobAction } from './job-actions.tsx';

import { isSelected, NOTHING } from './selection.ts';
import { TagChips } from './tag-chips.tsx';
import type { JobRow } from './use-job-rows.ts';
import type { LatestOf } from './use-latest-metrics.ts';
import type { Selecting } from './use-selection.ts';

export const features = tableFeatures({});

export interface JobTableMeta {
  readonly varying: ReadonlySet<string>;
  /** Params with a column of their own. */
  readonly apart: ReadonlySet<string>;
  readonly latest: LatestOf;
  readonly selecting: Pick<Selecting, 'selection' | 'toggle'>;
  readonly actions: (job: JobShape) => readonly JobAction[];
}

/** What cells need besides their row. A column once made never changes: a new one would be a new component, whose open menus and focus are lost. */
export const JobTableContext = createContext<JobTableMeta>({
  varying: new Set(),
  apart: new Set(),
  latest: () => undefined,
  selecting: { selection: NOTHING, toggle: () => undefined },
  actions: () => [],
});

/** Column id → what the server sorts by. */
export const SORT_OF: Readonly<Record<string, (typeof SORTS)[number]>> = {
  number: 'number',
  status: 'status',
  worker: 'worker_id',
  created: 'created_at',
  priority: 'priority',
  started: 'started_at',
  finished: 'finished_at',
  duration: 'duration_ms',
  attempts: 'attempts',
};

const helper = createColumnHelper<typeof features, JobRow>();

const CELLS: Readonly<Record<JobColumn, (job: JobShape) => ReactNode>> = {
  params: (job) => <ParamsCell job={job} />,
  status: (job) => <StatusCell job={job} />,
  message: (job) => <MessageCell message={job.message} />,
  worker: (job) => <WorkerCell id={job.worker_id} />,
  machine_class: (job) => job.machine_class ?? <Absent />,
  created: (job) => <Moment at={job.created_at} />,
  started: (job) => <Moment at={job.started_at} />,
  finished: (job) => <Moment at={job.finished_at} />,
  duration: (job) => <JobDuration job={job} />,
  progress: (job) => <ProgressCell job={job} />,
  attempts: (job) => <span className="dr-num">{job.attempts === 0 ? <Absent /> : job.attempts}</span>,
  priority: (job) => <span className="dr-num">{job.priority}</span>,
};

type Column = ReturnType<typeof makeColumn>;

function makeColumn(id: string, header: string, cell: (job: JobShape) => ReactNode) {
  return helper.display({ id, header, cell: ({ row }) => cell(row.original.job) });
}

const made = new Map<string, Column>();

function column(id: string, header: string, cell: (job: JobShape) => ReactNode): Column {
  const known = made.get(id);
  if (known !== undefined) return known;
  const fresh = makeColumn(id, header, cell);
  made.set(id, fresh);
  return fresh;
}

export function tableColumns(ids: readonly ColumnId[]): Column[] {
  return [
    column('select', 'Select', (job) => <SelectCell number={job.number} />),
    column('number', 'ID', (job) => <JobLink job={job} />),
    ...ids.map(chosenColumn),
    column('actions', 'Actions', (job) => <ActionsCell job={job} />),
  ];
}

function chosenColumn(id: ColumnId): Column {
  const metric = metricOf(id);
  if (metric !== null) return column(id, metric, (job) => <MetricCell job={job} name={metric} />);
  const param = paramOf(id);
  if (param !== null) return column(id, param, (job) => <ParamCell job={job} name={param} />);
  return column(id, columnTitle(id), CELLS[id as JobColumn]);
}

/** With Shift, all rows since the last one too. */
export function SelectCell({ number }: { readonly number: number }) {
  const { selection, toggle } = use(JobTableContext).selecting;
  const through = useRef(false);
  return (
    <input
      type="checkbox"
      className="dr-check"
      aria-label={`Select job ${number}`}
      checked={isSelected(selection, number)}
      onClick={(event) => {
        through.current = event.shiftKey;
      }}
      onChange={() => toggle(number, through.current)}
    />
  );
}

/** Cells of these read from the right. */
export function isNumeric(id: string): boolean {
  return metricOf(id) !== null;
}

function ParamsCell({ job }: { readonly job: JobShape }) {
  const { varying, apart } = use(JobTableContext);
  return (
    <>
      <ParamChips params={job.params} varying={varying} apart={apart} />
      <TagChips job={job} />
    </>
  );
}

export function ParamCell({ job, name }: { readonly job: JobShape; readonly name: string }) {
  if (!Object.hasOwn(job.params, name)) return <Absent />;
  const value = job.params[name]!;
  return (
    <span className="dr-mono dr-param-value" title={plainText(value)}>
      {shortText(value)}
    </span>
  );
}

export function MetricCell({ job, name }: { readonly job: JobShape; readonly name: string }) {
  const value = use(JobTableContext).latest(job, name);
  if (value === undefined || value === null) return <Absent />;
  if (value === 'not_finite') return <span className="dr-not-finite">not finite</span>;
  return (
    <span className="dr-num" title={String(value)}>
      {numberText(value)}
    </span>
  );
}

function MessageCell({ message }: { readonly message: string | null }) {
  if (message === null || message === '') return <Absent />;
  return (
    <span className="dr-message" title={message}>
      {message}
    </span>
  );
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
