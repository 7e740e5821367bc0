// Charts of a machine over time: CPU, memory, load, disk and GPUs, each with the most of every piece of time as a fainter line.
import type { EChartsCoreOption } from 'echarts/core';
import { useMemo } from 'react';

import { exactText } from '../components/time.tsx';
import { chartColours, type Scheme } from './chart-colours.ts';
import { ChartFrame, type ChartFrameProps } from './chart-frame.tsx';
import { frameOption, tipOption, valueAxis } from './chart-options.ts';
import { axisStep, figureTable, linePoints, machineFigures, type MachineFigure, type MachineReply } from './machine-figures.ts';

interface Props {
  readonly experiment: string;
  /** Whose machine: in the names of files. */
  readonly worker: string;
  readonly reply: MachineReply;
  readonly state: ChartFrameProps['state'];
}

const HEIGHT = 150;

export function MachineCharts({ experiment, worker, reply, state }: Props) {
  return (
    <div className="dr-machine-figures">
      {machineFigures(reply).map((figure) => (
        <Figure key={figure.title} figure={figure} reply={reply} experiment={`${experiment} ${worker}`} state={state} />
      ))}
    </div>
  );
}

function Figure({ figure, reply, experiment, state }: Omit<Props, 'worker'> & { readonly figure: MachineFigure }) {
  const option = useMemo(() => (scheme: Scheme) => figureOption(figure, reply, scheme), [figure, reply]);
  return (
    <ChartFrame
      title={figure.title}
      experiment={experiment}
      summary={figure.summary}
      option={option}
      table={figureTable(reply, figure)}
      height={HEIGHT}
      state={state}
    />
  );
}

function figureOption({ lines, format, most }: MachineFigure, reply: MachineReply, scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const many = lines.length > 1;
  const axis = valueAxis(colours, { format: (value) => format(value).replace('.0 ', ' ') });
  const step = most === null ? 1 : axisStep(most);
  return {
    ...frameOption(colours, { legend: many }),
    tooltip: { ...tipOption(colours, 'axis'), valueFormatter: (value: unknown) => (typeof value === 'number' ? format(value) : '–') },
    xAxis: {
      type: 'time',
      min: Date.parse(reply.from),
      max: Date.parse(reply.until),
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      // The library prints every full hour in bold.
      axisLabel: { color: colours.faint, fontSize: 11, hideOverlap: true, rich: { primary: { fontWeight: 'normal', color: colours.faint } } },
      axisPointer: { label: { formatter: ({ value }: { value: number }) => exactText(new Date(value).toISOString()) } },
    },
    yAxis: { ...axis, min: 0, ...(most === null ? {} : { max: most, interval: step, axisLabel: { ...axis.axisLabel, showMaxLabel: most % step === 0 } }) },
    series: lines.flatMap(({ label, series }, index) => {
      const colour = colours.series[index % colours.series.length]!;
      const line = { type: 'line', showSymbol: series.mean.filter((value) => value !== null).length < 4, symbolSize: 5, color: colour };
      const mean = { ...line, name: label, lineStyle: { width: 1.8 }, data: linePoints(reply, series.mean) };
      if (many) return [mean];
      const peaks = { ...line, name: 'most', lineStyle: { width: 1, opacity: 0.45 }, data: linePoints(reply, series.greatest), z: 1 };
      return [{ ...mean, name: 'mean', areaStyle: { opacity: 0.12 } }, peaks];
    }),
  };
}
