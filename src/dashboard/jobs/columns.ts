// Which columns the table of jobs has: ids in an order of our own, as they stand in the URL, in the browser's memory and in views.
import { PARAM_NAME } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';

/** Title of each column that is about the job itself. The number is always first, the actions are always last. */
export const JOB_COLUMN_TITLES = {
  params: 'Parameters',
  status: 'Status',
  message: 'Message',
  worker: 'Worker',
  machine_class: 'Class',
  created: 'Created',
  started: 'Started',
  finished: 'Finished',
  duration: 'Duration',
  progress: 'Progress',
  attempts: 'Attempts',
  priority: 'Priority',
} as const;

export type JobColumn = keyof typeof JOB_COLUMN_TITLES;
export type ColumnId = JobColumn | `param:${string}` | `metric:${string}`;

const JOB_COLUMNS = Object.keys(JOB_COLUMN_TITLES) as JobColumn[];
const MOST_PARAMS = LIMITS.table_columns.value - LIMITS.latest_metrics.value - JOB_COLUMNS.length;

export const DEFAULT_COLUMNS: readonly ColumnId[] = ['params', 'status', 'worker', 'started', 'finished', 'duration', 'progress', 'attempts'];

export function paramOf(id: string): string | null {
  return id.startsWith('param:') ? id.slice('param:'.length) : null;
}

export function metricOf(id: string): string | null {
  return id.startsWith('metric:') ? id.slice('metric:'.length) : null;
}

export function columnTitle(id: ColumnId): string {
  return paramOf(id) ?? metricOf(id) ?? JOB_COLUMN_TITLES[id as JobColumn];
}

export function metricsOf(columns: readonly ColumnId[]): string[] {
  return columns.map(metricOf).filter((name) => name !== null);
}

/** What of a list are columns, each once, in order: what it is, how it is, what came out of it, how it went. */
export function orderedColumns(ids: readonly unknown[]): ColumnId[] {
  const known = [...new Set(ids)].filter(isColumn);
  const metrics = known.filter((id) => metricOf(id) !== null).slice(0, LIMITS.latest_metrics.value);
  const params = known.filter((id) => paramOf(id) !== null).slice(0, MOST_PARAMS);
  const [first, rest] = [JOB_COLUMNS.slice(0, 2), JOB_COLUMNS.slice(2)].map((part) => part.filter((id) => known.includes(id)));
  return [...first!, ...params, ...metrics, ...rest!];
}

function isColumn(id: unknown): id is ColumnId {
  if (typeof id !== 'string') return false;
  const metric = metricOf(id);
  if (metric !== null) return metric !== '' && metric.length <= LIMITS.name_characters.value;
  return PARAM_NAME.test(paramOf(id) ?? '') || Object.hasOwn(JOB_COLUMN_TITLES, id);
}

/** `params,status,metric:val%2C loss`: names of metrics may hold commas. */
export function writeColumns(columns: readonly ColumnId[]): string {
  return columns.map((id) => id.replace(/[%,]/g, encodeURIComponent)).join(',');
}

/** Undefined where there is no column in it. */
export function readColumns(text: unknown): ColumnId[] | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  const columns = orderedColumns(text.split(',').map(decode));
  return columns.length === 0 ? undefined : columns;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function isDefault(columns: readonly ColumnId[]): boolean {
  return columns.join() === DEFAULT_COLUMNS.join();
}
