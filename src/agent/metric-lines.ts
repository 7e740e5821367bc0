// Reads the metric spool: whole lines only, one JSON object each. A broken line is skipped, never the file.
import type { MetricBatchShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { toIso } from '../runtime/clock.ts';

export type MetricPoint = MetricBatchShape['points'][number];

export interface MetricLines {
  readonly points: MetricPoint[];
  readonly progress: { done: number; total: number } | null;
  /** Offset behind the last line that was read. */
  readonly to: number;
  /** Offsets of lines that made no sense, in whole or in part. */
  readonly broken: number[];
}

export interface MetricRead {
  /** Where `bytes` begin in the file. */
  readonly from: number;
  readonly bytes: Buffer;
  /** Nothing more comes: what stands behind the last newline is given up. */
  readonly complete: boolean;
  readonly most_points: number;
  /** Milliseconds since 1970, for lines that do not tell. */
  readonly now: number;
}

const NEWLINE = 10;

export function readMetricLines(read: MetricRead): MetricLines {
  const { bytes, from } = read;
  const points: MetricPoint[] = [];
  const broken: number[] = [];
  let progress: MetricLines['progress'] = null;
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) break;
    const line = parseLine(bytes.toString('utf8', at, end), from + at, read.now);
    if (line.points.length > LIMITS.metric_points.value) broken.push(from + at);
    else if (points.length + line.points.length > read.most_points) break;
    else points.push(...line.points);
    if (line.broken) broken.push(from + at);
    progress = line.progress ?? progress;
    at = end + 1;
  }
  if (read.complete && at < bytes.length && bytes.indexOf(NEWLINE, at) < 0) {
    broken.push(from + at);
    at = bytes.length;
  }
  return { points, progress, to: from + at, broken };
}

interface Line {
  readonly points: MetricPoint[];
  readonly progress: { done: number; total: number } | null;
  readonly broken: boolean;
}

const BROKEN: Line = { points: [], progress: null, broken: true };

function parseLine(text: string, offset: number, now: number): Line {
  const value = tryJson(text);
  if (!isRecord(value)) return BROKEN;
  const at = moment(value['t'], now);
  if (Array.isArray(value['p'])) {
    const [done, total] = value['p'] as unknown[];
    return isFiniteNumber(done) && isFiniteNumber(total) ? { points: [], progress: { done, total }, broken: false } : BROKEN;
  }
  const metrics = value['m'];
  if (!isRecord(metrics)) return BROKEN;
  const step = isFiniteNumber(value['s']) ? value['s'] : null;
  const points: MetricPoint[] = [];
  let dropped = false;
  for (const [name, reading] of Object.entries(metrics)) {
    if (name !== '' && name.length <= LIMITS.name_characters.value && isReading(reading)) points.push({ offset, name, value: reading, step, at });
    else dropped = true;
  }
  return { points, progress: null, broken: dropped };
}

function isReading(value: unknown): value is MetricPoint['value'] {
  return isFiniteNumber(value) || value === 'NaN' || value === 'Infinity' || value === '-Infinity';
}

/** Seconds since 1970 as text in the wire's form; a moment that no calendar has becomes now. */
function moment(seconds: unknown, now: number): string {
  const ms = isFiniteNumber(seconds) ? Math.round(seconds * 1000) : now;
  return toIso(ms > 0 && ms < 253_402_300_800_000 ? ms : now);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
