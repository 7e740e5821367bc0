// One metric of all compared jobs, their curves over each other.
import { useQuery } from '@tanstack/react-query';
import type { EChartsCoreOption } from 'echarts/core';
import { useMemo } from 'react';

import { chartQueries } from '../charts-tab/chart-queries.ts';
import { chartColours, type Scheme } from '../charts/chart-colours.ts';
import { ChartFrame } from '../charts/chart-frame.tsx';
import { frameOption, tipOption, valueAxis } from '../charts/chart-options.ts';
import { type ChartTable, numberText } from '../charts/chart-table.ts';
import { durationText } from '../components/time.tsx';
import { lineLook } from './compare-colours.ts';
import { curvePoints, type Curve, type CurveAxis } from './curve-points.ts';

export interface CurveFigureProps {
  readonly experiment: string;
  /** Ranges of job numbers, and the numbers themselves in the order of their colours. */
  readonly jobs: string;
  readonly numbers: readonly number[];
  readonly metric: string;
  readonly axis: CurveAxis;
  readonly log: boolean;
}

export function CurveFigure({ experiment, jobs, numbers, metric, axis, log }: CurveFigureProps) {
  const query = useQuery(chartQueries.curves(experiment, { numbers: jobs, metric }));
  const curves = query.data?.curves;
  const option = useMemo(
    () => (curves === undefined || curves.length === 0 ? null : (scheme: Scheme) => curvesOption(curves, { numbers, axis, log }, scheme)),
    [curves, numbers, axis, log],
  );
  return (
    <ChartFrame
      experiment={experiment}
      title={metric}
      summary={curves === undefined ? '' : `${curves.length} of ${numbers.length} jobs, over ${axis === 'step' ? 'steps' : 'time since their first point'}`}
      option={option}
      empty="None of these jobs has this metric."
      table={curves === undefined ? { columns: [], rows: [] } : curvesTable(curves)}
      jobColumn={0}
      height={240}
      state={{ isPending: query.isPending, error: query.error, refetch: query.refetch }}
    />
  );
}

function curvesTable(curves: readonly Curve[]): ChartTable {
  return {
    columns: ['Job', 'Attempt', 'Step', 'Value', 'At'],
    rows: curves.flatMap(({ number, attempt, points }) => points.map(({ step, value, at }) => [number, attempt, step, value, at])),
  };
}

interface Look {
  readonly numbers: readonly number[];
  readonly axis: CurveAxis;
  readonly log: boolean;
}

function curvesOption(curves: readonly Curve[], { numbers, axis, log }: Look, scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  return {
    ...frameOption(colours, { legend: false }),
    tooltip: {
      ...tipOption(colours, 'axis'),
      axisPointer: { type: 'line' as const, lineStyle: { color: colours.faint } },
      order: 'valueDesc' as const,
    },
    xAxis: {
      ...valueAxis(colours, { scale: true, ...(axis === 'time' ? { format: (ms: number) => durationText(ms) } : {}) }),
      axisLine: { show: true, lineStyle: { color: colours.line } },
      splitLine: { show: false },
      ...(axis === 'step' ? { minInterval: 1 } : {}),
    },
    yAxis: valueAxis(colours, { scale: true, log, format: numberText }),
    series: curves.map((curve) => {
      const { color, type } = lineLook(numbers.indexOf(curve.number), scheme);
      return {
        type: 'line' as const,
        name: `job ${curve.number}`,
        showSymbol: curve.points.length < 3,
        symbolSize: 6,
        itemStyle: { color },
        lineStyle: { width: 1.8, color, type },
        emphasis: { focus: 'series' as const },
        data: curvePoints(curve, { axis, log }),
      };
    }),
  };
}
