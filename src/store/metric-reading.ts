// Reads metrics: a summary from what the rows say about themselves, and series thinned while they are read.
import { createThinner } from '../core/downsample.ts';

import type { Reader } from './store.ts';

export interface MetricSummary {
  readonly name: string;
  readonly points: number;
  /** Null when the last value is not a finite number. */
  readonly last: number | null;
  /** Null when no value was a finite number. */
  readonly least: number | null;
  readonly greatest: number | null;
  readonly last_step: number | null;
}

/** The metrics of a job, over all its attempts or one. The last value is that of the newest attempt's first rank. */
export async function readMetricSummaries(reader: Reader, jobId: number, attempt: number | null): Promise<MetricSummary[]> {
  const rows = await reader.sql.all<MetricSummary & { place: number }>(
    `select name, points, last, least, greatest, last_step from (
       select name, last, last_step,
         cast(sum(count) over (partition by name) as bigint) as points, min(least) over (partition by name) as least,
         max(greatest) over (partition by name) as greatest,
         row_number() over (partition by name order by attempt desc, rank, id desc) as place
       from metric_chunk where job_id = ?${attempt === null ? '' : ' and attempt = ?'}) as c
     where place = 1 order by name`,
    attempt === null ? [jobId] : [jobId, attempt],
  );
  return rows;
}

export interface SeriesQuestion {
  readonly job_id: number;
  readonly name: string;
  /** Null for all attempts. */
  readonly attempt: number | null;
  readonly rank: number;
  /** Most points of all series together. */
  readonly points: number;
}

export interface SeriesPoint {
  readonly step: number | null;
  readonly value: number | null;
  readonly at: number;
}

export interface Series {
  readonly attempt: number;
  readonly points: readonly SeriesPoint[];
}

/** Fewest points that can show first, last, least and greatest. */
const FEWEST = 4;
const ROWS_AT_ONCE = 64;

export async function readMetricSeries(reader: Reader, question: SeriesQuestion): Promise<{ total: number; series: Series[] }> {
  const { job_id, name, rank, attempt } = question;
  const counts = await reader.sql.all<{ attempt: number; count: number }>(
    `select attempt, cast(sum(count) as bigint) as count from metric_chunk
     where job_id = ? and rank = ? and name = ?${attempt === null ? '' : ' and attempt = ?'} group by attempt order by attempt`,
    attempt === null ? [job_id, rank, name] : [job_id, rank, name, attempt],
  );
  const total = counts.reduce((sum, row) => sum + row.count, 0);
  const shares = shareOut(counts, question.points);
  const series: Series[] = [];
  for (const share of shares) series.push({ attempt: share.attempt, points: await readThinned(reader, question, share) });
  return { total, series };
}

interface Share {
  readonly attempt: number;
  readonly count: number;
  readonly limit: number;
}

/** Each attempt gets its part of the points by its length; when they are too many, only the newest attempts are shown. */
function shareOut(counts: readonly { attempt: number; count: number }[], points: number): Share[] {
  const shown = counts.slice(-Math.floor(points / FEWEST));
  const total = shown.reduce((sum, row) => sum + row.count, 0);
  const spare = points - shown.length * FEWEST;
  return shown.map(({ attempt, count }) => ({ attempt, count, limit: total <= points ? count : FEWEST + Math.floor((spare * count) / total) }));
}

async function readThinned(reader: Reader, question: SeriesQuestion, share: Share): Promise<SeriesPoint[]> {
  const thinner = createThinner<SeriesPoint>(share.count, share.limit);
  let left = share.count;
  for (let after = 0; left > 0;) {
    const rows = await reader.sql.all<{ id: number; points: string }>(
      `select id, points from metric_chunk where job_id = ? and attempt = ? and rank = ? and name = ? and id > ? order by id limit ${ROWS_AT_ONCE}`,
      [question.job_id, share.attempt, question.rank, question.name, after],
    );
    for (const row of rows) {
      const points = JSON.parse(`[${row.points}]`) as [number | null, number | string, number][];
      // Points that arrived since they were counted wait for the next read, so that the thinner gets as many as it was told.
      for (const [step, value, at] of points.slice(0, left)) thinner.push({ step, value: typeof value === 'number' ? value : null, at });
      left -= Math.min(left, points.length);
    }
    if (rows.length < ROWS_AT_ONCE) break;
    after = rows.at(-1)!.id;
  }
  return thinner.finish();
}
