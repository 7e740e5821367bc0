// What happened when: ends, throughput, and the depth of the queue.
import { ActionIcon, Button, Text, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { EChartsCoreOption } from 'echarts/core';
import { useMemo } from 'react';

import type { Bucket } from '../../core/time-buckets.ts';
import { chartColours, type Scheme } from '../charts/chart-colours.ts';
import { ChartFrame } from '../charts/chart-frame.tsx';
import { categoryAxis, frameOption, tipOption, valueAxis } from '../charts/chart-options.ts';
import { numberText } from '../charts/chart-table.ts';
import { countText } from '../components/bytes.ts';
import { exactText } from '../components/time.tsx';
import {
  type Activity,
  BUCKET_COUNT,
  BUCKET_WORD,
  bucketLabel,
  depthTable,
  endedSeries,
  endsTable,
  sumOf,
  throughput,
  throughputTable,
} from './activity-data.ts';
import { chartQueries } from './chart-queries.ts';
import type { ChartsPlace, Grouping } from './charts-search.ts';
import { Choice, Segments } from './controls.tsx';

export function ActivityView(place: ChartsPlace) {
  const { experiment, search } = place;
  const bucket = search.bucket ?? 'minute';
  const query = useQuery(
    chartQueries.activity(experiment, {
      bucket,
      buckets: BUCKET_COUNT[bucket],
      ...(search.until === undefined ? {} : { until: search.until }),
      ...(search.split === undefined ? {} : { split: search.split }),
      ...(search.machine === undefined ? {} : { machine: search.machine }),
    }),
  );
  const { data } = query;
  const ends = useMemo(() => (data === undefined ? null : (scheme: Scheme) => endsOption(data, bucket, scheme)), [data, bucket]);
  const rate = useMemo(() => (data === undefined ? null : (scheme: Scheme) => rateOption(data, bucket, scheme)), [data, bucket]);
  const depth = useMemo(() => (data === undefined ? null : (scheme: Scheme) => depthOption(data, bucket, scheme)), [data, bucket]);
  const shared = { experiment, state: { isPending: query.isPending, error: query.error, refetch: query.refetch } };
  const none = { columns: [], rows: [] };
  const nothingEnded = data !== undefined && sumOf(data.buckets.map(({ done, aborted }) => done + aborted)) === 0;
  return (
    <>
      <ActivityBar {...place} bucket={bucket} data={data} />
      <div className="dr-figures">
        <ChartFrame
          {...shared}
          title="Jobs ended"
          wide
          summary={data === undefined ? '' : endsSummary(data)}
          option={nothingEnded ? null : ends}
          empty={<NothingEnded {...place} data={data} />}
          table={data === undefined ? none : endsTable(data)}
          sampled={search.split === undefined && search.machine === undefined ? undefined : data?.sampled}
          height={260}
        />
        <ChartFrame
          {...shared}
          title="Throughput"
          summary={data === undefined ? '' : rateSummary(data, bucket)}
          option={nothingEnded ? null : rate}
          empty={<Text size="sm">Nothing ended in this time.</Text>}
          table={data === undefined ? none : throughputTable(data)}
          height={220}
        />
        <ChartFrame
          {...shared}
          title="Queue depth"
          summary={data === undefined ? '' : depthSummary(data)}
          option={nothingEnded && data.buckets.every(({ waiting, running }) => waiting + running === 0) ? null : depth}
          empty={<Text size="sm">Nothing waited or ran in this time.</Text>}
          table={data === undefined ? none : depthTable(data)}
          height={220}
        />
      </div>
    </>
  );
}

interface BarProps extends ChartsPlace {
  readonly bucket: Bucket;
  readonly data: Activity | undefined;
}

function ActivityBar({ search, change, bucket, data }: BarProps) {
  const split = search.split ?? 'status';
  return (
    <div className="dr-chart-bar">
      <Segments<Bucket>
        label="Stretch of time"
        value={bucket}
        data={[
          { value: 'minute', label: 'Minutes' },
          { value: 'hour', label: 'Hours' },
          { value: 'day', label: 'Days' },
        ]}
        onChange={(value) => change({ bucket: value === 'minute' ? undefined : value })}
      />
      <span className="dr-time-nav">
        <Tooltip label="Earlier">
          <ActionIcon aria-label="Earlier" onClick={() => data !== undefined && change({ until: new Date(Date.parse(data.from) - 1).toISOString() })}>
            <IconChevronLeft size={16} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Later">
          <ActionIcon aria-label="Later" disabled={search.until === undefined} onClick={() => data !== undefined && change({ until: later(data) })}>
            <IconChevronRight size={16} />
          </ActionIcon>
        </Tooltip>
        {search.until === undefined ? null : (
          <Button size="compact-xs" variant="light" onClick={() => change({ until: undefined })}>
            Now
          </Button>
        )}
      </span>
      <Choice<'status' | Grouping>
        label="Split by"
        value={split}
        data={[
          { value: 'status', label: 'Status' },
          { value: 'machine', label: 'Machine' },
          { value: 'worker', label: 'Worker' },
        ]}
        onChange={(value) => change({ split: value === 'status' ? undefined : value })}
      />
      {search.machine === undefined ? null : (
        <Button size="compact-xs" variant="light" onClick={() => change({ machine: undefined })}>
          {`Only ${search.machine} ×`}
        </Button>
      )}
      {data === undefined ? null : (
        <Text size="xs" c="dimmed" ml="auto" className="dr-num">
          {`${exactText(data.from)} to ${search.until === undefined ? 'now' : exactText(data.to)}`}
        </Text>
      )}
    </div>
  );
}

/** Where the stretches after these end; undefined when that is now. */
function later({ from, to, now }: Activity): string | undefined {
  const next = Date.parse(to) + (Date.parse(to) - Date.parse(from)) - 1;
  return next >= Date.parse(now) ? undefined : new Date(next).toISOString();
}

function NothingEnded({ data, change }: ChartsPlace & { readonly data: Activity | undefined }) {
  const last = data?.last_finished_at ?? null;
  if (last === null) return <Text size="sm">No job has ended yet.</Text>;
  return (
    <>
      <Text size="sm">No job ended in this time.</Text>
      <Button size="compact-sm" variant="light" onClick={() => change({ until: last })}>
        Go to the last one
      </Button>
    </>
  );
}

function endsSummary({ buckets }: Activity): string {
  const done = sumOf(buckets.map((one) => one.done));
  const aborted = sumOf(buckets.map((one) => one.aborted));
  return `${countText(done)} done, ${countText(aborted)} aborted`;
}

function rateSummary(activity: Activity, bucket: Bucket): string {
  const lines = throughput(activity).filter((value) => value !== null);
  const last = lines.at(-1) ?? 0;
  return `${numberText(last)} ${BUCKET_WORD[bucket]} at the end, ${numberText(Math.max(0, ...lines))} at most; average of five`;
}

function depthSummary({ buckets }: Activity): string {
  const last = buckets.at(-1);
  return last === undefined ? '' : `${countText(last.waiting)} waiting, ${countText(last.running)} running at the end`;
}

function timeAxis(activity: Activity, bucket: Bucket, scheme: Scheme) {
  const labels = activity.buckets.map(({ at }) => bucketLabel(at, bucket));
  return categoryAxis(chartColours(scheme), labels);
}

const whole = { minInterval: 1 };

function endsOption(activity: Activity, bucket: Bucket, scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const split = endedSeries(activity);
  const bar = { type: 'bar' as const, stack: 'ends', barCategoryGap: '22%' };
  const byStatus = [
    { ...bar, name: 'Done', itemStyle: { color: colours.done }, data: activity.buckets.map(({ done }) => done) },
    { ...bar, name: 'Aborted', itemStyle: { color: colours.aborted }, data: activity.buckets.map(({ aborted }) => aborted) },
  ];
  const palette = [...colours.series, colours.weak];
  const byMachine = split.map(({ name, ended }, index) => ({ ...bar, name, itemStyle: { color: palette[Math.min(index, palette.length - 1)]! }, data: ended }));
  return {
    ...frameOption(colours),
    tooltip: tipOption(colours, 'axis'),
    xAxis: timeAxis(activity, bucket, scheme),
    yAxis: { ...valueAxis(colours), ...whole },
    series: split.length === 0 ? byStatus : byMachine,
  };
}

function rateOption(activity: Activity, bucket: Bucket, scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const faint = {
    type: 'bar' as const,
    name: 'Ended',
    itemStyle: { color: colours.weak, opacity: 0.55 },
    data: activity.buckets.map(({ done, aborted }) => done + aborted),
  };
  const line = {
    type: 'line' as const,
    name: 'Moving average',
    showSymbol: false,
    lineStyle: { width: 2 },
    itemStyle: { color: colours.running },
    data: throughput(activity).map((value) => (value === null ? null : Number(value.toPrecision(4)))),
  };
  return {
    ...frameOption(colours),
    tooltip: tipOption(colours, 'axis'),
    xAxis: timeAxis(activity, bucket, scheme),
    yAxis: valueAxis(colours),
    series: [faint, line],
  };
}

function depthOption(activity: Activity, bucket: Bucket, scheme: Scheme): EChartsCoreOption {
  const colours = chartColours(scheme);
  const area = (name: string, color: string, data: readonly number[]) => ({
    type: 'line' as const,
    stack: 'depth',
    step: 'middle' as const,
    showSymbol: false,
    name,
    itemStyle: { color },
    lineStyle: { width: 1.5, color },
    areaStyle: { color, opacity: 0.35 },
    data: [...data],
  });
  return {
    ...frameOption(colours),
    tooltip: tipOption(colours, 'axis'),
    xAxis: { ...timeAxis(activity, bucket, scheme), boundaryGap: true },
    yAxis: { ...valueAxis(colours), ...whole },
    series: [
      area(
        'Running',
        colours.running,
        activity.buckets.map(({ running }) => running),
      ),
      area(
        'Waiting',
        colours.waiting,
        activity.buckets.map(({ waiting }) => waiting),
      ),
    ],
  };
}
