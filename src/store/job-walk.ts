// Walks the jobs that have some param value, in order of their number, through the index of params: what a search costs depends on
// what it finds, not on how many jobs there are.
import type { SearchTerm } from '../core/search.ts';

import { MATCHED_VALUES, matchingValues, textNumbers } from './job-search.ts';
import { type Sql, valueSet } from './sql.ts';

export interface Walk {
  /** The next numbers behind `at`, in order; empty at the end. */
  next(at: number): Promise<number[]>;
  /** The term that the walk already honours. */
  readonly term: SearchTerm;
}

export type Order = 'asc' | 'desc';

/** Numbers found in one step, when few values are walked and when many are. */
const STEP = 500;
const SMALL_STEP = 100;
const FEW_VALUES = 5;
/** Values that one statement can walk side by side. */
const SIDE_BY_SIDE = 100;

/**
 * A walk for the term that the fewest jobs fit; null when none can be walked, or when so many values match that a scan meets
 * jobs at once.
 */
export async function startWalk(sql: Sql, experimentId: number, terms: readonly SearchTerm[], order: Order): Promise<Walk | null> {
  const ways: { term: SearchTerm; values: number[] }[] = [];
  for (const term of terms) {
    if (term.kind === 'param' && term.comparison === '!=') continue;
    const values = await matchingValues(sql, experimentId, term);
    if (values.length <= MATCHED_VALUES) ways.push({ term, values });
  }
  const best = await rarest(sql, ways);
  if (best === undefined) return null;
  const { term, values } = best;
  const others = term.kind === 'text' ? await textNumbers(sql, experimentId, term.text) : [];
  return { term, next: (at) => nextNumbers(sql, { values, others, order }, at) };
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
}

async function nextNumbers(sql: Sql, ways: Ways, at: number): Promise<number[]> {
  const { order, others } = ways;
  const step = ways.values.length <= FEW_VALUES ? STEP : SMALL_STEP;
  const values = ways.values.length <= SIDE_BY_SIDE ? ways.values : await nearestValues(sql, ways, at);
  const down = order === 'desc';
  const walked = values.length === 0 ? [] : await walkValues(sql, { values, order, step }, at);
  const behind = others.filter((number) => (down ? number < at : number > at));
  const all = [...new Set([...walked, ...behind])].sort((a, b) => (down ? b - a : a - b));
  return all.slice(0, step);
}

/** The first numbers of some values: each value's own first ones, merged. */
async function walkValues(sql: Sql, { values, order, step }: { values: readonly number[]; order: Order; step: number }, at: number): Promise<number[]> {
  const side = order === 'desc' ? '<' : '>';
  const one = `select number from (select number from job_param where value_id = ? and number ${side} ? order by number ${order} limit ${step}) as walk`;
  const rows = await sql.all<{ number: number }>(
    `${values.map(() => one).join(' union ')} order by number ${order} limit ${step}`,
    values.flatMap((value) => [value, at]),
  );
  return rows.map((row) => Number(row.number));
}

/**
 * Of many values those whose first number is nearest: the first SMALL_STEP numbers of all are among theirs, because a value whose
 * first number comes later than the first numbers of SMALL_STEP others has none of them.
 */
async function nearestValues(sql: Sql, { values, order }: Ways, at: number): Promise<number[]> {
  const [nearest, side] = order === 'desc' ? ['max', '<'] : ['min', '>'];
  const rows = await sql.all<{ id: number }>(
    `select id from (select param_value.id, (select ${nearest}(number) from job_param where value_id = param_value.id and number ${side} ?) as first
        from param_value where id in ${valueSet(sql.dialect, 'int')}) as firsts
      where first is not null order by first ${order} limit ${SMALL_STEP}`,
    [at, JSON.stringify(values)],
  );
  return rows.map((row) => Number(row.id));
}
