// What the compare page keeps in its URL, read back with care: people edit URLs by hand.
import { formatRanges, mergeRanges, parseRanges, toRanges } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';

export interface CompareSearch {
  /** Ranges of job numbers. */
  readonly jobs?: string;
  /** Also what is the same for all. */
  readonly all?: boolean;
  readonly axis?: 'time';
  readonly log?: boolean;
}

export function readCompareSearch(raw: Record<string, unknown>): CompareSearch {
  // One number alone is read as a number.
  const jobs = typeof raw['jobs'] === 'number' || typeof raw['jobs'] === 'string' ? formatRanges(mergeRanges(parseRanges(String(raw['jobs'])) ?? [])) : '';
  const isOn = (name: string): boolean => raw[name] === true || raw[name] === 'true';
  return {
    ...(jobs === '' ? {} : { jobs }),
    ...(isOn('all') ? { all: true } : {}),
    ...(raw['axis'] === 'time' ? { axis: 'time' } : {}),
    ...(isOn('log') ? { log: true } : {}),
  };
}

/** Ascending; no more than may be compared. */
export function comparedNumbers({ jobs }: CompareSearch): number[] {
  const numbers: number[] = [];
  for (const { from, to } of jobs === undefined ? [] : (parseRanges(jobs) ?? [])) {
    for (let number = from; number <= to && numbers.length < LIMITS.compared_jobs.value; number += 1) numbers.push(number);
  }
  return numbers;
}

/** The search for these numbers, as short as it can be written. */
export function withNumbers(search: CompareSearch, numbers: readonly number[]): CompareSearch {
  return readCompareSearch({ ...search, jobs: formatRanges(toRanges(numbers)) });
}
