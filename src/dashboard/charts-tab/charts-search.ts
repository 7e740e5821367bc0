// What the charts page keeps in its URL, read back with care: people edit URLs by hand.
import { PARAM_NAME } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { BUCKETS, type Bucket } from '../../core/time-buckets.ts';

export const VIEWS = ['activity', 'machines', 'results'] as const;
export type View = (typeof VIEWS)[number];
export type Reduction = 'last' | 'min' | 'max';
export type Goal = 'minimise' | 'maximise';
export type Grouping = 'machine' | 'worker';

/** Left out: the default. Several names are written with commas, which no name holds. */
export interface ChartsSearch {
  readonly view?: View;
  readonly bucket?: Bucket;
  /** The last stretch of time holds this moment; left out: now. */
  readonly until?: string;
  readonly split?: Grouping;
  readonly machine?: string;
  readonly by?: Grouping;
  /** Failures by the value of this param. */
  readonly param?: string;
  readonly metric?: string;
  readonly value?: Reduction;
  readonly goal?: Goal;
  readonly search?: string;
  /** Horizontal axis of the scatter plot. */
  readonly x?: string;
  /** Logarithmic axes: names of params, `.metric` for the metric; `none` for no axis at all. */
  readonly log?: string;
  /** Params of the parallel coordinates. */
  readonly axes?: string;
  /** The param that marks replicates; `none` for none. */
  readonly seed?: string;
}

/** Stands for the metric among names of params, none of which begins with a dot. */
export const METRIC_AXIS = '.metric';
export const NONE = 'none';

export function readChartsSearch(raw: Record<string, unknown>): ChartsSearch {
  const text = (name: string, most: number = LIMITS.name_characters.value): string | undefined => {
    const value = raw[name];
    return typeof value === 'string' && value !== '' && value.length <= most ? value : undefined;
  };
  const one = <T extends string>(name: string, known: readonly T[]): T | undefined => known.find((each) => each === raw[name]);
  const param = (name: string): string | undefined => (PARAM_NAME.test(text(name) ?? '') ? text(name) : undefined);
  const names = (name: string): string | undefined => {
    const found = (text(name, 4_000) ?? '').split(',').filter((each) => each === METRIC_AXIS || PARAM_NAME.test(each));
    return found.length === 0 ? undefined : found.slice(0, LIMITS.chart_axes.value).join(',');
  };
  const until = text('until');
  return definedOnly({
    view: one('view', VIEWS),
    bucket: one('bucket', BUCKETS),
    until: until === undefined || Number.isNaN(Date.parse(until)) ? undefined : new Date(until).toISOString(),
    split: one<Grouping>('split', ['machine', 'worker']),
    machine: text('machine', 40),
    by: one<Grouping>('by', ['machine', 'worker']),
    param: param('param'),
    metric: text('metric'),
    value: one<Reduction>('value', ['last', 'min', 'max']),
    goal: one<Goal>('goal', ['minimise', 'maximise']),
    search: text('search', LIMITS.search_characters.value),
    x: param('x'),
    log: names('log'),
    axes: names('axes'),
    seed: param('seed'),
  });
}

export function listOf(names: string | undefined): string[] {
  return names === undefined || names === NONE ? [] : names.split(',');
}

function definedOnly(search: { readonly [K in keyof ChartsSearch]: ChartsSearch[K] | undefined }): ChartsSearch {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined));
}

export interface ChartsPlace {
  readonly experiment: string;
  readonly search: ChartsSearch;
  /** Changes parts of the URL; undefined takes a part away. */
  readonly change: (parts: { readonly [K in keyof ChartsSearch]?: ChartsSearch[K] | undefined }) => void;
}
