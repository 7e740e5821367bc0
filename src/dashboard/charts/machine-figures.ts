// What a machine did over time, as figures: which metrics belong together, in which unit, and what they say in one line.
import type { api } from '../api.ts';
import { bytesText } from '../components/bytes.ts';
import { exactText } from '../components/time.tsx';
import { numberText, type ChartTable } from './chart-table.ts';

export type MachineReply = Awaited<ReturnType<typeof api.machines.series>>;
type Series = MachineReply['series'][number];

export interface MachineLine {
  readonly label: string;
  readonly series: Series;
}

export interface MachineFigure {
  readonly title: string;
  readonly lines: readonly MachineLine[];
  readonly format: (value: number) => string;
  /** Top of the axis, where there is a natural one. */
  readonly most: number | null;
  readonly summary: string;
}

const percent = (value: number): string => `${numberText(Math.round(value * 10) / 10)}%`;
const celsius = (value: number): string => `${Math.round(value)} °C`;
const plain = (value: number): string => numberText(Math.round(value * 100) / 100);

/** Only what was measured. */
export function machineFigures({ series }: MachineReply): MachineFigure[] {
  const named = new Map(series.map((one) => [one.name, one]));
  const one = (name: string, label: string): MachineLine[] => {
    const found = named.get(name);
    return found === undefined ? [] : [{ label, series: found }];
  };
  const gpus = [...named.keys()].flatMap((name) => /^gpu_(\d+)_percent$/.exec(name)?.[1] ?? []).sort((a, b) => Number(a) - Number(b));
  const ofGpus = (what: string): MachineLine[] => gpus.flatMap((index) => one(`gpu_${index}_${what}`, `GPU ${index}`));
  const memory = greatestOf(named.get('memory_total_bytes'));
  const disk = greatestOf(named.get('disk_total_bytes'));
  const figures = [
    figure('CPU', one('cpu_percent', 'CPU'), { format: percent, most: 100 }),
    figure('Memory used', one('memory_used_bytes', 'Memory'), { format: bytesText, most: memory }),
    figure('Load', one('load_1', 'Load'), { format: plain, most: null }),
    figure('Disk free', one('disk_free_bytes', 'Disk'), { format: bytesText, most: disk, watched: 'least' }),
    figure('GPU use', ofGpus('percent'), { format: percent, most: 100 }),
    figure('GPU memory', ofGpus('memory_used_bytes'), { format: bytesText, most: greatestOf(named.get(`gpu_${gpus[0]}_memory_total_bytes`)) }),
    figure('GPU temperature', ofGpus('celsius'), { format: celsius, most: null }),
  ];
  return figures.filter(({ lines }) => lines.length > 0);
}

interface Shown extends Pick<MachineFigure, 'format' | 'most'> {
  /** Which extreme is worth telling. */
  readonly watched?: 'least' | 'greatest';
}

function figure(title: string, lines: readonly MachineLine[], { format, most, watched = 'greatest' }: Shown): MachineFigure {
  const means = lines.flatMap(({ series }) => series.mean.filter((value) => value !== null));
  const extremes = lines.flatMap(({ series }) => series[watched].filter((value) => value !== null));
  const mean = means.reduce((sum, value) => sum + value, 0) / Math.max(1, means.length);
  const extreme = watched === 'least' ? `${format(Math.min(...extremes))} at least` : `${format(Math.max(...extremes))} at most`;
  return { title, lines, format, most, summary: means.length === 0 ? '' : `${format(mean)} on average, ${extreme}` };
}

/** Round numbers, about four of them, for an axis that ends where the machine does. */
export function axisStep(most: number): number {
  if (most === 100) return 25;
  const wanted = most / 4;
  const unit = 10 ** Math.floor(Math.log10(wanted));
  const distance = (step: number): number => Math.abs(Math.log(step / wanted));
  return [2 * unit, 5 * unit, 10 * unit].reduce((best, step) => (distance(step) < distance(best) ? step : best), unit);
}

function greatestOf(series: Series | undefined): number | null {
  const values = (series?.greatest ?? []).filter((value) => value !== null);
  return values.length === 0 ? null : Math.max(...values);
}

/** When the piece of time with this index begins, in milliseconds. */
export function momentOf({ from, piece_seconds }: MachineReply, index: number): number {
  return Date.parse(from) + index * piece_seconds * 1000;
}

/** A point for each piece of time; a gap stays a gap. */
export function linePoints(reply: MachineReply, values: readonly (number | null)[]): [number, number | null][] {
  return values.map((value, index) => [momentOf(reply, index), value]);
}

export function figureTable(reply: MachineReply, { lines }: MachineFigure): ChartTable {
  const pieces = lines[0]?.series.mean.length ?? 0;
  return {
    columns: ['Begins', ...lines.flatMap(({ label }) => [label, `${label}, least`, `${label}, most`])],
    rows: Array.from({ length: pieces }, (_, index) => [
      exactText(new Date(momentOf(reply, index)).toISOString()),
      ...lines.flatMap(({ series }) => [series.mean[index] ?? null, series.least[index] ?? null, series.greatest[index] ?? null]),
    ]),
  };
}
