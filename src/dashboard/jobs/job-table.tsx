// The job table. Sorting is the server's: a header only says how to sort; on a phone the rows become cards.
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useMediaQuery } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { flexRender, useTable } from '@tanstack/react-table';
import { useMemo, type MouseEvent } from 'react';

import type { JobShape, SORTS } from '../../contract/index.ts';
import { ParamChips, varyingNames } from '../components/params.tsx';
import { JobDuration, Moment } from '../components/time.tsx';
import { columnTitle, isDefault, metricOf, metricsOf, paramOf, type ColumnId } from './columns.ts';
import { RowActions, type JobAction } from './job-actions.tsx';
import {
  features,
  isNumeric,
  JobLink,
  JobTableContext,
  MetricCell,
  ParamCell,
  ProgressCell,
  SelectCell,
  SORT_OF,
  StatusCell,
  tableColumns,
  type JobTableMeta,
} from './job-columns.tsx';
import { isSelected } from './selection.ts';
import type { JobRow } from './use-job-rows.ts';
import { TagChips } from './tag-chips.tsx';
import { useLatestMetrics } from './use-latest-metrics.ts';
import type { Selecting } from './use-selection.ts';

type Sort = (typeof SORTS)[number];

interface Props {
  readonly experiment: string;
  readonly rows: readonly JobRow[];
  readonly columns: readonly ColumnId[];
  readonly selecting: Selecting;
  readonly sort: Sort;
  readonly order: 'asc' | 'desc';
  readonly onSort: (sort: Sort, order: 'asc' | 'desc') => void;
  readonly actions: (job: JobShape) => readonly JobAction[];
  readonly stale: boolean;
}

export function JobTable(props: Props) {
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const varying = useMemo(() => varyingNames(props.rows.map((row) => row.job.params)), [props.rows]);
  const latest = useLatestMetrics(props.experiment, props.rows, metricsOf(props.columns));
  const apart = useMemo(() => new Set(props.columns.map(paramOf).filter((name) => name !== null)), [props.columns]);
  const meta: JobTableMeta = { varying, apart, latest, selecting: props.selecting, actions: props.actions };
  return (
    <JobTableContext value={meta}>{narrow ? <JobCards rows={props.rows} columns={props.columns} meta={meta} /> : <WideTable {...props} />}</JobTableContext>
  );
}

function WideTable({ rows, columns: ids, selecting, sort, order, onSort, stale }: Props) {
  const open = useOpenJob();
  const columns = useMemo(() => tableColumns(ids), [ids]);
  const table = useTable({ features, columns, data: rows, getRowId: (row) => String(row.job.number) });
  return (
    <div className="dr-scroll-x" style={stale ? { opacity: 0.55 } : {}}>
      <table className="dr-table dr-job-table" data-chosen={isDefault(ids) ? undefined : true} aria-busy={stale}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const sorts = SORT_OF[header.column.id];
                const label = String(header.column.columnDef.header);
                if (header.column.id === 'select') return <SelectHead key={header.id} selecting={selecting} stale={stale} />;
                if (sorts === undefined) {
                  return (
                    <th key={header.id} scope="col" data-column={header.column.id} className={isNumeric(header.column.id) ? 'dr-right' : undefined}>
                      <span className="dr-head" title={label}>
                        {label}
                      </span>
                    </th>
                  );
                }
                return (
                  <SortableHead
                    key={header.id}
                    column={header.column.id}
                    active={sort === sorts}
                    order={order}
                    label={label}
                    onSort={(next) => onSort(sorts, next)}
                  />
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr
              key={row.id}
              data-link
              data-selected={isSelected(selecting.selection, row.original.job.number) ? true : undefined}
              data-left={row.original.left ? true : undefined}
              onClick={(event) => open(event, row.original.job)}
            >
              {row.getAllCells().map((cell) => (
                <td key={cell.id} data-column={cell.column.id} className={isNumeric(cell.column.id) ? 'dr-right' : undefined}>
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps {
  readonly column: string;
  readonly active: boolean;
  readonly order: 'asc' | 'desc';
  readonly onSort: (order: 'asc' | 'desc') => void;
  readonly label: string;
}

function SortableHead({ column, active, order, onSort, label }: HeadProps) {
  const next = active && order === 'desc' ? 'asc' : 'desc';
  const Arrow = order === 'asc' ? IconArrowUp : IconArrowDown;
  return (
    <th scope="col" data-column={column} {...(active ? { 'aria-sort': order === 'asc' ? ('ascending' as const) : ('descending' as const) } : {})}>
      <button type="button" className="dr-sort" onClick={() => onSort(next)}>
        {label}
        {active ? <Arrow size={12} aria-hidden /> : null}
      </button>
    </th>
  );
}

interface CardsProps {
  readonly rows: readonly JobRow[];
  readonly columns: readonly ColumnId[];
  readonly meta: JobTableMeta;
}

/** All rows of this page; not while others are on their way, which are not those that one sees. */
function SelectHead({ selecting: { selection, page, togglePage }, stale }: { readonly selecting: Selecting; readonly stale: boolean }) {
  const some = page.some((number) => isSelected(selection, number));
  const all = some && page.every((number) => isSelected(selection, number));
  return (
    <th scope="col" data-column="select">
      <input
        type="checkbox"
        className="dr-check"
        aria-label="Select all jobs of this page"
        checked={all}
        disabled={stale}
        ref={(box) => {
          if (box !== null) box.indeterminate = some && !all;
        }}
        onChange={togglePage}
      />
    </th>
  );
}

function JobCards({ rows, columns, meta }: CardsProps) {
  const own = columns.filter((id) => metricOf(id) !== null || paramOf(id) !== null);
  return (
    <ul className="dr-job-cards">
      {rows.map(({ job, left }) => (
        <li key={job.number} className="dr-job-card" data-left={left ? true : undefined}>
          <div className="dr-job-card-head">
            <SelectCell number={job.number} />
            <JobLink job={job} />
            <StatusCell job={job} />
            <span style={{ marginLeft: 'auto' }}>
              <RowActions job={job} actions={meta.actions(job)} />
            </span>
          </div>
          <ParamChips params={job.params} varying={meta.varying} apart={meta.apart} />
          <TagChips job={job} />
          {own.length === 0 ? null : (
            <dl className="dr-job-card-values">
              {own.map((id) => (
                <div key={id}>
                  <dt>{columnTitle(id)}</dt>
                  <dd>{metricOf(id) === null ? <ParamCell job={job} name={columnTitle(id)} /> : <MetricCell job={job} name={columnTitle(id)} />}</dd>
                </div>
              ))}
            </dl>
          )}
          {job.started_at === null ? null : (
            <div className="dr-job-card-facts">
              <Moment at={job.started_at} />
              <JobDuration job={job} />
              {job.progress === null ? null : <ProgressCell job={job} />}
              {job.worker_id === null ? null : <span className="dr-mono">{job.worker_id}</span>}
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

/** A click anywhere on a row opens its job, unless it was meant for a control or ended a text selection. */
function useOpenJob(): (event: MouseEvent<HTMLElement>, job: JobShape) => void {
  const navigate = useNavigate();
  return (event, job) => {
    const target = event.target as HTMLElement;
    if (target.closest('a, button, [role="menu"], input, [data-column="select"]') !== null || window.getSelection()?.isCollapsed === false) return;
    void navigate({ to: '/experiments/$experiment/jobs/$number', params: { experiment: job.experiment, number: String(job.number) } });
  };
}
