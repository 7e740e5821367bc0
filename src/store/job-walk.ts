// Walks the jobs that have some param value, in order of their number, through the index of params: what a search costs depends on
// what it finds, not on how many jobs there are.
import type { SearchTerm } from '../core/search.ts';

import type { Order } from './job-lanes.ts';
import { excludes, MATCHED_VALUES, matchingValues, textNumbers } from './job-search.ts';
import { type Sql, valueSet } from './sql.ts';

export interface Walk {
  /** The next numbers behind `at`, in order; empty at the end. */
  next(at: number): Promise<number[]>;
  /** The term that the walk already honours. */
  readonly term: SearchTerm;
  /** Ids of the param values that it means. */
  readonly values: readonly number[];
}

/** Numbers found in one step. */
const STEP = 2_000;
/** Job numbers that one step looks across, at first; more when it finds few. */
const WINDOW = 4_000;

/**
 * A walk for the term that the fewest jobs fit; null when none can be walked, or when so many values match that a scan meets
 * jobs at once.
 */
export async function startWalk(sql: Sql, experimentId: number, terms: readonly SearchTerm[], order: Order): Promise<Walk | null> {
  const ways: { term: SearchTerm; values: number[] }[] = [];
  for (const term of terms) {
    if (excludes(term)) continue;
    const values = await matchingValues(sql, experimentId, term);
    if (values.length <= MATCHED_VALUES) ways.push({ term, values });
  }
  const best = await rarest(sql, ways);
  if (best === undefined) return null;
  const { term, values } = best;
  const others = term.kind === 'text' ? await textNumbers(sql, experimentId, term.text) : [];
  let window = WINDOW;
  return {
    term,
    values,
    async next(at) {
      const numbers = await nextNumbers(sql, { values, others, order, window }, at);
      if (numbers.length < STEP / 2) window *= 2;
      return numbers;
    },
  };
}

/** Jobs that are counted to find out which term is the rarest. */
const COUNTED = 5_000;

async function rarest<W extends { readonly values: readonly number[] }>(sql: Sql, ways: readonly W[]): Promise<W | undefined> {
  if (ways.length < 2) return ways[0];
  let best: { way: W; jobs: number } | undefined;
  for (const way of ways) {
    const [row] = await sql.all<{ n: number }>(
      `select count(*) as n from (select 1 from job_param where value_id in ${valueSet(sql.dialect, 'int')} limit ${COUNTED}) as counted`,
      [JSON.stringify(way.values)],
    );
    if (best === undefined || Number(row!.n) < best.jobs) best = { way, jobs: Number(row!.n) };
  }
  return best?.way;
}

interface Ways {
  readonly values: readonly number[];
  /** Numbers that were found in another way. */
  readonly others: readonly number[];
  readonly order: Order;
  readonly window: number;
}

/** The numbers of the next window in which there are any. */
async function nextNumbers(sql: Sql, { values, others, order, window }: Ways, at: number): Promise<number[]> {
  const down = order === 'desc';
  const [nearest, side] = down ? ['max', '<'] : ['min', '>'];
  const set = valueSet(sql.dialect, 'int');
  const ids = JSON.stringify(values);
  const behind = others.filter((number) => (down ? number < at : number > at));
  const [row] = await sql.all<{ first: number | null }>(
    `select ${nearest}((select ${nearest}(number) from job_param where value_id = param_value.id and number ${side} ?)) as first
      from param_value where id in ${set}`,
    [at, ids],
  );
  const firsts = [...(row?.first === null || row === undefined ? [] : [Number(row.first)]), ...behind];
  if (firsts.length === 0) return [];
  const first = firsts.reduce((a, b) => (down ? Math.max(a, b) : Math.min(a, b)));
  const [from, to] = down ? [first - window + 1, first] : [first, first + window - 1];
  const rows = await sql.all<{ number: number }>(
    `select distinct number from job_param where value_id in ${set} and number between ? and ? order by number ${order} limit ${STEP}`,
    [ids, from, to],
  );
  const walked = rows.map((found) => Number(found.number));
  const inWindow = behind.filter((number) => from <= number && number <= to);
  return [...new Set([...walked, ...inWindow])].sort((a, b) => (down ? b - a : a - b)).slice(0, STEP);
}
