// Which jobs a command means: `digits-tune/42`, `42`, `1-5,8`, `last`, each with or without its experiment.
import { formatRanges, mergeRanges, type NumberRange, parseRanges } from '../core/identifiers.ts';
import type { Context } from './context.ts';
import { CliFailure, EXIT, usageError } from './failure.ts';

export interface JobSelection {
  readonly experiment: string;
  readonly ranges: readonly NumberRange[];
}

type Reference = { readonly experiment: string | null; readonly numbers: 'last' | readonly NumberRange[] };

export function parseReference(text: string): Reference {
  const match = /^(?:([a-z][a-z0-9-]{1,46})\/)?(.+)$/.exec(text);
  const experiment = match?.[1] ?? null;
  const rest = match?.[2] ?? '';
  if (rest.toLowerCase() === 'last') return { experiment, numbers: 'last' };
  const numbers = parseRanges(rest);
  if (rest === '0') throw usageError('0 names no job: the first one of an experiment is 1.');
  if (numbers === null) {
    throw usageError(`${JSON.stringify(text)} names no job. Write digits-tune/42, 42, 1-5,8 or last.`);
  }
  return { experiment, numbers };
}

/** One entry per experiment, in the order of the words. */
export async function selectJobs(context: Context, words: readonly string[]): Promise<JobSelection[]> {
  const selected = new Map<string, NumberRange[]>();
  for (const word of words) {
    const reference = parseReference(word);
    const experiment = reference.experiment ?? (await context.experiment());
    const ranges = reference.numbers === 'last' ? [await lastJob(context, experiment)] : reference.numbers;
    selected.set(experiment, [...(selected.get(experiment) ?? []), ...ranges]);
  }
  return [...selected].map(([experiment, ranges]) => ({ experiment, ranges: mergeRanges(ranges) }));
}

export function singleJob(selection: readonly JobSelection[]): { experiment: string; number: number } | null {
  const only = selection.length === 1 ? selection[0]! : null;
  const range = only?.ranges.length === 1 ? only.ranges[0]! : null;
  return range !== null && range.from === range.to ? { experiment: only!.experiment, number: range.from } : null;
}

export function selectionText(selection: readonly JobSelection[]): string {
  return selection.map(({ experiment, ranges }) => `${experiment}/${formatRanges(ranges)}`).join(' ');
}

async function lastJob(context: Context, experiment: string): Promise<NumberRange> {
  const { client } = await context.connection();
  const { jobs } = await client.jobs.list({ params: { experiment }, query: { limit: 1, sort: 'number', order: 'desc' } });
  const newest = jobs[0];
  if (newest === undefined) throw new CliFailure(EXIT.not_found, `${experiment} has no job yet.`);
  return { from: newest.number, to: newest.number };
}
