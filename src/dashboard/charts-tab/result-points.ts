// Jobs as points: what stands on an axis, and how good a job is as a colour.
import type { ChartColours } from '../charts/chart-colours.ts';
import { categoryAxis, valueAxis } from '../charts/chart-options.ts';
import { cellText, type ChartTable, numberText } from '../charts/chart-table.ts';
import type { ChartReply } from './chart-queries.ts';
import type { ParamField } from './results-choice.ts';

export type Results = ChartReply<'results'>;
export type ResultJob = Results['jobs'][number];
export type ParamCell = ResultJob['params'][number];

/** Where the values of a param lie: on a line, or side by side as words. */
export interface ParamAxis {
  readonly name: string;
  readonly log: boolean;
  /** Null for a line of numbers. */
  readonly words: readonly string[] | null;
  place(value: ParamCell): number | null;
}

export function paramAxis(field: ParamField, values: readonly ParamCell[], log: boolean): ParamAxis {
  const { name } = field;
  if (values.every((value) => value === null || typeof value === 'number')) {
    return { name, log, words: null, place: (value) => (typeof value === 'number' && (!log || value > 0) ? value : null) };
  }
  const words = [...new Set(values.filter((value) => value !== null).map(cellText))].toSorted((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const places = new Map(words.map((word, index) => [word, index]));
  return { name, log: false, words, place: (value) => (value === null ? null : (places.get(cellText(value)) ?? null)) };
}

export function axisOption(colours: ChartColours, axis: ParamAxis) {
  if (axis.words !== null) return categoryAxis(colours, axis.words, { name: axis.name, widest: 90 });
  return { ...valueAxis(colours, { name: axis.name, log: axis.log, scale: true, format: numberText }), splitLine: { show: false } };
}

/** From the best, in full colour, to the worst, which steps back. */
export function placeColour(colours: ChartColours, place: number, measured: number): string {
  const share = measured < 2 ? 0 : Math.min(1, (place - 1) / (measured - 1));
  return mixed(colours.running, colours.weak, Math.sqrt(share));
}

function mixed(from: string, to: string, share: number): string {
  const part = (colour: string, at: number): number => Number.parseInt(colour.slice(1 + 2 * at, 3 + 2 * at), 16);
  const channels = [0, 1, 2].map((at) => Math.round(part(from, at) + (part(to, at) - part(from, at)) * share));
  return `#${channels.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

export function jobText({ metrics, params }: Results, job: ResultJob): string {
  const lines = params.map((name, index) => `${name} = ${cellText(job.params[index] ?? null)}`);
  return [`Job ${job.number}, place ${job.place}`, `${metrics[0]} = ${cellText(job.values[0] ?? null)}`, ...lines].join('\n');
}

export function jobsTable({ metrics, params }: Results, jobs: readonly ResultJob[]): ChartTable {
  const plain = (value: ParamCell): string | number | null => (typeof value === 'boolean' ? String(value) : value);
  return {
    columns: ['Job', 'Place', ...metrics, ...params],
    rows: jobs.map((job) => [job.number, job.place, ...job.values, ...job.params.map(plain)]),
  };
}
