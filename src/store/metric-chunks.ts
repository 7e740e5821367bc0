// How points are packed into rows. The newest row of a series takes new points while it is small; then it is folded into the row
// before it, up to the limit, and begins anew. Order of ids is order of points.
import { LIMITS } from '../core/limits.ts';

import type { ProvenAttempt } from './attempt-proof.ts';
import type { MetricPoint } from './metrics.ts';
import { rowSet } from './sql.ts';
import type { Transaction } from './writer.ts';

/** New points of one name of one attempt and rank, in order. */
export interface SeriesPoints {
  readonly owner: ProvenAttempt;
  readonly name: string;
  readonly points: MetricPoint[];
}

/** Beyond so many points the newest row is folded: it then fills about one page of the database. */
const SMALL_POINTS = 64;
const MOST_POINTS = LIMITS.metric_chunk_points.value;

/** What a row says about its points without them being read. */
interface Summary {
  count: number;
  first_step: number | null;
  last_step: number | null;
  first_at: number;
  last_at: number;
  least: number | null;
  greatest: number | null;
  last: number | null;
}

interface Stored extends Summary {
  readonly id: number;
}

/** A series with its newest two rows. */
export interface KnownSeries extends SeriesPoints {
  readonly newest: Stored | null;
  readonly before: Stored | null;
}

const SUMMARY = ['count', 'first_step', 'last_step', 'first_at', 'last_at', 'least', 'greatest', 'last'] as const;
const SUMMARY_TYPES = {
  count: 'int',
  first_step: 'real',
  last_step: 'real',
  first_at: 'int',
  last_at: 'int',
  least: 'real',
  greatest: 'real',
  last: 'real',
} as const;
const SERIES = { job_id: 'int', attempt: 'int', rank: 'int', name: 'text' } as const;

export async function writeChunks(tx: Transaction, series: readonly KnownSeries[]): Promise<void> {
  const folds: unknown[][] = [];
  const appends: unknown[][] = [];
  const replacements: unknown[][] = [];
  const inserts: unknown[][] = [];
  for (const one of series) {
    const { newest, before } = one;
    const [first, ...rest] = split(one.points, MOST_POINTS).map(summarise);
    if (newest !== null && newest.count + first!.count <= SMALL_POINTS) appends.push([newest.id, ...summaryValues(join(newest, first!)), first!.text]);
    else if (newest !== null && before !== null && before.count + newest.count <= MOST_POINTS) {
      folds.push([before.id, newest.id, ...summaryValues(join(before, newest))]);
      replacements.push([newest.id, ...summaryValues(first!), first!.text]);
    } else rest.unshift(first!);
    const { job_id, attempt, rank } = one.owner;
    inserts.push(...rest.map((piece) => [job_id, attempt, rank, one.name, ...summaryValues(piece), piece.text]));
  }
  await fold(tx, folds);
  await update(tx, appends, `metric_chunk.points || ',' || v.points`);
  await update(tx, replacements, 'v.points');
  await insert(tx, inserts);
}

export async function readNewest(tx: Transaction, series: readonly SeriesPoints[]): Promise<KnownSeries[]> {
  if (series.length === 0) return [];
  const newest = (skipped: number): string =>
    `(select m.id from metric_chunk m where m.job_id = v.job_id and m.attempt = v.attempt and m.rank = v.rank and m.name = v.name
      order by m.id desc limit 1 offset ${skipped})`;
  const rows = await tx.sql.all<Stored & { position: number }>(
    `select v.position, c.id, ${SUMMARY.map((column) => `c.${column}`).join(', ')}
     from ${rowSet(tx.sql.dialect, { position: 'int', ...SERIES })} as v cross join metric_chunk c
     where c.id in (${newest(0)}, ${newest(1)}) order by v.position, c.id`,
    [JSON.stringify(series.map(({ owner, name }, position) => [position, owner.job_id, owner.attempt, owner.rank, name]))],
  );
  const found = new Map<number, Stored[]>();
  for (const { position, ...row } of rows) found.set(position, [...(found.get(position) ?? []), row]);
  return series.map((one, position) => {
    const stored = found.get(position) ?? [];
    return { ...one, newest: stored.at(-1) ?? null, before: stored.at(-2) ?? null };
  });
}

async function fold(tx: Transaction, rows: readonly unknown[][]): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql.run(
    `update metric_chunk set ${setSummary()}, points = metric_chunk.points || ',' || (select m.points from metric_chunk m where m.id = v.newest)
     from ${rowSet(tx.sql.dialect, { id: 'int', newest: 'int', ...SUMMARY_TYPES })} as v where metric_chunk.id = v.id`,
    [JSON.stringify(rows)],
  );
}

async function update(tx: Transaction, rows: readonly unknown[][], points: string): Promise<void> {
  if (rows.length === 0) return;
  await tx.sql.run(
    `update metric_chunk set ${setSummary()}, points = ${points}
     from ${rowSet(tx.sql.dialect, { id: 'int', ...SUMMARY_TYPES, points: 'text' })} as v where metric_chunk.id = v.id`,
    [JSON.stringify(rows)],
  );
}

async function insert(tx: Transaction, rows: readonly unknown[][]): Promise<void> {
  if (rows.length === 0) return;
  const columns = ['job_id', 'attempt', 'rank', 'name', ...SUMMARY, 'points'];
  await tx.sql.run(
    `insert into metric_chunk (${columns.join(', ')}) select ${columns.map((name) => `v.${name}`).join(', ')}
     from ${rowSet(tx.sql.dialect, { ...SERIES, ...SUMMARY_TYPES, points: 'text' })} as v`,
    [JSON.stringify(rows)],
  );
}

function setSummary(): string {
  return SUMMARY.map((column) => `${column} = v.${column}`).join(', ');
}

function summaryValues(summary: Summary): unknown[] {
  return SUMMARY.map((column) => summary[column]);
}

function split<T>(items: readonly T[], size: number): T[][] {
  const pieces: T[][] = [];
  for (let start = 0; start < items.length; start += size) pieces.push(items.slice(start, start + size));
  return pieces;
}

function summarise(points: readonly MetricPoint[]): Summary & { readonly text: string } {
  const first = points[0]!;
  const last = points.at(-1)!;
  const finite = points.map((point) => point.value).filter((value) => typeof value === 'number');
  return {
    text: points.map((point) => JSON.stringify([point.step, point.value, point.at])).join(','),
    count: points.length,
    first_step: first.step,
    last_step: last.step,
    first_at: first.at,
    last_at: last.at,
    least: finite.length === 0 ? null : finite.reduce((a, b) => Math.min(a, b)),
    greatest: finite.length === 0 ? null : finite.reduce((a, b) => Math.max(a, b)),
    last: typeof last.value === 'number' ? last.value : null,
  };
}

function join(older: Summary, newer: Summary): Summary {
  return {
    count: older.count + newer.count,
    first_step: older.first_step,
    last_step: newer.last_step,
    first_at: older.first_at,
    last_at: newer.last_at,
    least: extreme(older.least, newer.least, Math.min),
    greatest: extreme(older.greatest, newer.greatest, Math.max),
    last: newer.last,
  };
}

function extreme(a: number | null, b: number | null, choose: (a: number, b: number) => number): number | null {
  if (a === null || b === null) return a ?? b;
  return choose(a, b);
}
