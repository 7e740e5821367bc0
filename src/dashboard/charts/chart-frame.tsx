// The frame around every chart: what it is, what it says in words, its data as a table, and both as files.
import { ActionIcon, Alert, Menu, Skeleton, Text, Title, Tooltip, useComputedColorScheme } from '@mantine/core';
import { IconChartBar, IconDownload, IconFileTypeCsv, IconPhoto, IconTable } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { lazy, Suspense, useCallback, useRef, useState, type ReactNode } from 'react';

import { ScrollRegion } from '../components/scroll-region.tsx';
import { ErrorNotice } from '../components/states.tsx';
import { countText } from '../components/bytes.ts';
import { chartColours, type Scheme } from './chart-colours.ts';
import { cellText, csvText, type ChartTable } from './chart-table.ts';
import { saveCsv, savePicture } from './save-file.ts';

const Chart = lazy(() => import('./chart-parts.ts').then((module) => ({ default: module.Chart })));

/** Rows of the table on the page; the file has them all. */
const SHOWN_ROWS = 200;

export interface Sampled {
  readonly of: number;
  readonly taken: number;
}

export interface ChartFrameProps {
  readonly title: string;
  readonly experiment: string;
  /** Its data in one sentence. */
  readonly summary: string;
  /** Null: there is nothing to draw, and `empty` says why. */
  readonly option: ((scheme: Scheme) => EChartsCoreOption) | null;
  readonly table: ChartTable;
  readonly height: number;
  readonly controls?: ReactNode;
  readonly empty?: ReactNode;
  readonly sampled?: Sampled | undefined;
  /** The column with job numbers, which become links. */
  readonly jobColumn?: number;
  readonly onMade?: (chart: EChartsType) => (() => void) | void;
  readonly keepAxes?: boolean;
  readonly wide?: boolean;
  /** Only its head: there is nothing to draw before somebody chose what. */
  readonly closed?: boolean;
  readonly state: { readonly isPending: boolean; readonly error: unknown; readonly refetch: () => unknown };
  readonly below?: ReactNode;
}

export function ChartFrame(props: ChartFrameProps) {
  const {
    title,
    experiment,
    summary,
    option,
    table,
    height,
    controls,
    empty,
    sampled,
    onMade,
    keepAxes = false,
    wide = false,
    closed = false,
    state,
    below,
  } = props;
  const scheme = useComputedColorScheme('light');
  const [asTable, setAsTable] = useState(false);
  const chart = useRef<EChartsType | null>(null);
  const hold = useCallback(
    (made: EChartsType) => {
      chart.current = made;
      const undo = onMade?.(made);
      return () => {
        chart.current = null;
        undo?.();
      };
    },
    [onMade],
  );
  const name = `${experiment} ${title}`.toLowerCase().replaceAll(/[^\w]+/g, '-');
  const savePng = (): void => {
    if (chart.current === null) return;
    savePicture(chart.current, { name, title: `${experiment} · ${title}`, subtitle: summary, colours: chartColours(scheme) });
  };
  const ready = !state.isPending && state.error === null && option !== null;
  return (
    <section className="dr-card dr-figure" aria-label={title} data-wide={wide || undefined} data-closed={closed || undefined}>
      <header className="dr-figure-head">
        <div className="dr-figure-title">
          <Title order={2} size="h3">
            {title}
          </Title>
          <Text size="xs" c="dimmed" className="dr-num">
            {state.isPending ? ' ' : summary}
          </Text>
        </div>
        {controls === undefined ? null : <div className="dr-figure-controls">{controls}</div>}
        {closed ? null : (
          <div className="dr-figure-tools">
            <Tooltip label={asTable ? 'Show as a chart' : 'Show as a table'}>
              <ActionIcon onClick={() => setAsTable(!asTable)} aria-pressed={asTable} aria-label={`${title} as a table`} disabled={!ready}>
                {asTable ? <IconChartBar size={16} /> : <IconTable size={16} />}
              </ActionIcon>
            </Tooltip>
            <SaveMenu title={title} disabled={!ready} savePng={asTable ? null : savePng} saveCsv={() => saveCsv(name, csvText(table))} />
          </div>
        )}
      </header>
      {closed ? null : (
        <div className="dr-figure-body">
          <Body state={state} height={height} empty={option === null ? (empty ?? 'Nothing to show yet.') : null}>
            {asTable || option === null ? (
              <DataTable {...props} height={height} />
            ) : (
              <Suspense fallback={<Skeleton height={height} radius="sm" />}>
                <Drawing option={option} scheme={scheme} height={height} label={`${title}: ${summary}`} onMade={hold} keepAxes={keepAxes} />
              </Suspense>
            )}
          </Body>
          {ready ? below : null}
          {ready ? <SampleNote sampled={sampled} /> : null}
        </div>
      )}
    </section>
  );
}

interface DrawingProps {
  readonly option: (scheme: Scheme) => EChartsCoreOption;
  readonly scheme: Scheme;
  readonly height: number;
  readonly label: string;
  readonly onMade: (chart: EChartsType) => () => void;
  readonly keepAxes: boolean;
}

function Drawing({ option, scheme, ...rest }: DrawingProps) {
  const [drawn, setDrawn] = useState({ of: option, scheme, option: option(scheme) });
  if (drawn.of !== option || drawn.scheme !== scheme) setDrawn({ of: option, scheme, option: option(scheme) });
  return <Chart option={drawn.option} {...rest} />;
}

interface BodyProps {
  readonly state: ChartFrameProps['state'];
  readonly height: number;
  readonly empty: ReactNode;
  readonly children: ReactNode;
}

function Body({ state, height, empty, children }: BodyProps) {
  if (state.error !== null) return <ErrorNotice error={state.error} retry={() => void state.refetch()} />;
  if (state.isPending)
    return (
      <output className="dr-block" aria-label="Loading">
        <Skeleton height={height} radius="sm" />
      </output>
    );
  if (empty !== null) {
    return (
      <div className="dr-figure-empty" style={{ minHeight: Math.min(height, 160) }}>
        {empty}
      </div>
    );
  }
  return children;
}

interface SaveMenuProps {
  readonly title: string;
  readonly disabled: boolean;
  readonly savePng: (() => void) | null;
  readonly saveCsv: () => void;
}

function SaveMenu({ title, disabled, savePng, saveCsv: save }: SaveMenuProps) {
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <ActionIcon aria-label={`Save ${title}`} disabled={disabled}>
          <IconDownload size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconPhoto size={15} />} disabled={savePng === null} onClick={() => savePng?.()}>
          Picture (PNG)
        </Menu.Item>
        <Menu.Item leftSection={<IconFileTypeCsv size={15} />} onClick={save}>
          Data (CSV)
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function DataTable({ table, height, experiment, jobColumn, title }: ChartFrameProps) {
  return (
    <ScrollRegion className="dr-figure-table" style={{ maxHeight: Math.max(height, 220) }} label={`Data of ${title}`}>
      <table className="dr-table">
        <thead>
          <tr>
            {table.columns.map((column, index) => (
              <th key={index} className={isNumeric(table, index) ? 'dr-right' : undefined}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.slice(0, SHOWN_ROWS).map((row, at) => (
            <tr key={at}>
              {row.map((cell, index) => (
                <td key={index} className={isNumeric(table, index) ? 'dr-right dr-num' : 'dr-num'}>
                  {index === jobColumn && typeof cell === 'number' ? <JobNumber experiment={experiment} number={cell} /> : cellText(cell)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.rows.length > SHOWN_ROWS ? (
        <Text size="xs" c="dimmed" p="xs">
          {`The first ${SHOWN_ROWS} of ${countText(table.rows.length)} rows; the CSV file has them all.`}
        </Text>
      ) : null}
    </ScrollRegion>
  );
}

function isNumeric({ rows }: ChartTable, column: number): boolean {
  return rows.every((row) => row[column] === null || typeof row[column] === 'number');
}

export function JobNumber({ experiment, number }: { readonly experiment: string; readonly number: number }) {
  return (
    <Link
      to="/experiments/$experiment/jobs/$number"
      params={{ experiment, number: String(number) }}
      className="dr-job-link dr-num"
      aria-label={`Job ${number}`}
    >
      {number}
    </Link>
  );
}

/** Said where a chart looked at a share of the jobs only. */
function SampleNote({ sampled }: { readonly sampled: Sampled | undefined }) {
  if (sampled === undefined || sampled.taken >= sampled.of) return null;
  return (
    <Alert color="yellow" variant="light" p="xs" mt="xs">
      <Text size="xs">{`From ${countText(sampled.taken)} of ${countText(sampled.of)} jobs, chosen evenly by their numbers and always the same ones.`}</Text>
    </Alert>
  );
}
