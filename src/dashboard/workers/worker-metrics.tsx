// The machine of a worker: what it measured last, and charts over a stretch of time.
import { Text } from '@mantine/core';
import { IconActivity } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';

import { Segments } from '../charts-tab/controls.tsx';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { Moment } from '../components/time.tsx';
import { useLive } from '../live/live-provider.tsx';
import { snapshot, type Gauge } from './machine-snapshot.ts';
import { workerQueries, type WorkerDetails } from './worker-queries.ts';
import { RANGES, type Range } from './workers-search.ts';

const MachineCharts = lazy(() => import('../charts/machine-charts.tsx').then((module) => ({ default: module.MachineCharts })));

interface Props {
  readonly experiment: string;
  readonly worker: WorkerDetails;
  readonly range: Range;
  readonly choose: (range: Range) => void;
}

const RANGE_WORD: Record<Range, string> = { '1h': 'Hour', '6h': '6 hours', '24h': 'Day', '7d': 'Week', '30d': '30 days' };

export function WorkerMetrics({ experiment, worker, range, choose }: Props) {
  const gone = worker.status === 'disabled';
  const { paused } = useLive();
  const until = gone ? (worker.metrics_at ?? worker.last_seen_at) : null;
  const machine = useQuery({
    ...workerQueries.machine({ experiment, worker: worker.worker_id }, { range, until }),
    refetchInterval: gone || paused ? false : workerQueries.measuredEvery,
  });
  if (worker.metrics === null) {
    return (
      <Empty icon={IconActivity} title="Nothing was measured yet">
        <Text size="sm" c="dimmed">
          The agent measures its machine every 15 seconds and tells it with its next poll.
        </Text>
      </Empty>
    );
  }
  return (
    <>
      <Text size="xs" c="dimmed" mb={6}>
        {gone ? 'Last known, ' : 'Measured '}
        <Moment at={worker.metrics_at} />
        {worker.agent_workers > 1 ? `. All ${worker.agent_workers} workers of ${worker.instance} share this machine.` : ''}
      </Text>
      <Gauges gauges={snapshot(worker.metrics, worker.total.cpus)} />
      <div className="dr-machine-range">
        <Segments<Range>
          label="Stretch of time"
          value={range}
          data={(Object.keys(RANGES) as Range[]).map((value) => ({ value, label: RANGE_WORD[value] }))}
          onChange={choose}
        />
        <Text size="xs" c="dimmed">
          {gone ? 'up to its last word' : 'up to now'}
        </Text>
      </div>
      {machine.isError ? <ErrorNotice error={machine.error} retry={() => void machine.refetch()} /> : null}
      {machine.data === undefined ? null : machine.data.series.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing was measured in this stretch of time.
        </Text>
      ) : (
        <Suspense fallback={<LoadingRows rows={4} />}>
          <MachineCharts
            experiment={experiment}
            worker={worker.worker_id}
            reply={machine.data}
            state={{ isPending: false, error: null, refetch: machine.refetch }}
          />
        </Suspense>
      )}
    </>
  );
}

function Gauges({ gauges }: { readonly gauges: readonly Gauge[] }) {
  return (
    <dl className="dr-gauges">
      {gauges.map(({ name, text, share, tone }) => (
        <div key={name} className="dr-gauge" data-tone={tone}>
          <dt>{name}</dt>
          <dd className="dr-num">{text}</dd>
          {share === null ? null : (
            <span className="dr-gauge-bar" aria-hidden>
              <i style={{ width: `${Math.round(share * 100)}%` }} />
            </span>
          )}
        </div>
      ))}
    </dl>
  );
}
