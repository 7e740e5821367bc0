// Mean and 95 % confidence interval over jobs that differ only in their seed.
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams } from 'echarts';
import type { EChartsCoreOption } from 'echarts/core';
import { useMemo } from 'react';

import { chartColours, type Scheme } from '../charts/chart-colours.ts';
import { ChartFrame } from '../charts/chart-frame.tsx';
import { categoryAxis, frameOption, tipOption, valueAxis } from '../charts/chart-options.ts';
import { cellText, type ChartTable, numberText } from '../charts/chart-table.ts';
import { countText } from '../components/bytes.ts';
import { chartQueries, type ChartReply } from './chart-queries.ts';
import { NONE } from './charts-search.ts';
import { Choice } from './controls.tsx';
import type { ResultsProps } from './results.tsx';

type Groups = ChartReply<'replicates'>;
type Group = Groups['groups'][number];

/** Groups in the picture; the table and the file have them all. */
const DRAWN = 20;
const ROW = 28;
const AROUND = 66;

export function ReplicatesFigure({ experiment, choice, search, change }: ResultsProps) {
  const { metric, value, goal, seed, varying } = choice;
  const names = varying.map(({ name }) => name).filter((name) => name !== seed);
  const filter = search.search === undefined ? {} : { search: search.search };
  const query = useQuery({
    ...chartQueries.replicates(experiment, { metric, value, goal, seed: seed ?? '', param: names, ...filter }),
    enabled: seed !== null,
  });
  const data = seed === null ? undefined : query.data;
  const drawn = useMemo(() => data?.groups.slice(0, DRAWN) ?? [], [data]);
  const option = useMemo(() => (data === undefined || drawn.length === 0 ? null : (scheme: Scheme) => groupOption(data.params, drawn, scheme)), [data, drawn]);
  return (
    <ChartFrame
      experiment={experiment}
      title="Replicates"
      wide
      closed={seed === null}
      summary={
        data === undefined
          ? 'Choose the param in which replicates differ: of jobs that are otherwise equal, mean and interval are drawn'
          : summaryOf(data, metric)
      }
      option={option}
      empty="No job that fits has this metric."
      table={data === undefined ? { columns: [], rows: [] } : groupTable(data)}
      sampled={data?.sampled}
      height={AROUND + ROW * Math.max(2, drawn.length)}
      state={{ isPending: seed !== null && query.isPending, error: seed === null ? null : query.error, refetch: query.refetch }}
      controls={
        <Choice
          label="Seed"
          value={seed ?? NONE}
          data={[{ value: NONE, label: 'none' }, ...varying.map(({ name }) => ({ value: name, label: name }))]}
          onChange={(name) => change({ seed: name })}
        />
      }
      below={
        data === undefined || data.groups.length + data.left_out <= DRAWN ? undefined : (
          <Text size="xs" c="dimmed" mt={4}>
            {`The best ${drawn.length} of ${countText(data.groups.length + data.left_out)} groups.`}
          </Text>
        )
      }
    />
  );
}

function summaryOf({ groups, left_out, measured }: Groups, metric: string): string {
  const count = groups.length + left_out;
  return `Mean of ${metric} with its 95 % confidence interval: ${countText(measured)} jobs in ${countText(count)} ${count === 1 ? 'group' : 'groups'}`;
}

function labelOf(params: readonly string[], group: Group): string {
  return params.map((name, index) => `${name} ${cellText(group.params[index] ?? null)}`).join(', ') || 'all';
}

function groupTable({ params, groups }: Groups): ChartTable {
  return {
    columns: [...params, 'Jobs', 'Mean', '± 95 %', 'Deviation', 'Least', 'Greatest'],
    rows: groups.map((group) => [
      ...group.params.map((value) => (typeof value === 'boolean' ? String(value) : value)),
      ...[group.count, group.mean, group.margin, group.deviation, group.min, group.max],
    ]),
  };
}

function groupOption(params: readonly string[], groups: readonly Group[], scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  return {
    ...frameOption(colours, { legend: false }),
    tooltip: {
      ...tipOption(colours, 'item'),
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const group = groups[dataIndex]!;
        const interval = group.margin === null ? 'one job: no interval' : `± ${numberText(group.margin)} (95 %)`;
        return `${labelOf(params, group)}\n${numberText(group.mean)} ${interval}\n${group.count} jobs, ${numberText(group.min)} to ${numberText(group.max)}`;
      },
    },
    xAxis: valueAxis(colours, { scale: true, format: numberText }),
    yAxis: {
      ...categoryAxis(
        colours,
        groups.map((group) => labelOf(params, group)),
        { widest: 230 },
      ),
      inverse: true,
    },
    series: [
      // The whole range, faint; the interval, strong; the mean.
      {
        type: 'custom',
        silent: true,
        renderItem: spanItem(colours.weak, 1, 0),
        encode: { x: [1, 2], y: 0 },
        data: groups.map((group, at) => [at, group.min, group.max]),
      },
      {
        type: 'custom',
        silent: true,
        renderItem: spanItem(colours.running, 2.5, 5),
        encode: { x: [1, 2], y: 0 },
        data: groups.map((group, at) => [at, group.mean - (group.margin ?? 0), group.mean + (group.margin ?? 0)]),
      },
      { type: 'scatter', symbolSize: 9, itemStyle: { color: colours.running }, data: groups.map((group, at) => [group.mean, at]) },
    ],
  };
}

/** A lying line from the second value to the third, with ends of this half height. */
function spanItem(stroke: string, lineWidth: number, cap: number) {
  return (_params: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI) => {
    const [x1 = 0, y = 0] = api.coord([api.value(1), api.value(0)]);
    const [x2 = 0] = api.coord([api.value(2), api.value(0)]);
    const line = (from: readonly [number, number], to: readonly [number, number]) => ({
      type: 'line' as const,
      shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] },
      style: { stroke, lineWidth },
    });
    const ends = cap === 0 ? [] : [line([x1, y - cap], [x1, y + cap]), line([x2, y - cap], [x2, y + cap])];
    return { type: 'group' as const, children: [line([x1, y], [x2, y]), ...ends] };
  };
}
