// What came out: the best jobs by a metric, and how params and metric hang together.
import { Button, Text } from '@mantine/core';
import { IconChartDots } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { EChartsType } from 'echarts/core';
import { useCallback, useMemo } from 'react';

import type { ChartFrameProps } from '../charts/chart-frame.tsx';
import { Empty, ErrorNotice, LoadingRows } from '../components/states.tsx';
import { BestJobs } from './best-jobs.tsx';
import { chartQueries } from './chart-queries.ts';
import type { ChartsPlace, Goal, Reduction } from './charts-search.ts';
import { Choice, SearchInput, Segments } from './controls.tsx';
import { Parallel } from './parallel.tsx';
import { ReplicatesFigure } from './replicates.tsx';
import type { Results } from './result-points.ts';
import { chooseResults, type Fields, type ResultsChoice } from './results-choice.ts';
import { Scatter, Slices } from './scatter.tsx';

export interface ResultsProps extends ChartsPlace {
  readonly choice: ResultsChoice;
  readonly data: Results | undefined;
  readonly state: ChartFrameProps['state'];
  /** Makes a click on something that has the number of a job open it. */
  readonly openJob: (chart: EChartsType) => () => void;
}

export function ResultsView(place: ChartsPlace) {
  const fields = useQuery(chartQueries.fields(place.experiment));
  if (fields.isError) return <ErrorNotice error={fields.error} retry={() => void fields.refetch()} />;
  if (fields.data === undefined) return <LoadingRows rows={6} />;
  if (fields.data.metrics.length === 0) {
    return (
      <div className="dr-card">
        <Empty icon={IconChartDots} title="No metrics yet">
          <Text size="sm" c="dimmed" maw={460}>
            A script tells its results with <code className="dr-mono">jd.jd_log_metric(&apos;loss&apos;, value, step)</code>. The jobs are compared here as soon
            as some did.
          </Text>
        </Empty>
      </div>
    );
  }
  return <Measured {...place} fields={fields.data} />;
}

function Measured({ experiment, search, change, fields }: ChartsPlace & { readonly fields: Fields }) {
  const navigate = useNavigate();
  const choice = useMemo(() => chooseResults(fields, search)!, [fields, search]);
  const { metric, value, goal } = choice;
  const query = useQuery(
    chartQueries.results(experiment, {
      metric,
      value,
      goal,
      param: choice.varying.map(({ name }) => name),
      ...(search.search === undefined ? {} : { search: search.search }),
    }),
  );
  const openJob = useCallback(
    (chart: EChartsType) => {
      const open = (event: unknown): void => {
        const number = (event as { data?: { number?: unknown } }).data?.number;
        if (typeof number === 'number') void navigate({ to: '/experiments/$experiment/jobs/$number', params: { experiment, number: String(number) } });
      };
      chart.on('click', open);
      return () => chart.off('click', open);
    },
    [navigate, experiment],
  );
  const props: ResultsProps = {
    ...{ experiment, search, change, choice, openJob },
    data: query.data,
    state: { isPending: query.isPending, error: query.error, refetch: query.refetch },
  };
  return (
    <>
      <ResultsBar {...props} fields={fields} />
      <div className="dr-figures">
        <BestJobs {...props} />
        <Parallel {...props} />
        <Scatter {...props} />
        <Slices {...props} />
        <ReplicatesFigure {...props} />
      </div>
    </>
  );
}

function ResultsBar({ choice, search, change, fields }: ResultsProps & { readonly fields: Fields }) {
  const { metric, value, goal } = choice;
  const onSearch = useCallback((text: string) => change({ search: text === '' ? undefined : text }), [change]);
  return (
    <div className="dr-chart-bar">
      <Choice
        label="Metric"
        value={metric}
        data={fields.metrics.map((name) => ({ value: name, label: name }))}
        onChange={(name) => change({ metric: name, goal: undefined })}
      />
      <Choice<Reduction>
        label="Value"
        value={value}
        data={[
          { value: 'last', label: 'last' },
          { value: 'min', label: 'least' },
          { value: 'max', label: 'greatest' },
        ]}
        onChange={(chosen) => change({ value: chosen === 'last' ? undefined : chosen })}
      />
      <Segments<Goal>
        label="What is best"
        value={goal}
        data={[
          { value: 'minimise', label: 'Minimise' },
          { value: 'maximise', label: 'Maximise' },
        ]}
        onChange={(chosen) => change({ goal: chosen })}
      />
      <SearchInput value={search.search ?? ''} onChange={onSearch} />
      {search.search === undefined ? null : (
        <Button size="compact-xs" variant="subtle" onClick={() => change({ search: undefined })}>
          All jobs
        </Button>
      )}
    </div>
  );
}
