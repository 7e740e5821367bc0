// What happened when: ends of jobs, and how many waited and ran, in stretches of time. Counted in indexes alone, from now backwards, so
// that it is exact at any size; only the split by machine reads jobs, and a share of them when they are many.
import type { JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import type { TimeRange } from '../core/time-buckets.ts';

import { type Grouping, HASHED_NUMBER, hashLimit, numbersWhere, ofSample, type Sampled, workerGroup } from './chart-sample.ts';
import { readCounts } from './experiments.ts';
import { rowSet, type Sql } from './sql.ts';
import type { Reader } from './store.ts';

export interface ActivityRequest {
  readonly experiment_id: number;
  /** In order, touching. */
  readonly buckets: readonly TimeRange[];
  readonly split: Grouping | null;
  /** Only the ends of this machine; null: of all. */
  readonly machine: string | null;
  readonly now: number;
}

export interface ActivityBucket {
  readonly at: number;
  readonly done: number;
  readonly aborted: number;
  /** At the end of the stretch. */
  readonly waiting: number;
  readonly running: number;
}

export interface ActivitySeries {
  readonly name: string;
  /** Ends, done or aborted, of each stretch. */
  readonly ended: readonly number[];
}

export interface Activity {
  readonly buckets: readonly ActivityBucket[];
  readonly series: readonly ActivitySeries[];
  /** Machines or workers that are only in the sums. */
  readonly left_out: number;
  readonly sampled: Sampled;
  readonly last_finished_at: number | null;
}

const ENDED = ['done', 'aborted'] as const;
const STARTED = ['running', 'done', 'aborted'] as const;

export async function readActivity(reader: Reader, request: ActivityRequest): Promise<Activity> {
  const { sql } = reader;
  const { experiment_id, buckets } = request;
  const first = buckets[0]!.from;
  const end = buckets.at(-1)!.to;
  // One more for what happened since: the depth of the queue is known exactly now, and reckoned back from here.
  const ranges = end <= request.now ? [...buckets, { from: end, to: Number.MAX_SAFE_INTEGER }] : buckets;
  const [counts, created, done, aborted, ...started] = await Promise.all([
    readCounts(reader, [experiment_id]).then((all) => all.get(experiment_id)!),
    countCreated(sql, experiment_id, ranges),
    countMoments(sql, { experiment_id, ranges, status: 'done', column: 'finished_at' }),
    countMoments(sql, { experiment_id, ranges, status: 'aborted', column: 'finished_at' }),
    ...STARTED.map((status) => countMoments(sql, { experiment_id, ranges, status, column: 'started_at' })),
  ]);
  const unstarted = await countUnstarted(sql, { experiment_id, ranges, aborted });
  const depth: { waiting: number; running: number }[] = [];
  let { pending: waiting, running } = counts;
  for (let index = ranges.length - 1; index >= 0; index -= 1) {
    depth[index] = { waiting: Math.max(0, Math.round(waiting)), running: Math.max(0, Math.round(running)) };
    const starts = started.reduce((sum, of) => sum + of[index]!, 0);
    waiting += starts + unstarted[index]! - created[index]!;
    running += done[index]! + aborted[index]! - unstarted[index]! - starts;
  }
  const split = await splitEnds(sql, { ...request, first, end, ended: sumOf(buckets.map((_, index) => done[index]! + aborted[index]!)) });
  return {
    buckets: buckets.map(({ from }, index) => ({
      at: from,
      ...(split.own === null ? { done: done[index]!, aborted: aborted[index]! } : split.own[index]!),
      ...depth[index]!,
    })),
    series: split.series,
    left_out: split.left_out,
    sampled: split.sampled,
    last_finished_at: await lastFinished(sql, experiment_id),
  };
}

interface MomentCount {
  readonly experiment_id: number;
  readonly ranges: readonly TimeRange[];
  readonly status: JobStatus;
  readonly column: 'started_at' | 'finished_at';
}

async function countMoments(sql: Sql, { experiment_id, ranges, status, column }: MomentCount): Promise<number[]> {
  const rows = await sql.all<{ n: number }>(
    `select (select count(*) from job where experiment_id = ? and status = ? and ${column} >= v.low and ${column} < v.high) as n
      from ${rowSet(sql.dialect, { place: 'int', low: 'int', high: 'int' })} as v order by v.place`,
    [experiment_id, status, JSON.stringify(ranges.map(({ from, to }, index) => [index, from, to]))],
  );
  return rows.map((row) => Number(row.n));
}

/** Jobs that were aborted before they ever ran; of many ends a share is asked, because an index does not tell. */
async function countUnstarted(sql: Sql, { experiment_id, ranges, aborted }: Omit<MomentCount, 'status' | 'column'> & { aborted: number[] }): Promise<number[]> {
  const total = sumOf(aborted);
  if (total === 0) return aborted;
  const share = Math.min(1, LIMITS.chart_jobs.value / total);
  const rows = await sql.all<{ n: number }>(
    `select (select count(*) from job where experiment_id = ? and status = 'aborted' and finished_at >= v.low and finished_at < v.high
        and ${HASHED_NUMBER} < ? and started_at is null) as n
      from ${rowSet(sql.dialect, { place: 'int', low: 'int', high: 'int' })} as v order by v.place`,
    [experiment_id, hashLimit(total), JSON.stringify(ranges.map(({ from, to }, index) => [index, from, to]))],
  );
  return rows.map((row, index) => Math.min(aborted[index]!, Number(row.n) / share));
}

/** Numbers rise with the moment of creation: where each stretch begins among them is found by halving. */
async function countCreated(sql: Sql, experimentId: number, ranges: readonly TimeRange[]): Promise<number[]> {
  const [last] = await sql.all<{ number: number | null }>('select max(number) as number from job where experiment_id = ?', [experimentId]);
  const end = Number(last?.number ?? 0) + 1;
  const moments = [...ranges.map(({ from }) => from), ranges.at(-1)!.to];
  // The first number that was created at or after each moment lies in [low, high].
  const places = moments.map(() => ({ low: 1, high: end }));
  while (places.some(({ low, high }) => low < high)) {
    const middles = places.map(({ low, high }) => Math.floor((low + high) / 2));
    const rows = await sql.all<{ at: number | null }>(
      `select (select created_at from job where experiment_id = ? and number >= v.middle order by number limit 1) as at
        from ${rowSet(sql.dialect, { place: 'int', middle: 'int' })} as v order by v.place`,
      [experimentId, JSON.stringify(middles.map((middle, index) => [index, middle]))],
    );
    places.forEach((place, index) => {
      if (place.low >= place.high) return;
      const at = rows[index]!.at;
      if (at !== null && Number(at) < moments[index]!) place.low = middles[index]! + 1;
      else place.high = middles[index]!;
    });
  }
  const rows = await sql.all<{ n: number }>(
    `select (select count(*) from job where experiment_id = ? and number >= v.low and number < v.high) as n
      from ${rowSet(sql.dialect, { place: 'int', low: 'int', high: 'int' })} as v order by v.place`,
    [experimentId, JSON.stringify(ranges.map((_, index) => [index, places[index]!.low, places[index + 1]!.low]))],
  );
  return rows.map((row) => Number(row.n));
}

interface SplitRequest extends ActivityRequest {
  readonly first: number;
  readonly end: number;
  /** Jobs that ended within. */
  readonly ended: number;
}

interface Split {
  /** Done and aborted of each stretch, where only one machine is asked for. */
  readonly own: readonly { readonly done: number; readonly aborted: number }[] | null;
  readonly series: readonly ActivitySeries[];
  readonly left_out: number;
  readonly sampled: Sampled;
}

async function splitEnds(sql: Sql, request: SplitRequest): Promise<Split> {
  const { experiment_id, split, machine, buckets, first, end, ended } = request;
  if (split === null && machine === null) return { own: null, series: [], left_out: 0, sampled: { of: ended, taken: ended } };
  const { numbers, taken } = await numbersWhere(sql, {
    text: `job.experiment_id = ? and job.status in ('done', 'aborted') and job.finished_at >= ? and job.finished_at < ? and ${HASHED_NUMBER} < ?`,
    values: [experiment_id, first, end, hashLimit(ended)],
  });
  const of = Math.max(ended, taken);
  const scale = taken === 0 ? 1 : of / taken;
  const name = workerGroup(sql.dialect, split ?? 'machine', 'job.worker_id');
  const size = buckets[0]!.to - buckets[0]!.from;
  // A job that was started and ended again between the two reads may lie outside by now.
  const rows = await sql.all<{ name: string; status: (typeof ENDED)[number]; place: number; n: number }>(
    `select name, status, place, count(*) as n from (
        select ${name} as name, job.status, (job.finished_at - cast(? as bigint)) / cast(? as bigint) as place from ${ofSample(sql.dialect)}
          and job.status in ('done', 'aborted') and job.worker_id is not null and job.finished_at >= ? and job.finished_at < ?
          ${machine === null ? '' : `and ${workerGroup(sql.dialect, 'machine', 'job.worker_id')} = ?`}
      ) as ends group by name, status, place`,
    [first, size, numbers, experiment_id, first, end, ...(machine === null ? [] : [machine])],
  );
  const own = machine === null ? null : buckets.map(() => ({ done: 0, aborted: 0 }));
  const byName = new Map<string, number[]>();
  for (const row of rows) {
    const n = Number(row.n) * scale;
    if (own !== null) own[Number(row.place)]![row.status] += n;
    const series = byName.get(row.name) ?? buckets.map(() => 0);
    series[Number(row.place)]! += n;
    byName.set(row.name, series);
  }
  const largest = [...byName].sort(([a, ofA], [b, ofB]) => sumOf(ofB) - sumOf(ofA) || a.localeCompare(b));
  const shown = split === null ? [] : largest.slice(0, LIMITS.chart_groups.value);
  return {
    own: own?.map((one) => ({ done: Math.round(one.done), aborted: Math.round(one.aborted) })) ?? null,
    series: shown.map(([label, series]) => ({ name: label, ended: series.map(Math.round) })),
    left_out: split === null ? 0 : largest.length - shown.length,
    sampled: { of, taken },
  };
}

async function lastFinished(sql: Sql, experimentId: number): Promise<number | null> {
  const of = (status: string): string => `(select max(finished_at) from job where experiment_id = ? and status = '${status}' and finished_at is not null)`;
  const [row] = await sql.all<{ done: number | null; aborted: number | null }>(`select ${of('done')} as done, ${of('aborted')} as aborted`, [
    experimentId,
    experimentId,
  ]);
  const moments = [row?.done ?? null, row?.aborted ?? null].filter((moment) => moment !== null).map(Number);
  return moments.length === 0 ? null : Math.max(...moments);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
