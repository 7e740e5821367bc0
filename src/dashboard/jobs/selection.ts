// Which jobs are selected: some by their numbers, across pages, or all that a filter names, however many.
import { formatRanges, toRanges } from '../../core/identifiers.ts';
import type { JobStatus } from '../../core/job.ts';
import { LIMITS } from '../../core/limits.ts';

/** What lists, exports and bulk actions call a filter. */
export interface NamedJobs {
  readonly status?: JobStatus;
  readonly search?: string;
  readonly matrix_id?: number;
  readonly numbers?: string;
}

export type Selection =
  | { readonly kind: 'numbers'; readonly numbers: ReadonlySet<number>; readonly last: number | null }
  | { readonly kind: 'filter'; readonly filter: NamedJobs; readonly count: number; readonly exact: boolean };

export const NOTHING: Selection = { kind: 'numbers', numbers: new Set(), last: null };

export function isSelected(selection: Selection, number: number): boolean {
  return selection.kind === 'filter' || selection.numbers.has(number);
}

export function selectedCount(selection: Selection): number {
  return selection.kind === 'filter' ? selection.count : selection.numbers.size;
}

/** As the server understands it. */
export function namedJobs(selection: Selection): NamedJobs {
  if (selection.kind === 'filter') return selection.filter;
  return { numbers: formatRanges(toRanges([...selection.numbers].sort((a, b) => a - b))) };
}

interface Toggled {
  readonly number: number;
  /** Numbers of the rows of the page, in order. */
  readonly page: readonly number[];
  /** Whether all rows since the last one that was toggled are meant too. */
  readonly through: boolean;
}

export function toggled(selection: Selection, { number, page, through }: Toggled): Selection {
  const numbers = new Set(selection.kind === 'filter' ? page : selection.numbers);
  const on = !isSelected(selection, number);
  const last = selection.kind === 'numbers' ? selection.last : null;
  const [from, to] = [page.indexOf(last ?? number), page.indexOf(number)];
  const meant = through && from >= 0 && to >= 0 ? page.slice(Math.min(from, to), Math.max(from, to) + 1) : [number];
  return withAll(numbers, meant, on, number);
}

/** All rows of the page, or none of them when all were selected. */
export function pageToggled(selection: Selection, page: readonly number[]): Selection {
  if (selection.kind === 'filter') return NOTHING;
  return withAll(new Set(selection.numbers), page, !page.every((number) => selection.numbers.has(number)), null);
}

/** Beyond the limit nothing is added. */
function withAll(numbers: Set<number>, meant: readonly number[], on: boolean, last: number | null): Selection {
  for (const number of meant) {
    if (!on) numbers.delete(number);
    else if (numbers.size < LIMITS.selected_jobs.value) numbers.add(number);
  }
  return { kind: 'numbers', numbers, last };
}

export function isFull(selection: Selection): boolean {
  return selection.kind === 'numbers' && selection.numbers.size >= LIMITS.selected_jobs.value;
}
