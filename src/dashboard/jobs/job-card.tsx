// A job of the list as a card, on a phone.
import { memo } from 'react';

import { JobDuration, Moment } from '../components/time.tsx';
import { columnTitle, metricOf, paramOf } from './columns.ts';
import { RowActions } from './job-actions.tsx';
import { cellOf, JobLink, ParamsCell, ProgressCell, SelectCell, StatusCell, WorkerCell } from './job-columns.tsx';
import type { RowProps } from './job-table.tsx';

export const JobCard = memo(function JobCard({ left, selected, columns, mayOperate, toggle, actions, ...row }: Omit<RowProps, 'numeric'>) {
  const { job } = row;
  const own = columns.filter((id) => metricOf(id) !== null || paramOf(id) !== null);
  return (
    <li className="dr-job-card" data-left={left ? true : undefined}>
      <div className="dr-job-card-head">
        <SelectCell number={job.number} selected={selected} toggle={toggle} />
        <JobLink job={job} />
        <StatusCell job={job} />
        <span style={{ marginLeft: 'auto' }}>
          <RowActions job={job} mayOperate={mayOperate} actions={actions} />
        </span>
      </div>
      <ParamsCell {...row} />
      {own.length === 0 ? null : (
        <dl className="dr-job-card-values">
          {own.map((id) => (
            <div key={id}>
              <dt>{columnTitle(id)}</dt>
              <dd>{cellOf(id, row)}</dd>
            </div>
          ))}
        </dl>
      )}
      {job.started_at === null ? null : (
        <div className="dr-job-card-facts">
          <Moment at={job.started_at} />
          <JobDuration job={job} />
          {job.progress === null ? null : <ProgressCell job={job} />}
          {job.worker_id === null ? null : <WorkerCell {...row} />}
        </div>
      )}
    </li>
  );
});
