// The jobs of a matrix as a square over two of its params: what stands in each cell, and how dark it is. Pure.
import type { JobShape } from '../../contract/index.ts';
import type { JobStatus } from '../../core/job.ts';
import { plainText, type ParamValue } from '../../core/params.ts';

export interface HeatCell {
  readonly jobs: number;
  /** What the cell says. */
  readonly text: string;
  /** The whole of it, in words. */
  readonly title: string;
  /** Which colour: of the status that needs a look most, or of the metric. */
  readonly tone: JobStatus | 'metric' | 'none';
  /** 0 to 1. */
  readonly heat: number;
}

interface Axes {
  readonly x: { readonly name: string; readonly values: readonly ParamValue[] };
  readonly y: { readonly name: string; readonly values: readonly ParamValue[] };
}

/** Rows of cells, in the order of the values. */
export function statusCells(jobs: readonly JobShape[], axes: Axes): HeatCell[][] {
  return square(jobs, axes, statusCell);
}

/** The mean of the latest values in each cell; `valueOf` gives null for a job that has none. */
export function metricCells(jobs: readonly JobShape[], axes: Axes, valueOf: (job: JobShape) => number | null): HeatCell[][] {
  const means = square(jobs, axes, (those) => {
    const values = those.flatMap((job) => valueOf(job) ?? []);
    return { jobs: those.length, of: values.length, mean: values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length };
  });
  const known = means.flat().flatMap(({ mean }) => mean ?? []);
  const least = Math.min(...known);
  const range = Math.max(...known) - least;
  return means.map((row) =>
    row.map(({ jobs: count, of, mean }) => {
      if (mean === null)
        return { jobs: count, text: count === 0 ? '' : '–', title: count === 0 ? 'no job' : `${jobsText(count)} without a value`, tone: 'none', heat: 0 };
      const text = numberText(mean);
      const title = of === 1 && count === 1 ? text : `mean ${text} of ${of} of ${jobsText(count)}`;
      return { jobs: count, text: count === 1 ? text : `${text} (${count})`, title, tone: 'metric', heat: range === 0 ? 0.5 : (mean - least) / range };
    }),
  );
}

function square<Cell>(jobs: readonly JobShape[], { x, y }: Axes, cellOf: (jobs: readonly JobShape[]) => Cell): Cell[][] {
  const groups = new Map<string, JobShape[]>();
  for (const job of jobs) {
    const key = keyOf(job.params[x.name], job.params[y.name]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [job]);
    else group.push(job);
  }
  return y.values.map((row) => x.values.map((column) => cellOf(groups.get(keyOf(column, row)) ?? [])));
}

function keyOf(x: ParamValue | undefined, y: ParamValue | undefined): string {
  return JSON.stringify([x ?? null, y ?? null]);
}

/** What needs a look most comes first. */
const ORDER: readonly JobStatus[] = ['aborted', 'running', 'pending', 'done'];

function statusCell(jobs: readonly JobShape[]): HeatCell {
  if (jobs.length === 0) return { jobs: 0, text: '', title: 'no job', tone: 'none', heat: 0 };
  const counts = ORDER.map((status) => ({ status, count: jobs.filter((job) => job.status === status).length })).filter(({ count }) => count > 0);
  const [first] = counts;
  const told = counts.map(({ status, count }) => `${count} ${status}`).join(', ');
  return {
    jobs: jobs.length,
    text: jobs.length === 1 ? first!.status : told,
    title: jobs.length === 1 ? `job ${jobs[0]!.number}, ${first!.status}` : told,
    tone: first!.status,
    heat: 0.4 + (0.6 * first!.count) / jobs.length,
  };
}

function jobsText(count: number): string {
  return `${count} ${count === 1 ? 'job' : 'jobs'}`;
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** The words of the search that finds the jobs of a cell. */
export function cellSearch(params: readonly (readonly [string, ParamValue])[]): string {
  return params
    .map(([name, value]) => {
      const text = plainText(value);
      return `${name}=${text === '' || /[\s"\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text}`;
    })
    .join(' ');
}
