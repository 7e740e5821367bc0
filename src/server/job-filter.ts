// Reads the conditions of a request that choose jobs. Those that were forgotten are not meant unless somebody says so.
import { type NumberRange, parseRanges } from '../core/identifiers.ts';
import type { JobStatus } from '../core/job.ts';
import { parseSearch } from '../core/search.ts';
import { readCounts } from '../store/experiments.ts';
import type { JobFilter } from '../store/job-search.ts';
import type { Store } from '../store/store.ts';

import { type Call, namedExperiment } from './context.ts';
import { invalid } from './new-jobs.ts';

interface FilterInput {
  readonly status?: JobStatus | JobStatus[] | undefined;
  readonly search?: string | undefined;
  readonly numbers?: string | undefined;
  readonly matrix_id?: number | undefined;
  readonly held?: boolean | undefined;
  readonly forgotten?: 'no' | 'only' | 'too' | undefined;
}

export async function readFilter(call: Call, input: FilterInput): Promise<JobFilter> {
  const { asks, ...filter } = readConditions(input);
  if (asks !== 'no') return asks === 'only' ? { ...filter, forgotten: true } : filter;
  // Where nobody forgot anything, nothing is looked at for it.
  const { id } = namedExperiment(call);
  const counts = (await readCounts(call.context.store, [id])).get(id)!;
  return counts.forgotten === 0 ? filter : { ...filter, forgotten: false };
}

/** Experiments in which jobs were forgotten, as far as this process has seen: it decides in which order things are asked, and nothing else. */
const seen = new WeakMap<Store, Set<number>>();

/** Reads jobs by the conditions of a request. Whether any were forgotten is asked beside it where mostly none were, because to ask first takes time. */
export async function readFiltered<Result>(call: Call, input: FilterInput, read: (filter: JobFilter) => Promise<Result>): Promise<Result> {
  const { asks, ...filter } = readConditions(input);
  const { store } = call.context;
  const { id } = namedExperiment(call);
  const known = seen.get(store) ?? new Set<number>();
  seen.set(store, known);
  if (asks !== 'no' || known.has(id)) return read(await readFilter(call, input));
  const [result, counts] = await Promise.all([read(filter), readCounts(store, [id])]);
  if (counts.get(id)!.forgotten === 0) return result;
  known.add(id);
  return read({ ...filter, forgotten: false });
}

/** Jobs that are named by their numbers, forgotten ones too. */
export function readNumbers(numbers: string): readonly NumberRange[] {
  return readConditions({ numbers }).ranges ?? [];
}

type Conditions = JobFilter & { readonly asks: 'no' | 'only' | 'too' };

function readConditions(input: FilterInput): Conditions {
  const search = input.search === undefined || input.search.trim() === '' ? null : parseSearch(input.search);
  if (search !== null && 'problem' in search) throw invalid(search.problem, 'search');
  const ranges = input.numbers === undefined ? null : parseRanges(input.numbers);
  if (input.numbers !== undefined && ranges === null)
    throw invalid(`${JSON.stringify(input.numbers.slice(0, 60))} is not a list of job numbers such as 1-27,30.`, 'numbers');
  return {
    asks: search?.forgotten === true ? 'only' : (input.forgotten ?? 'no'),
    ...(input.status === undefined ? {} : { statuses: [input.status].flat() }),
    ...(search === null ? {} : { terms: search.terms }),
    ...(ranges === null ? {} : { ranges }),
    ...(input.matrix_id === undefined ? {} : { matrix_id: input.matrix_id }),
    ...(input.held === undefined ? {} : { held: input.held }),
  };
}
