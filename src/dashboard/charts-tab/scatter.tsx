// A param against the metric: one large plot with the param chosen by the reader, and a small one for each param that varies.
import { Checkbox } from '@mantine/core';
import type { EChartsCoreOption } from 'echarts/core';
import { useMemo, type CSSProperties } from 'react';

import { chartColours, type Scheme } from '../charts/chart-colours.ts';
import { ChartFrame } from '../charts/chart-frame.tsx';
import { frameOption, tipOption, valueAxis } from '../charts/chart-options.ts';
import { numberText } from '../charts/chart-table.ts';
import { METRIC_AXIS } from './charts-search.ts';
import { Choice } from './controls.tsx';
import { axisOption, jobsTable, jobText, paramAxis, placeColour, type Results } from './result-points.ts';
import { mayBeLog, toggledLog } from './results-choice.ts';
import type { ResultsProps } from './results.tsx';

export function Scatter(props: ResultsProps) {
  const { choice, change } = props;
  const { x, varying, log } = choice;
  if (x === null) return null;
  return (
    <ParamPlot
      {...props}
      param={x}
      title="Scatter"
      wide
      height={300}
      controls={
        <>
          <Choice label="Across" value={x} data={varying.map(({ name }) => ({ value: name, label: name }))} onChange={(name) => change({ x: name })} />
          <LogBox label="log x" on={log.has(x)} disabled={!mayBeLog(varying, x)} toggle={() => change({ log: toggledLog(log, x) })} />
          <LogBox label="log y" on={log.has(METRIC_AXIS)} toggle={() => change({ log: toggledLog(log, METRIC_AXIS) })} />
        </>
      }
    />
  );
}

export function Slices(props: ResultsProps) {
  const { choice } = props;
  const shown = choice.varying.filter(({ name }) => choice.axes.includes(name));
  if (shown.length < 2) return null;
  return (
    <div className="dr-slices" style={{ '--most': evenColumns(shown.length, 4), '--fewer': evenColumns(shown.length, 3) } as CSSProperties}>
      {shown.map(({ name }) => (
        <ParamPlot key={name} {...props} param={name} title={`Slice: ${name}`} height={190} />
      ))}
    </div>
  );
}

/** At most so many in a row, so that no row is left nearly empty. */
function evenColumns(count: number, most: number): number {
  return Math.ceil(count / Math.ceil(count / most));
}

interface LogBoxProps {
  readonly label: string;
  readonly on: boolean;
  readonly disabled?: boolean;
  readonly toggle: () => void;
}

export function LogBox({ label, on, disabled = false, toggle }: LogBoxProps) {
  return <Checkbox size="xs" label={label} checked={on} disabled={disabled} onChange={toggle} />;
}

interface PlotProps extends ResultsProps {
  readonly param: string;
  readonly title: string;
  readonly height: number;
  readonly wide?: boolean;
  readonly controls?: React.ReactNode;
}

function ParamPlot({ experiment, data, choice, state, openJob, param, title, height, wide = false, controls }: PlotProps) {
  const { log, varying } = choice;
  const logX = log.has(param);
  const logY = log.has(METRIC_AXIS);
  const option = useMemo(() => {
    const field = varying.find(({ name }) => name === param);
    if (data === undefined || data.jobs.length === 0 || field === undefined || !data.params.includes(param)) return null;
    return (scheme: Scheme) => plotOption(data, { field, logX, logY }, scheme);
  }, [data, varying, param, logX, logY]);
  const at = data?.params.indexOf(param) ?? -1;
  const own = data === undefined ? null : { ...data, params: [param], jobs: data.jobs.map((job) => ({ ...job, params: [job.params[at] ?? null] })) };
  return (
    <ChartFrame
      experiment={experiment}
      state={state}
      title={title}
      summary={`${choice.metric} by ${param}; a point opens its job`}
      option={option}
      empty="No job has this metric."
      table={own === null ? { columns: [], rows: [] } : jobsTable(own, own.jobs)}
      jobColumn={0}
      height={height}
      wide={wide}
      onMade={openJob}
      controls={controls}
    />
  );
}

interface Axes {
  readonly field: ResultsProps['choice']['varying'][number];
  readonly logX: boolean;
  readonly logY: boolean;
}

function plotOption(data: Results, { field, logX, logY }: Axes, scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const at = data.params.indexOf(field.name);
  const axis = paramAxis(
    field,
    data.jobs.map((job) => job.params[at] ?? null),
    logX,
  );
  // The best ones last: they lie on top.
  const points = data.jobs.toReversed().flatMap((job) => {
    const x = axis.place(job.params[at] ?? null);
    const y = job.values[0] ?? null;
    if (x === null || y === null || (logY && y <= 0)) return [];
    return [{ value: [x, y], number: job.number, place: job.place, itemStyle: { color: placeColour(colours, job.place, data.measured) } }];
  });
  const byNumber = new Map(data.jobs.map((job) => [job.number, job]));
  return {
    ...frameOption(colours, { legend: false, bottom: 26 }),
    tooltip: {
      ...tipOption(colours, 'item'),
      formatter: ({ data: point }: { data: { number: number } }) => jobText(data, byNumber.get(point.number)!),
    },
    xAxis: axisOption(colours, axis),
    yAxis: valueAxis(colours, { scale: true, log: logY, format: numberText }),
    series: [
      { type: 'scatter', symbolSize: points.length > 400 ? 5 : 8, itemStyle: { opacity: 0.8 }, emphasis: { scale: 1.6 }, cursor: 'pointer', data: points },
    ],
  };
}
