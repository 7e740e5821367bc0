// One metric of one job over steps or time, an own line for each attempt.
import { Skeleton, Text, useComputedColorScheme } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { EChartsCoreOption } from 'echarts/core';
import { useMemo } from 'react';

import { errorSentence } from '../api.ts';
import { queries, type JobKey } from '../queries.ts';
import { Chart } from './chart.tsx';
import { chartColours, type Scheme } from './chart-colours.ts';

const HEIGHT = 170;

interface Props {
  readonly job: JobKey;
  readonly name: string;
  readonly axis: 'step' | 'time';
}

interface Series {
  readonly attempt: number;
  readonly points: readonly { readonly step: number | null; readonly value: number | null; readonly at: string }[];
}

export function MetricChart({ job, name, axis }: Props) {
  const scheme = useComputedColorScheme('light');
  const series = useQuery({ ...queries.metricSeries(job, name), placeholderData: keepPreviousData });
  const data = series.data?.series;
  const option = useMemo(() => (data === undefined ? null : metricOption(data, axis, scheme)), [data, axis, scheme]);
  if (series.isError) return <Text size="xs">{errorSentence(series.error)}</Text>;
  if (option === null) return <Skeleton height={HEIGHT} radius="sm" />;
  return <Chart option={option} height={HEIGHT} label={`${name} over ${axis === 'step' ? 'steps' : 'time'}`} />;
}

function metricOption(series: readonly Series[], axis: 'step' | 'time', scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const many = series.length > 1;
  return {
    animation: false,
    color: colours.series,
    grid: { left: 4, right: 14, top: 10, bottom: 4, containLabel: true },
    tooltip: {
      trigger: 'axis',
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.text, fontSize: 12 },
      axisPointer: { lineStyle: { color: colours.faint } },
      renderMode: 'richText',
    },
    xAxis: {
      type: axis === 'time' ? 'time' : 'value',
      min: 'dataMin',
      max: 'dataMax',
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: { color: colours.faint, fontSize: 11, hideOverlap: true },
      ...(axis === 'step' ? { minInterval: 1 } : {}),
    },
    yAxis: {
      type: 'value',
      scale: true,
      splitNumber: 4,
      axisLabel: { color: colours.faint, fontSize: 11 },
      splitLine: { lineStyle: { color: colours.grid } },
    },
    series: series.map((one, index) => ({
      name: many ? `attempt ${one.attempt}` : 'value',
      type: 'line',
      showSymbol: one.points.length < 3,
      symbolSize: 5,
      lineStyle: { width: index === series.length - 1 ? 2 : 1.4 },
      data: one.points.map((point, at) => [axis === 'time' ? Date.parse(point.at) : (point.step ?? at), point.value]),
    })),
  };
}
