// Reads the conditions of a request that choose jobs.
import { parseRanges } from '../core/identifiers.ts';
import type { JobStatus } from '../core/job.ts';
import { parseSearch } from '../core/search.ts';
import type { JobFilter } from '../store/job-search.ts';

import { invalid } from './new-jobs.ts';

interface FilterInput {
  readonly status?: JobStatus | JobStatus[] | undefined;
  readonly search?: string | undefined;
  readonly numbers?: string | undefined;
  readonly matrix_id?: number | undefined;
  readonly held?: boolean | undefined;
}

export function readFilter(input: FilterInput): JobFilter {
  const search = input.search === undefined || input.search.trim() === '' ? null : parseSearch(input.search);
  if (search !== null && 'problem' in search) throw invalid(search.problem, 'search');
  const ranges = input.numbers === undefined ? null : parseRanges(input.numbers);
  if (input.numbers !== undefined && ranges === null)
    throw invalid(`${JSON.stringify(input.numbers.slice(0, 60))} is not a list of job numbers such as 1-27,30.`, 'numbers');
  return {
    ...(input.status === undefined ? {} : { statuses: [input.status].flat() }),
    ...(search === null ? {} : { terms: search.terms }),
    ...(ranges === null ? {} : { ranges }),
    ...(input.matrix_id === undefined ? {} : { matrix_id: input.matrix_id }),
    ...(input.held === undefined ? {} : { held: input.held }),
  };
}
