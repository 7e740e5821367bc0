// What agents measured of their machines: every sample for two days, then means of five minutes. A sample is appended to the row of its agent's
// stretch of time, so that nothing has to be read before it is written.
import { LIMITS } from '../core/limits.ts';

import { sendSets, type SetStatement, setStatement } from './set-statement.ts';
import { type DialectName, rowSet } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

export type MachineMetrics = Readonly<Record<string, number>>;

const RAW_MS = LIMITS.machine_raw_seconds.value * 1000;
export const MEAN_MS = LIMITS.machine_mean_seconds.value * 1000;
const KEPT_MS = LIMITS.machine_kept_seconds.value * 1000;
/** A sync may hang for most of this time, so that each such piece of time of an agent that is there holds a sample. */
const FINEST_MS = 30_000;
/** What one row is about: some dozen samples. */
const STRETCH_MS = { raw: 600_000, mean: 6 * 3_600_000 } as const;
/** More digits than a chart can show. */
const DIGITS = 5;

type Span = keyof typeof STRETCH_MS;

const statements: Record<DialectName, SetStatement> = { sqlite: appending('sqlite'), postgres: appending('postgres') };

function appending(dialect: DialectName): SetStatement {
  return setStatement(
    dialect,
    { agent_id: 'int', span: 'text', starts_at: 'int', names: 'text', points: 'text' },
    (set) => `insert into machine_sample (agent_id, span, starts_at, names_json, points)
      select agent_id, span, starts_at, names, points from ${set} as v where true
      on conflict (agent_id, span, starts_at, names_json) do update set points = machine_sample.points || ',' || excluded.points`,
  );
}

/** What else is said of a machine is not kept over time. They are part of a key, which PostgreSQL wants short. */
const NAME = /^[a-z][a-z0-9_]{0,59}$/;
const NAMES_CHARACTERS = 2_000;

interface Measured {
  readonly agent_id: number;
  /** When its previous sample came. */
  readonly before: number | null;
  readonly metrics: MachineMetrics;
}

/** Of each agent at most one at a time. */
export function recordSamples(tx: Transaction, measured: readonly Measured[]): void {
  const due = measured.filter(({ before }) => before === null || Math.abs(tx.now - before) >= LIMITS.machine_sample_seconds.value * 1000);
  append(
    tx,
    'raw',
    due.map(({ agent_id, metrics }) => ({ agent_id, metrics, at: tx.now })),
  );
}

interface Sample {
  readonly agent_id: number;
  readonly at: number;
  readonly metrics: MachineMetrics;
}

function append(tx: Transaction, span: Span, samples: readonly Sample[]): void {
  const rows = samples.flatMap(({ agent_id, at, metrics }) => {
    const starts_at = at - (at % STRETCH_MS[span]);
    const kept = keptMetrics(metrics);
    if (kept.length === 0) return [];
    const names = JSON.stringify(kept.map(([name]) => name));
    return [[agent_id, span, starts_at, names, JSON.stringify([at - starts_at, ...kept.map(([, value]) => value)])]];
  });
  sendSets(tx.sql, [[statements[tx.sql.dialect], rows]]);
}

function keptMetrics(metrics: MachineMetrics): [string, number][] {
  const kept: [string, number][] = [];
  let characters = 0;
  for (const name of Object.keys(metrics).sort()) {
    const value = Number(metrics[name]!.toPrecision(DIGITS));
    if (!NAME.test(name) || !Number.isFinite(value)) continue;
    characters += name.length + 3;
    if (kept.length === LIMITS.machine_metrics.value || characters > NAMES_CHARACTERS) break;
    kept.push([name, value]);
  }
  return kept;
}

interface StoredSamples {
  readonly agent_id: number;
  readonly starts_at: number;
  readonly names_json: string;
  readonly points: string;
}

/** Makes means of samples that are old, so many rows at once, and forgets what is very old; says whether there may be more. */
export async function thinSamples(tx: Transaction, rows: number): Promise<boolean> {
  const old = await tx.sql.all<StoredSamples>(
    `select agent_id, starts_at, names_json, points from machine_sample where span = 'raw' and starts_at < ? order by starts_at limit ?`,
    [tx.now - RAW_MS - STRETCH_MS.raw, rows],
  );
  const means = new Map<string, Mean>();
  for (const row of old) addMeans(means, row);
  // One at a time of each row that they are appended to.
  for (const mean of [...means.values()].sort((a, b) => a.at - b.at)) append(tx, 'mean', [{ agent_id: mean.agent_id, at: mean.at, metrics: meanOf(mean) }]);
  if (old.length > 0) {
    await tx.sql.run(
      `delete from machine_sample where span = 'raw' and (agent_id, starts_at, names_json) in
        (select agent_id, starts_at, names_json from ${rowSet(tx.sql.dialect, { agent_id: 'int', starts_at: 'int', names_json: 'text' })} as v)`,
      [JSON.stringify(old.map((row) => [row.agent_id, row.starts_at, row.names_json]))],
    );
  }
  await tx.sql.run(`delete from machine_sample where span = 'mean' and starts_at < ?`, [tx.now - KEPT_MS - STRETCH_MS.mean]);
  return old.length === rows;
}

interface Mean {
  readonly agent_id: number;
  readonly at: number;
  readonly sums: Map<string, { sum: number; count: number }>;
}

function addMeans(means: Map<string, Mean>, row: StoredSamples): void {
  for (const { at, metrics } of samplesOf(row)) {
    const start = at - (at % MEAN_MS);
    const key = `${row.agent_id} ${start}`;
    const mean = means.get(key) ?? { agent_id: Number(row.agent_id), at: start, sums: new Map() };
    means.set(key, mean);
    for (const [name, value] of metrics) {
      const known = mean.sums.get(name) ?? { sum: 0, count: 0 };
      mean.sums.set(name, { sum: known.sum + value, count: known.count + 1 });
    }
  }
}

function meanOf({ sums }: Mean): MachineMetrics {
  return Object.fromEntries([...sums].map(([name, { sum, count }]) => [name, sum / count]));
}

function samplesOf({ starts_at, names_json, points }: StoredSamples): { at: number; metrics: [string, number][] }[] {
  const names = JSON.parse(names_json) as string[];
  const rows = JSON.parse(`[${points}]`) as number[][];
  return rows.map(([after, ...values]) => ({ at: Number(starts_at) + after!, metrics: names.map((name, index): [string, number] => [name, values[index]!]) }));
}

export interface MachineQuestion {
  readonly agent_id: number;
  readonly from: number;
  readonly until: number;
  /** Most points of each series. */
  readonly points: number;
  readonly now: number;
}

export interface MachineSeries {
  readonly name: string;
  /** By piece of time, null where nothing was measured. */
  readonly mean: (number | null)[];
  readonly least: (number | null)[];
  readonly greatest: (number | null)[];
}

export interface MachineHistory {
  /** Length of one piece of time; the first one begins at `from`. */
  readonly piece_ms: number;
  readonly series: readonly MachineSeries[];
}

export async function readMachine(reader: Reader, question: MachineQuestion): Promise<MachineHistory> {
  const { agent_id, from, until, now } = question;
  const finest = from < now - RAW_MS ? MEAN_MS : FINEST_MS;
  const piece_ms = Math.max(finest, Math.ceil((until - from) / question.points));
  const pieces = Math.max(1, Math.ceil((until - from) / piece_ms));
  const rows = await reader.sql.all<StoredSamples>(
    `select agent_id, starts_at, names_json, points from machine_sample where agent_id = ? and span = 'mean' and starts_at > ? and starts_at <= ?
      union all
      select agent_id, starts_at, names_json, points from machine_sample where agent_id = ? and span = 'raw' and starts_at > ? and starts_at <= ?`,
    [agent_id, from - STRETCH_MS.mean, until, agent_id, from - STRETCH_MS.raw, until],
  );
  const found = new Map<string, Piece[]>();
  for (const row of rows) {
    for (const { at, metrics } of samplesOf(row)) {
      if (at < from || at > until) continue;
      const piece = Math.min(pieces - 1, Math.floor((at - from) / piece_ms));
      for (const [name, value] of metrics) {
        if (!found.has(name) && found.size === LIMITS.machine_metrics.value) continue;
        const series = found.get(name) ?? Array.from({ length: pieces }, (): Piece => ({ sum: 0, count: 0, least: Infinity, greatest: -Infinity }));
        found.set(name, series);
        take(series[piece]!, value);
      }
    }
  }
  return { piece_ms, series: [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, series]) => seriesOf(name, series)) };
}

interface Piece {
  sum: number;
  count: number;
  least: number;
  greatest: number;
}

function take(piece: Piece, value: number): void {
  piece.sum += value;
  piece.count += 1;
  piece.least = Math.min(piece.least, value);
  piece.greatest = Math.max(piece.greatest, value);
}

function seriesOf(name: string, pieces: readonly Piece[]): MachineSeries {
  const of = (value: (piece: Piece) => number): (number | null)[] => pieces.map((piece) => (piece.count === 0 ? null : value(piece)));
  return {
    name,
    mean: of((piece) => Number((piece.sum / piece.count).toPrecision(DIGITS))),
    least: of((piece) => piece.least),
    greatest: of((piece) => piece.greatest),
  };
}
