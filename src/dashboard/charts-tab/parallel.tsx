// Parallel coordinates: every job a line across its params to its metric. Brushing axes keeps the lines that pass through.
import { Button, Chip, Group, Popover, Text } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconAdjustmentsHorizontal } from '@tabler/icons-react';
import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { useCallback, useMemo, useState } from 'react';

import { type ChartColours, chartColours, type Scheme } from '../charts/chart-colours.ts';
import { ChartFrame, JobNumber } from '../charts/chart-frame.tsx';
import { tipOption } from '../charts/chart-options.ts';
import { numberText } from '../charts/chart-table.ts';
import { countText } from '../components/bytes.ts';
import { METRIC_AXIS, NONE } from './charts-search.ts';
import { jobsTable, jobText, paramAxis, type ParamAxis, placeColour, type ResultJob, type Results } from './result-points.ts';
import { mayBeLog, toggledLog } from './results-choice.ts';
import type { ResultsProps } from './results.tsx';

type Interval = readonly [number, number];
type Brushes = ReadonlyMap<string, readonly Interval[]>;

const NO_BRUSHES: Brushes = new Map();
const NARROW = '(max-width: 48em)';
/** Links to jobs that the brushes keep. */
const LISTED = 12;

export function Parallel({ experiment, data, choice, state, openJob, change }: ResultsProps) {
  const [brushes, setBrushes] = useState(NO_BRUSHES);
  const narrow = useMediaQuery(NARROW) ?? false;
  const lines = useMemo(() => (data === undefined ? null : linesOf(data, choice)), [data, choice]);
  const option = useMemo(
    () =>
      data === undefined || lines === null || data.jobs.length === 0 || lines.axes.length < 2
        ? null
        : (scheme: Scheme) => parallelOption(data, lines, { scheme, narrow }),
    [data, lines, narrow],
  );
  const onMade = useCallback(
    (chart: EChartsType) => {
      setBrushes(NO_BRUSHES);
      chart.on('axisareaselected', (event) => {
        const { parallelAxisId, intervals } = event as unknown as { parallelAxisId: string; intervals: readonly Interval[] };
        setBrushes((known) => new Map([...known, [parallelAxisId, intervals]]));
      });
      return openJob(chart);
    },
    [openJob],
  );
  const kept = lines === null ? [] : lines.jobs.filter(({ places }) => isKept(lines.axes, places, brushes)).map(({ job }) => job);
  const isBrushed = [...brushes.values()].some((intervals) => intervals.length > 0);
  return (
    <ChartFrame
      // Other axes are another chart: brushes belong to the axes on which they were made.
      key={lines?.axes.map(({ id, log, words }) => `${id} ${log} ${words?.length}`).join() ?? ''}
      experiment={experiment}
      state={state}
      wide
      title="Parallel coordinates"
      summary="Drag along an axis to keep the lines through it; a line opens its job"
      option={option}
      empty="No job with this metric has params that vary."
      table={data === undefined ? { columns: [], rows: [] } : jobsTable(data, kept)}
      jobColumn={0}
      height={340}
      keepAxes
      onMade={onMade}
      controls={<AxisMenu choice={choice} change={change} />}
      below={isBrushed ? <Kept experiment={experiment} kept={kept} of={lines?.jobs.length ?? 0} /> : undefined}
    />
  );
}

function AxisMenu({ choice, change }: Pick<ResultsProps, 'choice' | 'change'>) {
  const { varying, axes, log } = choice;
  const toggle = (name: string): void => {
    const next = axes.includes(name) ? axes.filter((one) => one !== name) : [...axes, name];
    change({ axes: next.length === 0 ? NONE : next.join(',') });
  };
  const names = [...varying.map(({ name }) => name).filter((name) => axes.includes(name) && mayBeLog(varying, name)), METRIC_AXIS];
  return (
    <Popover position="bottom-end" width={320} shadow="md" withArrow>
      <Popover.Target>
        <Button size="compact-sm" variant="default" leftSection={<IconAdjustmentsHorizontal size={14} />}>
          Axes
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Text size="xs" fw={600} mb={6}>
          Parameters
        </Text>
        <Group gap={6}>
          {varying.map(({ name }) => (
            <Chip key={name} size="xs" checked={axes.includes(name)} onChange={() => toggle(name)}>
              {name}
            </Chip>
          ))}
        </Group>
        <Text size="xs" fw={600} mt="sm" mb={6}>
          Logarithmic
        </Text>
        <Group gap={6}>
          {names.map((name) => (
            <Chip key={name} size="xs" checked={log.has(name)} onChange={() => change({ log: toggledLog(log, name) })}>
              {name === METRIC_AXIS ? choice.metric : name}
            </Chip>
          ))}
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}

function Kept({ experiment, kept, of }: { readonly experiment: string; readonly kept: readonly ResultJob[]; readonly of: number }) {
  return (
    <output className="dr-brushed">
      <span>{`${countText(kept.length)} of ${countText(of)} jobs kept${kept.length === 0 ? '' : ', best first:'}`}</span>
      {kept.slice(0, LISTED).map((job) => (
        <JobNumber key={job.number} experiment={experiment} number={job.number} />
      ))}
      {kept.length > LISTED ? <span>…</span> : null}
    </output>
  );
}

interface LineAxis extends ParamAxis {
  readonly id: string;
}

interface Lines {
  readonly axes: readonly LineAxis[];
  /** By place. */
  readonly jobs: readonly { readonly job: ResultJob; readonly places: readonly (number | null)[] }[];
}

function linesOf(data: Results, { axes: names, varying, log, metric }: ResultsProps['choice']): Lines {
  const axes = names.flatMap((name): (LineAxis & { at: number })[] => {
    const field = varying.find((one) => one.name === name);
    const at = data.params.indexOf(name);
    if (field === undefined || at === -1) return [];
    const axis = paramAxis(
      field,
      data.jobs.map((job) => job.params[at] ?? null),
      log.has(name),
    );
    return [{ ...axis, id: name, at }];
  });
  const logMetric = log.has(METRIC_AXIS) && data.jobs.every((job) => (job.values[0] ?? 0) > 0);
  const goal: LineAxis = { id: METRIC_AXIS, name: metric, log: logMetric, words: null, place: (value) => (typeof value === 'number' ? value : null) };
  const jobs = data.jobs.map((job) => ({ job, places: [...axes.map((axis) => axis.place(job.params[axis.at] ?? null)), job.values[0] ?? null] }));
  return { axes: [...axes, goal], jobs };
}

function isKept(axes: readonly LineAxis[], places: readonly (number | null)[], brushes: Brushes): boolean {
  return axes.every(({ id }, index) => {
    const intervals = brushes.get(id) ?? [];
    const place = places[index] ?? null;
    return intervals.length === 0 || (place !== null && intervals.some(([a, b]) => Math.min(a, b) <= place && place <= Math.max(a, b)));
  });
}

function parallelOption(data: Results, { axes, jobs }: Lines, { scheme, narrow }: { readonly scheme: Scheme; readonly narrow: boolean }): EChartsCoreOption {
  const colours = chartColours(scheme);
  const many = jobs.length > 200;
  const ordered = jobs.toReversed();
  return {
    animation: false,
    textStyle: { color: colours.text, fontFamily: 'inherit' },
    tooltip: {
      ...tipOption(colours, 'item'),
      formatter: ({ dataIndex }: { dataIndex: number }) => jobText(data, ordered[dataIndex]!.job),
    },
    parallel: { left: narrow ? 34 : 48, right: narrow ? 46 : 72, top: narrow ? 50 : 34, bottom: 18, parallelAxisDefault: axisLook(colours) },
    parallelAxis: axes.map(({ id, name, log, words }, dim) => ({
      id,
      dim,
      z: ABOVE_LINES,
      name,
      // Where names are wider than the space between their axes, every other one stands higher.
      nameGap: narrow && dim % 2 === 1 ? 28 : 12,
      ...(narrow ? { nameTruncate: { maxWidth: 84 } } : {}),
      type: words === null ? (log ? 'log' : 'value') : 'category',
      ...(words === null
        ? { scale: true, axisLabel: { ...axisLook(colours).axisLabel, ...covering(colours), formatter: (value: number) => numberText(value) } }
        : { data: [...words], axisLabel: { ...axisLook(colours).axisLabel, width: 90, overflow: 'truncate' } }),
    })),
    series: [
      {
        type: 'parallel',
        smooth: 0.15,
        inactiveOpacity: 0.03,
        activeOpacity: many ? 0.55 : 0.85,
        lineStyle: { width: many ? 1 : 1.6, opacity: many ? 0.45 : 0.75 },
        emphasis: { lineStyle: { width: 3, opacity: 1 } },
        progressive: 500,
        data: ordered.map(({ job, places }) => ({
          value: places.map((place) => place ?? '-'),
          number: job.number,
          lineStyle: { color: placeColour(colours, job.place, data.measured) },
        })),
      },
    ],
  };
}

/** Or the labels could not be read: all lines go through them. */
const ABOVE_LINES = 10;

/** Numbers are short: a ground of their own hides little of the lines, which otherwise cross them where values and marks agree. */
function covering(colours: ChartColours) {
  return { backgroundColor: colours.surface, padding: [1, 3], borderRadius: 2 };
}

function axisLook(colours: ChartColours) {
  return {
    nameLocation: 'end' as const,
    nameTextStyle: { color: colours.text, fontSize: 12 },
    nameTruncate: { maxWidth: 130 },
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    axisLabel: {
      ...{ color: colours.faint, fontSize: 11 },
      ...{ textBorderColor: colours.surface, textBorderWidth: 3 },
    },
    splitLine: { show: false },
    areaSelectStyle: { width: 18, borderWidth: 1, borderColor: colours.running, color: colours.running, opacity: 0.25 },
  };
}
