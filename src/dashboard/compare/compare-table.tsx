// The compared jobs as columns: how each went, what it was given, and the last value of everything that it measured.
import { CloseButton, useComputedColorScheme } from '@mantine/core';
import type { ReactNode } from 'react';

import type { JobShape } from '../../contract/index.ts';
import type { api } from '../api.ts';
import { JobNumber } from '../charts/chart-frame.tsx';
import { numberText } from '../charts/chart-table.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { JobStatusBadge } from '../components/status.tsx';
import { Absent, JobDuration, Moment } from '../components/time.tsx';
import { lineLook } from './compare-colours.ts';
import { paramRows, settingRows, type ComparedRow } from './compared-rows.ts';

export type Compared = Awaited<ReturnType<typeof api.compare.jobs>>;

interface Props {
  readonly experiment: string;
  readonly compared: Compared;
  /** Also what is the same for all. */
  readonly all: boolean;
  readonly leaveOut: (number: number) => void;
}

export function CompareTable({ experiment, compared, all, leaveOut }: Props) {
  const { jobs, metrics } = compared;
  const wanted = ({ differs }: ComparedRow): boolean => all || differs || jobs.length === 1;
  const params = paramRows(jobs).filter(wanted);
  const settings = settingRows(jobs).filter(wanted);
  return (
    <ScrollRegion label="Compared jobs" className="dr-card dr-compare">
      <table className="dr-table">
        <thead>
          <tr>
            <th>Job</th>
            {jobs.map((job, index) => (
              <th key={job.number}>
                <span className="dr-compare-job">
                  <Swatch index={index} />
                  <JobNumber experiment={experiment} number={job.number} />
                  <CloseButton size="xs" aria-label={`Leave job ${job.number} out`} onClick={() => leaveOut(job.number)} />
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <Rows title="How it went">
          <Row
            name="status"
            cells={jobs.map((job) => (
              <JobStatusBadge key={job.number} job={job} />
            ))}
          />
          <Row
            name="duration"
            cells={jobs.map((job) => (
              <JobDuration key={job.number} job={job} />
            ))}
          />
          <Row
            name="ended"
            cells={jobs.map((job) => (
              <Moment key={job.number} at={job.finished_at} />
            ))}
          />
          <Row
            name="worker"
            cells={jobs.map((job) => (
              <Text key={job.number} text={job.worker_id} />
            ))}
          />
        </Rows>
        <TextRows
          title={all ? 'All parameters' : 'Parameters that differ'}
          rows={params}
          jobs={jobs}
          none={all ? 'They have no params.' : 'They have the same params.'}
        />
        <TextRows title={all ? 'Settings' : 'Settings that differ'} rows={settings} jobs={jobs} none={null} />
        {metrics.length === 0 ? null : (
          <Rows title="Last values">
            {metrics.map(({ name, last }) => (
              <Row
                key={name}
                name={name}
                cells={last.map((value, index) => (value === null ? <Absent key={index} /> : <span key={index}>{numberText(value)}</span>))}
              />
            ))}
          </Rows>
        )}
      </table>
    </ScrollRegion>
  );
}

function Swatch({ index }: { readonly index: number }) {
  const { color, type } = lineLook(index, useComputedColorScheme('light'));
  return <span className="dr-swatch" style={{ borderTop: `3px ${type} ${color}` }} aria-hidden />;
}

function Rows({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <tbody>
      <tr className="dr-compare-group">
        <th colSpan={100} scope="rowgroup">
          {title}
        </th>
      </tr>
      {children}
    </tbody>
  );
}

interface TextRowsProps {
  readonly title: string;
  readonly rows: readonly ComparedRow[];
  readonly jobs: readonly JobShape[];
  /** Said when there are no rows; null: nothing is. */
  readonly none: string | null;
}

function TextRows({ title, rows, jobs, none }: TextRowsProps) {
  if (rows.length === 0 && none === null) return null;
  return (
    <Rows title={title}>
      {rows.map(({ name, texts, differs }) => (
        <Row
          key={name}
          name={name}
          differs={differs}
          cells={texts.map((text, index) => (
            <Text key={jobs[index]!.number} text={text} />
          ))}
        />
      ))}
      {rows.length > 0 ? null : (
        <tr>
          <td colSpan={100} className="dr-compare-none">
            {none}
          </td>
        </tr>
      )}
    </Rows>
  );
}

function Row({ name, cells, differs = false }: { readonly name: string; readonly cells: readonly ReactNode[]; readonly differs?: boolean }) {
  return (
    <tr data-differs={differs || undefined}>
      <th scope="row" className="dr-mono">
        {name}
      </th>
      {cells.map((cell, index) => (
        <td key={index} className="dr-num">
          {cell}
        </td>
      ))}
    </tr>
  );
}

function Text({ text }: { readonly text: string | null }) {
  if (text === null) return <Absent />;
  return (
    <span className="dr-mono dr-compare-text" title={text}>
      {text}
    </span>
  );
}
