// The columns of the job table: what stands in the cells of each, and which of them the server can sort by.
import { useRef, type ReactNode } from 'react';

import type { JobShape, JobSort } from '../../contract/index.ts';
import { isEnded } from '../../core/job.ts';
import { plainText } from '../../core/params.ts';
import { numberText } from '../charts/chart-table.ts';
import { hint } from '../components/hint.tsx';
import { ParamChips, shortText } from '../components/params.tsx';
import { jobHref, PlainLink, workerHref } from '../components/plain-link.tsx';
import { JobStatusBadge } from '../components/status.tsx';
import { Absent, JobDuration, Moment } from '../components/time.tsx';
import { metricOf, paramOf, type ColumnId, type JobColumn } from './columns.ts';
import { TagChips } from './tag-chips.tsx';
import type { WorkerMachines } from './use-job-rows.ts';
import type { LatestValue } from './use-latest-metrics.ts';

/** What the cells of one row show. All of it stays the same object as long as it says the same. */
export interface RowFacts {
  readonly job: JobShape;
  readonly varying: ReadonlySet<string>;
  /** Params with a column of their own. */
  readonly apart: ReadonlySet<string>;
  readonly metrics: readonly string[];
  readonly latest: readonly LatestValue[] | undefined;
  readonly machine: WorkerMachines[string] | undefined;
}

const SORT_OF: Readonly<Record<string, JobSort>> = {
  number: 'number',
  status: 'status',
  worker: 'worker_id',
  created: 'created_at',
  priority: 'priority',
  started: 'started_at',
  finished: 'finished_at',
  duration: 'duration_ms',
  attempts: 'attempts',
  progress: 'progress',
};

/** What the server sorts by for a column; undefined where it does not. */
export function sortOf(column: string): JobSort | undefined {
  const metric = metricOf(column);
  return metric === null ? SORT_OF[column] : `metric:${metric}`;
}

const CELLS: Readonly<Record<JobColumn, (row: RowFacts) => ReactNode>> = {
  params: (row) => <ParamsCell {...row} />,
  status: ({ job }) => <StatusCell job={job} />,
  message: ({ job }) => <MessageCell message={job.message} />,
  worker: (row) => <WorkerCell {...row} />,
  machine_class: ({ job }) => job.machine_class ?? <Absent />,
  created: ({ job }) => <Moment at={job.created_at} />,
  started: ({ job }) => <Moment at={job.started_at} />,
  finished: ({ job }) => <Moment at={job.finished_at} />,
  duration: ({ job }) => <JobDuration job={job} />,
  progress: ({ job }) => <ProgressCell job={job} />,
  attempts: ({ job }) => <span className="dr-num">{job.attempts === 0 ? <Absent /> : job.attempts}</span>,
  priority: ({ job }) => <span className="dr-num">{job.priority}</span>,
};

export function cellOf(id: ColumnId, row: RowFacts): ReactNode {
  const metric = metricOf(id);
  if (metric !== null) return <MetricCell value={row.latest?.[row.metrics.indexOf(metric)]} />;
  const param = paramOf(id);
  if (param !== null) return <ParamCell job={row.job} name={param} />;
  return CELLS[id as JobColumn](row);
}

interface SelectProps {
  readonly number: number;
  readonly selected: boolean;
  readonly toggle: (number: number, through: boolean) => void;
}

/** With Shift, all rows since the last one too. */
export function SelectCell({ number, selected, toggle }: SelectProps) {
  const through = useRef(false);
  return (
    <input
      type="checkbox"
      className="dr-check"
      aria-label={`Select job ${number}`}
      checked={selected}
      onClick={(event) => {
        through.current = event.shiftKey;
      }}
      onChange={() => toggle(number, through.current)}
    />
  );
}

/** Columns of numbers, which read from the right: metrics, and params that are numbers in all these rows. */
export function numericColumns(columns: readonly ColumnId[], jobs: readonly JobShape[]): ColumnId[] {
  return columns.filter((id) => {
    const param = paramOf(id);
    if (param === null) return metricOf(id) !== null;
    const values = jobs.filter(({ params }) => Object.hasOwn(params, param)).map(({ params }) => params[param]);
    return values.length > 0 && values.every((value) => typeof value === 'number');
  });
}

export function ParamsCell({ job, varying, apart }: Pick<RowFacts, 'job' | 'varying' | 'apart'>) {
  return (
    <>
      <ParamChips params={job.params} varying={varying} apart={apart} />
      <TagChips job={job} />
    </>
  );
}

function ParamCell({ job, name }: { readonly job: JobShape; readonly name: string }) {
  if (!Object.hasOwn(job.params, name)) return <Absent />;
  const value = job.params[name]!;
  return (
    <span className={typeof value === 'number' ? 'dr-num dr-param-value' : 'dr-mono dr-param-value'} title={plainText(value)}>
      {shortText(value)}
    </span>
  );
}

function MetricCell({ value }: { readonly value: LatestValue | undefined }) {
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

export function JobLink({ job }: { readonly job: JobShape }) {
  return (
    <PlainLink href={jobHref(job)} className="dr-job-link dr-num" data-row-link data-number={job.number} aria-label={`Job ${job.number}`}>
      {job.number}
    </PlainLink>
  );
}

export function StatusCell({ job }: { readonly job: JobShape }) {
  return (
    <span {...hint(statusReason(job))}>
      <JobStatusBadge job={job} />
    </span>
  );
}

function statusReason(job: JobShape): string | null {
  if (job.status === 'aborted') {
    const code = job.exit_code === null ? (job.signal === null ? null : `signal ${job.signal}`) : `exit code ${job.exit_code}`;
    return [job.message, code].filter((part) => part !== null && part !== '').join(' · ') || null;
  }
  if (job.status === 'pending' && job.held_at !== null) return 'Held: no worker may take it until it is let go.';
  return null;
}

/** The machine and the process; the whole id on hover, and all about the worker behind the link. */
export function WorkerCell({ job: { worker_id: id, experiment }, machine }: Pick<RowFacts, 'job' | 'machine'>) {
  if (id === null) return <Absent />;
  const name = machine?.machine ?? machine?.machine_class ?? id.split('_')[0];
  // That of the agent, which is not there.
  const process = machine === undefined || machine.machine !== null ? null : machine.process_id;
  return (
    <PlainLink
      href={workerHref(experiment, id)}
      className="dr-plain-link dr-worker-cell"
      aria-label={`${name}${process === null ? '' : ` ${process}`}, worker ${id}`}
      {...hint(id)}
    >
      {name} {process === null ? null : <span className="dr-num dr-faint">{process}</span>}
    </PlainLink>
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
