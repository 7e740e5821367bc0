// What each machine did, how long its jobs took, and where jobs fail.
import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { EChartsCoreOption } from 'echarts/core';
import { useCallback, useMemo } from 'react';

import { chartColours, type Scheme } from '../charts/chart-colours.ts';
import { ChartFrame } from '../charts/chart-frame.tsx';
import { categoryAxis, frameOption, tipOption, valueAxis } from '../charts/chart-options.ts';
import { cellText, type ChartTable } from '../charts/chart-table.ts';
import { countText } from '../components/bytes.ts';
import { durationText } from '../components/time.tsx';
import { chartQueries, type ChartReply } from './chart-queries.ts';
import type { ChartsPlace, Grouping } from './charts-search.ts';
import { Choice, SearchInput, Segments } from './controls.tsx';
import { MachineTable, machineTable } from './machine-table.tsx';

type Machines = ChartReply<'machines'>;
type Machine = Machines['machines'][number];
type Failures = ChartReply<'failures'>;

/** Height of one machine in a lying chart, and of what stands around them. */
const ROW = 26;
const AROUND = 76;

export function MachinesView(place: ChartsPlace) {
  const { experiment, search, change } = place;
  const by = search.by ?? 'machine';
  const filter = search.search === undefined ? {} : { search: search.search };
  const query = useQuery(chartQueries.machines(experiment, { by, ...filter }));
  const { data } = query;
  const machines = useMemo(() => data?.machines ?? [], [data]);
  const timed = useMemo(() => machines.filter((machine) => machine.durations !== null), [machines]);
  const failing = useMemo(() => machines.toSorted((a, b) => failuresOf(b) - failuresOf(a)), [machines]);
  const durations = useMemo(() => (timed.length === 0 ? null : (scheme: Scheme) => durationOption(timed, scheme)), [timed]);
  const failures = useMemo(() => (machines.length === 0 ? null : (scheme: Scheme) => machineFailureOption(failing, scheme)), [machines, failing]);
  const shared = { experiment, sampled: data?.sampled, state: { isPending: query.isPending, error: query.error, refetch: query.refetch } };
  const onSearch = useCallback((text: string) => change({ search: text === '' ? undefined : text }), [change]);
  const word = by === 'machine' ? 'machine' : 'worker';
  return (
    <>
      <div className="dr-chart-bar">
        <Segments<Grouping>
          label="Group by"
          value={by}
          data={[
            { value: 'machine', label: 'Machines' },
            { value: 'worker', label: 'Workers' },
          ]}
          onChange={(value) => change({ by: value === 'machine' ? undefined : value })}
        />
        <SearchInput value={search.search ?? ''} onChange={onSearch} />
      </div>
      <div className="dr-figures">
        <MachineTable {...shared} machines={machines} left_out={data?.left_out ?? 0} word={word} />
        <ChartFrame
          {...shared}
          title={`Durations by ${word}`}
          summary={timed.length === 0 ? '' : durationSummary(timed)}
          option={durations}
          empty="No job is done yet."
          table={machineTable(timed, word)}
          height={AROUND + ROW * Math.min(20, Math.max(3, timed.length))}
        />
        <ChartFrame
          {...shared}
          title={`Failed attempts by ${word}`}
          summary={`${countText(failing.reduce((sum, machine) => sum + failuresOf(machine), 0))} attempts failed, also of jobs that were done in the end`}
          option={failing.some((machine) => failuresOf(machine) > 0) ? failures : null}
          empty="No attempt has failed."
          table={{
            columns: [word, 'Failed', 'Timed out', 'Lost', 'Jobs'],
            rows: failing.map(({ name, failed_attempts, jobs }) => [name, failed_attempts.failed, failed_attempts.timed_out, failed_attempts.lost, jobs]),
          }}
          height={AROUND + ROW * Math.min(20, Math.max(3, failing.length))}
        />
        <FailuresByValue {...place} />
      </div>
    </>
  );
}

function FailuresByValue({ experiment, search, change }: ChartsPlace) {
  const fields = useQuery(chartQueries.fields(experiment));
  const params = fields.data?.params ?? [];
  const varying = params.filter(({ values }) => values > 1);
  const offered = varying.length === 0 ? params : varying;
  const param = offered.find(({ name }) => name === search.param)?.name ?? offered[0]?.name;
  const filter = search.search === undefined ? {} : { search: search.search };
  const query = useQuery({ ...chartQueries.failures(experiment, { param: param ?? '', ...filter }), enabled: param !== undefined });
  const { data } = query;
  const values = useMemo(() => sortedValues(data?.values ?? []), [data]);
  const option = useMemo(() => (values.length === 0 ? null : (scheme: Scheme) => valueFailureOption(values, scheme)), [values]);
  const failed = values.reduce((sum, one) => sum + one.failed, 0);
  return (
    <ChartFrame
      experiment={experiment}
      wide
      title="Failures by parameter"
      summary={data === undefined ? '' : valueSummary(values, failed)}
      option={option}
      empty={param === undefined ? 'The jobs have no params.' : 'No job has ended yet.'}
      table={valueTable(values, param ?? '')}
      sampled={data?.sampled}
      height={260}
      state={{ isPending: fields.isPending || (param !== undefined && query.isPending), error: fields.error ?? query.error, refetch: query.refetch }}
      controls={
        offered.length === 0 ? undefined : (
          <Choice
            label="Param"
            value={param ?? ''}
            data={offered.map(({ name }) => ({ value: name, label: name }))}
            onChange={(name) => change({ param: name })}
          />
        )
      }
      below={
        (data?.left_out ?? 0) === 0 ? undefined : (
          <Text size="xs" c="dimmed" mt={4}>
            {`The ${values.length} values with the most jobs; ${countText(data!.left_out)} more values are left out.`}
          </Text>
        )
      }
    />
  );
}

function failuresOf({ failed_attempts: { failed, timed_out, lost } }: Machine): number {
  return failed + timed_out + lost;
}

type Value = Failures['values'][number];

function sortedValues(values: readonly Value[]): Value[] {
  return values.toSorted((a, b) =>
    typeof a.value === 'number' && typeof b.value === 'number' ? a.value - b.value : cellText(a.value).localeCompare(cellText(b.value)),
  );
}

function rateOf({ done, failed }: { readonly done: number; readonly failed: number }): number {
  return done + failed === 0 ? 0 : failed / (done + failed);
}

function valueSummary(values: readonly Value[], failed: number): string {
  const [worst] = values.toSorted((a, b) => rateOf(b) - rateOf(a));
  if (failed === 0 || worst === undefined) return 'No job failed.';
  return `${countText(failed)} jobs failed; most often at ${cellText(worst.value)}: ${Math.round(rateOf(worst) * 100)} %`;
}

function valueTable(values: readonly Value[], param: string): ChartTable {
  return {
    columns: [param, 'Done', 'Failed', 'Cancelled', 'Failed %'],
    rows: values.map((one) => [
      typeof one.value === 'boolean' ? String(one.value) : one.value,
      one.done,
      one.failed,
      one.cancelled,
      Number((rateOf(one) * 100).toFixed(1)),
    ]),
  };
}

function durationSummary(machines: readonly Machine[]): string {
  const sorted = machines.toSorted((a, b) => a.durations!.median - b.durations!.median);
  const [fast, slow] = [sorted[0]!, sorted.at(-1)!];
  if (fast === slow) return `Median ${durationText(fast.durations!.median)}`;
  return `Median from ${durationText(fast.durations!.median)} (${fast.name}) to ${durationText(slow.durations!.median)} (${slow.name})`;
}

/** Names upside down: the first machine stands at the top. */
function nameAxis(names: readonly string[], scheme: Scheme) {
  return { ...categoryAxis(chartColours(scheme), names, { widest: 120 }), inverse: true };
}

function durationOption(machines: readonly Machine[], scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const fifths = machines.map(({ durations }) => {
    const { min, lower_quartile, median, upper_quartile, max } = durations!;
    return [min, lower_quartile, median, upper_quartile, max];
  });
  const longest = Math.max(...machines.map(({ durations }) => durations!.max));
  const shortest = Math.max(1, Math.min(...machines.map(({ durations }) => durations!.min)));
  return {
    ...frameOption(colours, { legend: false }),
    tooltip: {
      ...tipOption(colours, 'item'),
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const { name, durations } = machines[dataIndex]!;
        const text = (label: string, ms: number): string => `${label}  ${durationText(ms)}`;
        const { count, min, lower_quartile, median, upper_quartile, max } = durations!;
        return [
          `${name}, ${countText(count)} jobs`,
          text('most', max),
          text('¾', upper_quartile),
          text('median', median),
          text('¼', lower_quartile),
          text('least', min),
        ].join('\n');
      },
    },
    xAxis: valueAxis(colours, { log: longest / shortest > 100, format: durationText }),
    yAxis: nameAxis(
      machines.map(({ name }) => name),
      scheme,
    ),
    series: [
      {
        type: 'boxplot',
        boxWidth: [6, 14],
        itemStyle: { color: `${colours.running}33`, borderColor: colours.running },
        data: fifths.map((data) => data.map((ms) => Math.max(1, ms))),
      },
    ],
  };
}

function machineFailureOption(machines: readonly Machine[], scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const bar = (name: string, color: string, of: (machine: Machine) => number) => ({
    type: 'bar' as const,
    stack: 'failures',
    barMaxWidth: 16,
    name,
    itemStyle: { color },
    data: machines.map(of),
  });
  return {
    ...frameOption(colours),
    tooltip: tipOption(colours, 'axis'),
    xAxis: { ...valueAxis(colours), minInterval: 1 },
    yAxis: nameAxis(
      machines.map(({ name }) => name),
      scheme,
    ),
    series: [
      bar('Failed', colours.aborted, (machine) => machine.failed_attempts.failed),
      bar('Timed out', colours.series[1]!, (machine) => machine.failed_attempts.timed_out),
      bar('Lost', colours.series[3]!, (machine) => machine.failed_attempts.lost),
    ],
  };
}

function valueFailureOption(values: readonly Value[], scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const bar = (name: string, color: string, of: (value: Value) => number) => ({
    type: 'bar' as const,
    stack: 'ends',
    barMaxWidth: 44,
    name,
    itemStyle: { color },
    data: values.map(of),
  });
  return {
    ...frameOption(colours),
    tooltip: {
      ...tipOption(colours, 'axis'),
      formatter: (points: { dataIndex: number }[]) => {
        const one = values[points[0]!.dataIndex]!;
        return `${cellText(one.value)}\n${countText(one.done)} done\n${countText(one.failed)} failed, ${(rateOf(one) * 100).toFixed(1)} %\n${countText(one.cancelled)} cancelled`;
      },
    },
    xAxis: categoryAxis(
      colours,
      values.map(({ value }) => cellText(value)),
      { widest: 110 },
    ),
    yAxis: { ...valueAxis(colours), minInterval: 1 },
    series: [
      bar('Failed', colours.aborted, (one) => one.failed),
      bar('Cancelled', colours.waiting, (one) => one.cancelled),
      bar('Done', colours.done, (one) => one.done),
    ],
  };
}
