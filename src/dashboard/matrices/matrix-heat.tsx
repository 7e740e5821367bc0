// A matrix as a heat map over two of its params: a table, so that it is read by keyboard and by screen readers as it is seen.
import { Group, NativeSelect, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { CSSProperties } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { plainText, type ParamValue } from '../../core/params.ts';
import { chartQueries } from '../charts-tab/chart-queries.ts';
import { countText } from '../components/bytes.ts';
import { ScrollRegion } from '../components/scroll-region.tsx';
import { ErrorNotice, LoadingRows } from '../components/states.tsx';
import { useLatestMetrics } from '../jobs/use-latest-metrics.ts';
import { queries } from '../queries.ts';
import { cellSearch, metricCells, statusCells, type HeatCell } from './heat-cells.ts';
import type { HeatChoice } from './matrices-search.ts';
import type { MatrixShape } from './matrix-counts.ts';

interface Props {
  readonly experiment: string;
  readonly matrix: MatrixShape;
  readonly choice: HeatChoice;
}

interface Axis {
  readonly name: string;
  readonly values: readonly ParamValue[];
}

const STATUS = 'status';
/** Values of a param that are shown; more fit on no screen. */
const SHOWN = 60;

export function MatrixHeat({ experiment, matrix, choice }: Props) {
  const spec = useQuery(queries.matrix(experiment, matrix.id));
  const page = useQuery(queries.matrixJobs(experiment, matrix.id));
  const fields = useQuery(chartQueries.fields(experiment));
  const jobs = page.data?.jobs ?? [];
  const metrics = choice.by === undefined ? [] : [choice.by];
  const latest = useLatestMetrics(
    experiment,
    jobs.map((job) => ({ job, left: false })),
    metrics,
  );
  if (spec.isError) return <ErrorNotice error={spec.error} retry={() => void spec.refetch()} />;
  if (page.isError) return <ErrorNotice error={page.error} retry={() => void page.refetch()} />;
  if (spec.isPending || page.isPending) return <LoadingRows rows={3} height={32} />;
  const { x, y } = chosenAxes(spec.data.spec as Readonly<Record<string, readonly ParamValue[]>>, choice);
  const valueOf = (job: JobShape): number | null => {
    const [value] = latest.of(job) ?? [];
    return typeof value === 'number' ? value : null;
  };
  const cells = choice.by === undefined ? statusCells(jobs, { x, y }) : metricCells(jobs, { x, y }, valueOf);
  return (
    <>
      <Choices matrix={matrix} axes={{ x: x.name, y: y.name }} by={choice.by ?? STATUS} metrics={fields.data?.metrics ?? []} />
      <Square experiment={experiment} matrix={matrix.id} axes={{ x, y }} cells={cells} />
      {page.data.next_cursor === null ? null : (
        <Text size="xs" c="dimmed">{`From its first ${countText(jobs.length)} jobs of ${countText(matrix.size)}.`}</Text>
      )}
    </>
  );
}

function chosenAxes(spec: Readonly<Record<string, readonly ParamValue[]>>, { x, y }: HeatChoice): { x: Axis; y: Axis } {
  const names = Object.keys(spec);
  const row = y !== undefined && names.includes(y) ? y : names.find((name) => name !== x)!;
  const column = x !== undefined && names.includes(x) && x !== row ? x : names.find((name) => name !== row)!;
  const axis = (name: string): Axis => ({ name, values: spec[name]!.slice(0, SHOWN) });
  return { x: axis(column), y: axis(row) };
}

interface ChoicesProps {
  readonly matrix: MatrixShape;
  readonly axes: { readonly x: string; readonly y: string };
  readonly by: string;
  readonly metrics: readonly string[];
}

function Choices({ matrix, axes, by, metrics }: ChoicesProps) {
  const navigate = useNavigate();
  const change = (part: HeatChoice): void =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, map: matrix.id, ...axes, ...(by === STATUS ? {} : { by }), ...part }), replace: true });
  const names = matrix.axes.map(({ name }) => name);
  const turned = (name: string, which: 'x' | 'y'): HeatChoice => {
    const other = which === 'x' ? 'y' : 'x';
    return name === axes[other] ? { [which]: name, [other]: axes[which] } : { [which]: name };
  };
  return (
    <Group gap="sm">
      <NativeSelect size="xs" label="Rows" data={names} value={axes.y} onChange={(event) => change(turned(event.currentTarget.value, 'y'))} />
      <NativeSelect size="xs" label="Columns" data={names} value={axes.x} onChange={(event) => change(turned(event.currentTarget.value, 'x'))} />
      <NativeSelect
        size="xs"
        label="Colour"
        data={[STATUS, ...metrics.filter((name) => name !== STATUS)]}
        value={by}
        onChange={(event) => change({ by: event.currentTarget.value === STATUS ? undefined : event.currentTarget.value })}
      />
    </Group>
  );
}

interface SquareProps {
  readonly experiment: string;
  readonly matrix: number;
  readonly axes: { readonly x: Axis; readonly y: Axis };
  readonly cells: readonly (readonly HeatCell[])[];
}

function Square({ experiment, matrix, axes: { x, y }, cells }: SquareProps) {
  return (
    <ScrollRegion className="dr-preview-table" label={`Jobs of matrix ${matrix} by ${y.name} and ${x.name}`}>
      <table className="dr-heat dr-heat-jobs">
        <thead>
          <tr>
            <td className="dr-mono">{`${y.name} \\ ${x.name}`}</td>
            {x.values.map((value, index) => (
              <th key={index} scope="col" className="dr-mono">
                {plainText(value)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {cells.map((row, at) => (
            <tr key={at}>
              <th scope="row" className="dr-mono">
                {plainText(y.values[at]!)}
              </th>
              {row.map((cell, index) => (
                <td key={index} data-tone={cell.tone} style={{ '--heat': cell.heat } as CSSProperties} title={cell.title}>
                  {cell.jobs === 0 ? null : (
                    <Link
                      to="/experiments/$experiment/jobs"
                      params={{ experiment }}
                      search={{
                        matrix,
                        search: cellSearch([
                          [y.name, y.values[at]!],
                          [x.name, x.values[index]!],
                        ]),
                      }}
                      className="dr-num"
                    >
                      {cell.text}
                    </Link>
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}
