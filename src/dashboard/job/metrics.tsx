// The metrics of a job: one chart each, all attempts in it. The chart library is loaded only when there is something to draw.
import { SegmentedControl, Skeleton, Text } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';

import { queries, type JobKey } from '../queries.ts';
import { Panel } from './panel.tsx';

const MetricChart = lazy(() => import('../charts/metric-chart.tsx').then((module) => ({ default: module.MetricChart })));

type Axis = 'step' | 'time';

export function Metrics({ job, ended }: { readonly job: JobKey; readonly ended: boolean }) {
  const names = useQuery(queries.metricNames(job));
  const [axis, setAxis] = useLocalStorage<Axis>({ key: 'drover.metric-axis', defaultValue: 'step' });
  const metrics = names.data?.metrics ?? [];
  if (metrics.length === 0) {
    return (
      <Panel title="Metrics">
        <Text size="sm" c="dimmed">
          {names.isPending ? 'Loading' : `${ended ? 'None.' : 'None yet.'} A script draws a curve here with `}
          {names.isPending ? null : <code className="dr-mono">jd.jd_log_metric(&apos;loss&apos;, value, step)</code>}
        </Text>
      </Panel>
    );
  }
  return (
    <Panel
      title="Metrics"
      count={metrics.length}
      action={
        <SegmentedControl
          size="xs"
          value={axis}
          onChange={(value) => setAxis(value === 'time' ? 'time' : 'step')}
          data={[
            { value: 'step', label: 'Step' },
            { value: 'time', label: 'Time' },
          ]}
          aria-label="Horizontal axis"
        />
      }
    >
      <div className="dr-charts">
        {metrics.map((metric) => (
          <figure key={metric.name} className="dr-chart">
            <figcaption>
              <span className="dr-mono dr-truncate" title={metric.name}>
                {metric.name}
              </span>
              <b className="dr-num">{valueText(metric.last)}</b>
              <Text span size="xs" c="dimmed" className="dr-num" ml="auto" style={{ whiteSpace: 'nowrap' }}>
                {metric.min === null || metric.max === null ? '' : `${valueText(metric.min)} to ${valueText(metric.max)}`}
              </Text>
            </figcaption>
            <Suspense fallback={<Skeleton height={170} radius="sm" />}>
              <MetricChart job={job} name={metric.name} axis={axis} />
            </Suspense>
          </figure>
        ))}
      </div>
    </Panel>
  );
}

function valueText(value: number | null): string {
  if (value === null) return 'not finite';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return Number(value.toPrecision(4)).toString();
}
