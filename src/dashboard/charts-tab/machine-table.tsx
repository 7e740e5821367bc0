// The statistics of each machine as a table, sorted by any column.
import { ActionIcon, Skeleton, Text, Title, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconFileTypeCsv } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';

import type { ChartFrameProps, Sampled } from '../charts/chart-frame.tsx';
import { csvText, type ChartTable } from '../charts/chart-table.ts';
import { saveCsv } from '../charts/save-file.ts';
import { countText } from '../components/bytes.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { ErrorNotice } from '../components/states.tsx';
import { Absent, durationText, Moment } from '../components/time.tsx';
import type { ChartReply } from './chart-queries.ts';

type Machine = ChartReply<'machines'>['machines'][number];

interface Column {
  readonly id: string;
  readonly label: string;
  readonly value: (machine: Machine, all: readonly Machine[]) => number | string | null;
  readonly show?: (machine: Machine, all: readonly Machine[]) => ReactNode;
}

const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
const shareOf = (machine: Machine, all: readonly Machine[]): number =>
  machine.jobs /
  Math.max(
    1,
    all.reduce((sum, one) => sum + one.jobs, 0),
  );
const failureRate = ({ done, failed }: Machine): number | null => (done + failed === 0 ? null : failed / (done + failed));
const orAbsent = (value: number | null, show: (value: number) => ReactNode): ReactNode => (value === null ? <Absent /> : show(value));

const COLUMNS: readonly Column[] = [
  { id: 'workers', label: 'Workers', value: ({ workers }) => workers },
  { id: 'jobs', label: 'Jobs', value: ({ jobs }) => jobs },
  { id: 'share', label: 'Share', value: shareOf, show: (machine, all) => percent(shareOf(machine, all)) },
  { id: 'running', label: 'Running', value: ({ running }) => running },
  { id: 'done', label: 'Done', value: ({ done }) => done },
  { id: 'failed', label: 'Failed', value: ({ failed }) => failed },
  { id: 'rate', label: 'Failure rate', value: failureRate, show: (machine) => orAbsent(failureRate(machine), percent) },
  { id: 'mean', label: 'Mean', value: ({ durations }) => durations?.mean ?? null, show: ({ durations }) => orAbsent(durations?.mean ?? null, durationText) },
  {
    id: 'median',
    label: 'Median',
    value: ({ durations }) => durations?.median ?? null,
    show: ({ durations }) => orAbsent(durations?.median ?? null, durationText),
  },
  { id: 'busy', label: 'Run time', value: ({ busy_seconds }) => busy_seconds, show: ({ busy_seconds }) => durationText(busy_seconds * 1000) },
  {
    id: 'last',
    label: 'Last end',
    value: ({ last_finished_at }) => last_finished_at,
    show: ({ last_finished_at }) => <Moment at={last_finished_at} />,
  },
];

/** All that is known, for the file. */
export function machineTable(machines: readonly Machine[], word: string): ChartTable {
  const spread = ['min', 'lower_quartile', 'median', 'upper_quartile', 'max', 'mean'] as const;
  return {
    columns: [
      word,
      ...['workers', 'jobs', 'running', 'done', 'failed', 'cancelled', 'run seconds'],
      ...spread.map((name) => `${name.replace('_', ' ')} ms`),
      'last end',
    ],
    rows: machines.map((one) => [
      ...[one.name, one.workers, one.jobs, one.running, one.done, one.failed, one.cancelled, one.busy_seconds],
      ...spread.map((name) => one.durations?.[name] ?? null),
      one.last_finished_at,
    ]),
  };
}

interface Props {
  readonly experiment: string;
  readonly machines: readonly Machine[];
  readonly left_out: number;
  readonly word: string;
  readonly sampled: Sampled | undefined;
  readonly state: ChartFrameProps['state'];
}

export function MachineTable({ experiment, machines, left_out, word, sampled, state }: Props) {
  const [sort, setSort] = useState({ id: 'jobs', down: true });
  const column = COLUMNS.find(({ id }) => id === sort.id)!;
  const sorted = machines.toSorted((a, b) => compare(column.value(a, machines), column.value(b, machines)) * (sort.down ? -1 : 1));
  const isPart = sampled !== undefined && sampled.taken < sampled.of;
  return (
    <section className="dr-card dr-figure" data-wide aria-label="Statistics">
      <header className="dr-figure-head">
        <div className="dr-figure-title">
          <Title order={2} size="h3">
            Statistics
          </Title>
          <Text size="xs" c="dimmed" className="dr-num">
            {sampled === undefined
              ? ' '
              : `${countText(sampled.taken)} ${isPart ? `of ${countText(sampled.of)} jobs, chosen evenly by their numbers` : 'jobs'}, each counted where it ran last`}
          </Text>
        </div>
        <div className="dr-figure-tools">
          <Tooltip label="Save as CSV">
            <ActionIcon
              aria-label="Save Statistics as CSV"
              disabled={machines.length === 0}
              onClick={() => saveCsv(`${experiment}-${word}s`, csvText(machineTable(machines, word)))}
            >
              <IconFileTypeCsv size={16} />
            </ActionIcon>
          </Tooltip>
        </div>
      </header>
      {state.error === null ? null : <ErrorNotice error={state.error} retry={() => void state.refetch()} />}
      {state.isPending ? (
        <output className="dr-block" aria-label="Loading">
          <Skeleton height={140} m="md" />
        </output>
      ) : null}
      {!state.isPending && state.error === null && machines.length === 0 ? <div className="dr-figure-empty">No job has run yet.</div> : null}
      {machines.length === 0 ? null : (
        <ScrollRegion label="Statistics of each">
          <table className="dr-table dr-machine-table">
            <thead>
              <tr>
                <th>{word === 'machine' ? 'Machine' : 'Worker'}</th>
                {COLUMNS.map(({ id, label }) => (
                  <th key={id} className="dr-right" aria-sort={sort.id === id ? (sort.down ? 'descending' : 'ascending') : undefined}>
                    <button type="button" className="dr-sort" onClick={() => setSort({ id, down: sort.id === id ? !sort.down : true })}>
                      {label}
                      {sort.id !== id ? null : sort.down ? <IconChevronDown size={13} aria-hidden /> : <IconChevronUp size={13} aria-hidden />}
                    </button>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sorted.map((machine) => (
                <tr key={machine.name}>
                  <td>
                    <Link
                      to="/experiments/$experiment/charts"
                      params={{ experiment }}
                      search={word === 'machine' ? { machine: machine.name, split: 'worker' } : { machine: machine.name.split('_')[0]!, split: 'worker' }}
                      className="dr-job-link dr-mono"
                    >
                      {machine.name}
                    </Link>
                  </td>
                  {COLUMNS.map(({ id, value, show }) => (
                    <td key={id} className="dr-right dr-num" style={{ whiteSpace: 'nowrap' }}>
                      {show === undefined ? countText(Number(value(machine, machines))) : show(machine, machines)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollRegion>
      )}
      {left_out === 0 ? null : (
        <Text size="xs" c="dimmed" p="xs">
          {`The ${machines.length} with the most jobs; ${countText(left_out)} more are left out.`}
        </Text>
      )}
    </section>
  );
}

function compare(a: number | string | null, b: number | string | null): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}
