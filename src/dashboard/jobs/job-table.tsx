// The job table. Sorting is the server's: a header only says how to sort; on a phone the rows become cards. A row renders again only when
// what it shows has changed.
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useMediaQuery } from '@mantine/hooks';
import { memo, useMemo, type MouseEvent } from 'react';

import type { JobShape, JobSort } from '../../contract/index.ts';
import { varyingNames } from '../components/params.tsx';
import { useSteady } from '../components/use-steady.ts';
import { columnTitle, isDefault, metricsOf, paramOf, type ColumnId } from './columns.ts';
import { RowActions, type JobAction } from './job-actions.tsx';
import { JobCard } from './job-card.tsx';
import { cellOf, JobLink, numericColumns, SelectCell, sortOf, type RowFacts } from './job-columns.tsx';
import { isSelected } from './selection.ts';
import type { JobRow, WorkerMachines } from './use-job-rows.ts';
import { useLatestMetrics } from './use-latest-metrics.ts';
import type { Selecting } from './use-selection.ts';

interface Props {
  readonly experiment: string;
  readonly rows: readonly JobRow[];
  readonly machines: WorkerMachines;
  readonly columns: readonly ColumnId[];
  readonly selecting: Selecting;
  readonly sort: JobSort;
  readonly order: 'asc' | 'desc';
  readonly onSort: (sort: JobSort, order: 'asc' | 'desc') => void;
  readonly actions: (job: JobShape) => readonly JobAction[];
  readonly mayOperate: boolean;
  readonly stale: boolean;
  /** The job that is open beside the list. */
  readonly opened: number | null;
  /** Opens a job beside the list. */
  readonly onOpen: (number: number) => void;
}

/** A row as its table and its card take it. */
export interface RowProps extends RowFacts {
  readonly left: boolean;
  readonly selected: boolean;
  readonly columns: readonly ColumnId[];
  /** Those that read from the right. */
  readonly numeric: ReadonlySet<string>;
  readonly mayOperate: boolean;
  readonly toggle: (number: number, through: boolean) => void;
  readonly actions: (job: JobShape) => readonly JobAction[];
}

export function JobTable(props: Props) {
  const { rows, columns, machines, selecting, mayOperate, opened } = props;
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const names = [...varyingNames(rows.map((row) => row.job.params))].join('\n');
  const varying = useMemo(() => new Set(names === '' ? [] : names.split('\n')), [names]);
  const metrics = useLatestMetrics(props.experiment, rows, metricsOf(columns));
  const apart = useMemo(() => new Set(columns.map(paramOf).filter((name) => name !== null)), [columns]);
  const numbers = numericColumns(
    columns,
    rows.map((row) => row.job),
  ).join('\n');
  const numeric = useMemo(() => new Set(numbers.split('\n')), [numbers]);
  const toggle = useSteady(selecting.toggle);
  const actions = useSteady(props.actions);
  const open = useSteady(props.onOpen);
  const shared = { varying, apart, metrics: metrics.names, columns, numeric, mayOperate, toggle, actions };
  const row = ({ job, left }: JobRow): RowProps => ({
    ...shared,
    job,
    left,
    selected: isSelected(selecting.selection, job.number),
    latest: metrics.of(job),
    machine: job.worker_id === null ? undefined : machines[job.worker_id],
  });
  if (narrow) {
    return (
      <ul className="dr-job-cards">
        {rows.map((each) => (
          <JobCard key={each.job.number} {...row(each)} />
        ))}
      </ul>
    );
  }
  return (
    <div className="dr-scroll-x dr-rows" data-stale={props.stale ? true : undefined}>
      <table className="dr-table dr-job-table" data-chosen={isDefault(columns) ? undefined : true} aria-busy={props.stale}>
        <Head {...props} numeric={numeric} />
        <tbody>
          {rows.map((each) => (
            <Row key={each.job.number} {...row(each)} open={each.job.number === opened} onOpen={open} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TableRowProps extends RowProps {
  /** It is open beside the list. */
  readonly open: boolean;
  readonly onOpen: (number: number) => void;
}

const Row = memo(function Row({ open, onOpen, left, selected, columns, numeric, mayOperate, toggle, actions, ...row }: TableRowProps) {
  const { job } = row;
  return (
    <tr
      data-link
      data-selected={selected ? true : undefined}
      data-left={left ? true : undefined}
      data-open={open ? true : undefined}
      onClick={(event) => (isMeantForRow(event) ? onOpen(job.number) : undefined)}
    >
      <td data-column="select">
        <SelectCell number={job.number} selected={selected} toggle={toggle} />
      </td>
      <td data-column="number">
        <JobLink job={job} />
      </td>
      {columns.map((id) => (
        <td key={id} data-column={id} className={numeric.has(id) ? 'dr-right' : undefined}>
          {cellOf(id, row)}
        </td>
      ))}
      <td data-column="actions">
        <RowActions job={job} mayOperate={mayOperate} actions={actions} />
      </td>
    </tr>
  );
});

function Head({ columns, numeric, selecting, sort, order, onSort, stale }: Props & Pick<RowProps, 'numeric'>) {
  const head = (id: string, label: string) => {
    const sorts = sortOf(id);
    const side = numeric.has(id) ? 'dr-right' : undefined;
    if (sorts !== undefined) {
      return <SortableHead key={id} column={id} side={side} active={sort === sorts} order={order} label={label} onSort={(next) => onSort(sorts, next)} />;
    }
    return (
      <th key={id} scope="col" data-column={id} className={side}>
        <span className="dr-head" title={label}>
          {label}
        </span>
      </th>
    );
  };
  return (
    <thead>
      <tr>
        <SelectHead selecting={selecting} stale={stale} />
        {head('number', 'ID')}
        {columns.map((id) => head(id, columnTitle(id)))}
        {head('actions', 'Actions')}
      </tr>
    </thead>
  );
}

interface HeadProps {
  readonly column: string;
  readonly side: string | undefined;
  readonly active: boolean;
  readonly order: 'asc' | 'desc';
  readonly onSort: (order: 'asc' | 'desc') => void;
  readonly label: string;
}

function SortableHead({ column, side, active, order, onSort, label }: HeadProps) {
  const next = active && order === 'desc' ? 'asc' : 'desc';
  const Arrow = order === 'asc' ? IconArrowUp : IconArrowDown;
  return (
    <th
      scope="col"
      data-column={column}
      className={side}
      {...(active ? { 'aria-sort': order === 'asc' ? ('ascending' as const) : ('descending' as const) } : {})}
    >
      <button type="button" className="dr-sort" onClick={() => onSort(next)} title={label}>
        <span className="dr-head">{label}</span>
        {active ? <Arrow size={12} aria-hidden /> : null}
      </button>
    </th>
  );
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

/** A click anywhere on a row opens its job, unless it was meant for a control or ended a text selection. */
function isMeantForRow(event: MouseEvent<HTMLElement>): boolean {
  const target = event.target as HTMLElement;
  return target.closest('a, button, [role="menu"], input, [data-column="select"]') === null && window.getSelection()?.isCollapsed !== false;
}
