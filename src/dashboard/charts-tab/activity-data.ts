// The activity of an experiment as lines and sums: moving averages, labels of stretches, tables.
import type { Bucket } from '../../core/time-buckets.ts';
import type { ChartTable } from '../charts/chart-table.ts';
import type { ChartReply } from './chart-queries.ts';

export type Activity = ChartReply<'activity'>;

/** Stretches that one chart shows. */
export const BUCKET_COUNT: Record<Bucket, number> = { minute: 60, hour: 48, day: 30 };
export const BUCKET_WORD: Record<Bucket, string> = { minute: 'per minute', hour: 'per hour', day: 'per day' };
/** Machines that get a colour of their own; the others are one. */
export const COLOURED = 6;
/** Stretches over which throughput is averaged. */
const AVERAGED = 5;

const two = (value: number): string => String(value).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `08:30`, `21 Nov 08:00` or `21 Nov`, in the zone of the viewer. */
export function bucketLabel(at: string, bucket: Bucket): string {
  const moment = new Date(at);
  const time = `${two(moment.getHours())}:${two(moment.getMinutes())}`;
  const day = `${moment.getDate()} ${MONTHS[moment.getMonth()]}`;
  if (bucket === 'minute') return time;
  return bucket === 'day' ? day : `${day} ${time}`;
}

/** Ends per stretch, averaged over the newest few; the stretch that is still open counts by the part of it that is over. */
export function throughput({ buckets, now, bucket_seconds }: Activity): (number | null)[] {
  const until = Date.parse(now);
  return buckets.map((_, index) => {
    const window = buckets.slice(Math.max(0, index - AVERAGED + 1), index + 1);
    const spans = window.map(({ at }) => Math.min(1, Math.max(0, (until - Date.parse(at)) / (bucket_seconds * 1000))));
    const over = sumOf(spans);
    return over < 0.5 ? null : sumOf(window.map(({ done, aborted }) => done + aborted)) / over;
  });
}

/** The largest machines by name, the rest as one. */
export function endedSeries({ buckets, series }: Activity): { name: string; ended: number[] }[] {
  const shown = series.slice(0, COLOURED).map(({ name, ended }) => ({ name, ended: [...ended] }));
  const rest = series.slice(COLOURED);
  if (rest.length === 0) return shown;
  return [...shown, { name: `${rest.length} others`, ended: buckets.map((_, index) => sumOf(rest.map(({ ended }) => ended[index] ?? 0))) }];
}

export function endsTable(activity: Activity): ChartTable {
  const series = endedSeries(activity);
  return {
    columns: ['From', 'Done', 'Aborted', ...series.map(({ name }) => name)],
    rows: activity.buckets.map(({ at, done, aborted }, index) => [at, done, aborted, ...series.map(({ ended }) => ended[index] ?? 0)]),
  };
}

export function depthTable({ buckets }: Activity): ChartTable {
  return { columns: ['From', 'Waiting', 'Running'], rows: buckets.map(({ at, waiting, running }) => [at, waiting, running]) };
}

export function throughputTable(activity: Activity): ChartTable {
  const lines = throughput(activity);
  return {
    columns: ['From', 'Ended', 'Moving average'],
    rows: activity.buckets.map(({ at, done, aborted }, index) => [at, done + aborted, lines[index] ?? null]),
  };
}

export function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
