// What the results are about: what the URL says, and where it says nothing a choice that is useful at once.
import { LIMITS } from '../../core/limits.ts';
import type { ChartReply } from './chart-queries.ts';
import { type ChartsSearch, type Goal, listOf, METRIC_AXIS, NONE, type Reduction } from './charts-search.ts';

export type Fields = ChartReply<'fields'>;
export type ParamField = Fields['params'][number];

export interface ResultsChoice {
  readonly metric: string;
  readonly value: Reduction;
  readonly goal: Goal;
  /** The param that marks replicates; null for none. */
  readonly seed: string | null;
  /** Params with more than one value, as many as a chart takes. */
  readonly varying: readonly ParamField[];
  /** Those of the parallel coordinates. */
  readonly axes: readonly string[];
  /** Horizontal axis of the scatter plot; null where no param varies. */
  readonly x: string | null;
  readonly log: ReadonlySet<string>;
}

const RISING = /acc|auc|f1|score|reward|return|precision|recall|bleu|rouge|iou|dice|r2|psnr|ssim|throughput/i;
const HELD_OUT = /val|test|dev|eval/i;
const SEED = /^(random_?)?(seed|state)$|^(replicate|repeat|trial)$/i;
/** From such a ratio of the largest value to the smallest on, an axis is logarithmic by itself. */
const LOG_RATIO = 100;
const DEFAULT_AXES = 8;

/** Null when no job has a metric. */
export function chooseResults({ params, metrics }: Fields, search: ChartsSearch): ResultsChoice | null {
  const metric = metrics.find((name) => name === search.metric) ?? metrics.find((name) => HELD_OUT.test(name)) ?? metrics[0];
  if (metric === undefined) return null;
  const known = (name: string | undefined): string | undefined => params.find((one) => one.name === name)?.name;
  const seed = search.seed === NONE ? null : (known(search.seed) ?? params.find(({ name, values }) => SEED.test(name) && values > 1)?.name ?? null);
  const wanted = new Set([...listOf(search.axes), search.x]);
  const varying = params
    .filter(({ name, values }) => values > 1 || wanted.has(name))
    .toSorted((a, b) => Number(wanted.has(b.name)) - Number(wanted.has(a.name)) || Number(a.name === seed) - Number(b.name === seed))
    .slice(0, LIMITS.chart_axes.value);
  const names = varying.map(({ name }) => name);
  const others = names.filter((name) => name !== seed);
  const axes = search.axes === undefined ? others.slice(0, DEFAULT_AXES) : listOf(search.axes).filter((name) => names.includes(name));
  const numeric = varying.find(({ name, is_numeric }) => is_numeric && name !== seed)?.name;
  return {
    metric,
    value: search.value ?? 'last',
    goal: search.goal ?? (RISING.test(metric) ? 'maximise' : 'minimise'),
    seed,
    varying,
    axes,
    x: known(search.x) ?? numeric ?? others[0] ?? null,
    log: new Set(search.log === undefined ? varying.filter(isWide).map(({ name }) => name) : listOf(search.log).filter((name) => mayBeLog(params, name))),
  };
}

function isWide({ is_numeric, min, max }: ParamField): boolean {
  return is_numeric && min !== null && max !== null && min > 0 && max / min >= LOG_RATIO;
}

/** There is no logarithm of nothing. */
export function mayBeLog(params: readonly ParamField[], name: string): boolean {
  if (name === METRIC_AXIS) return true;
  const field = params.find((one) => one.name === name);
  return field !== undefined && field.is_numeric && field.min !== null && field.min > 0;
}

/** The `log` of the URL with one axis the other way. */
export function toggledLog(log: ReadonlySet<string>, name: string): string {
  const next = new Set(log);
  if (!next.delete(name)) next.add(name);
  return next.size === 0 ? NONE : [...next].join(',');
}
