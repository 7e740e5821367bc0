// Small sets of jobs that a filter cannot go beyond: when there is one, a page looks at nothing else, whatever its order.
import { LIMITS } from '../core/limits.ts';

import { excludes, type JobFilter, MATCHED_VALUES, matchingValues, textNumbers } from './job-search.ts';
import { type Sql, valueSet } from './sql.ts';

/** Jobs that are looked at one by one for a page. */
const SMALL = LIMITS.set_rows.value;

export interface SmallSet {
  readonly numbers: readonly number[];
  /** The filter among them. */
  readonly filter: JobFilter;
}

/** The smallest set that holds all jobs of the filter; null when each one is large. */
export async function smallSet(sql: Sql, experimentId: number, filter: JobFilter): Promise<SmallSet | null> {
  let best: SmallSet | null = null;
  const take = (numbers: readonly number[] | null, rest: JobFilter): void => {
    if (numbers !== null && numbers.length <= SMALL && (best === null || numbers.length < best.numbers.length)) best = { numbers, filter: rest };
  };
  take(rangeNumbers(filter), filter);
  if (filter.held === true) {
    take(await numbersOf(sql, `select number from job where experiment_id = ? and held_at is not null limit ${SMALL + 1}`, [experimentId]), filter);
  }
  if (filter.forgotten === true) {
    take(await numbersOf(sql, `select number from job where experiment_id = ? and forgotten_at is not null limit ${SMALL + 1}`, [experimentId]), filter);
  }
  if (filter.matrix_id !== undefined) {
    take(await numbersOf(sql, `select number from job where matrix_id = ? order by number limit ${SMALL + 1}`, [filter.matrix_id]), filter);
  }
  for (const term of filter.terms ?? []) {
    if (excludes(term)) continue;
    const values = await matchingValues(sql, experimentId, term);
    if (values.length > MATCHED_VALUES) continue;
    const having = await numbersOf(sql, `select number from job_param where value_id in ${valueSet(sql.dialect, 'int')} limit ${SMALL + 1}`, [
      JSON.stringify(values),
    ]);
    if (having.length > SMALL) continue;
    const others = { ...filter, terms: filter.terms!.filter((one) => one !== term) };
    // A text means values and some more; larger and smaller is looked at again in each job.
    if (term.kind === 'text') take([...new Set([...having, ...(await textNumbers(sql, experimentId, term.text))])], others);
    else take(having, term.kind === 'tag' || term.comparison === '=' ? others : filter);
  }
  return best;
}

async function numbersOf(sql: Sql, text: string, values: readonly (string | number)[]): Promise<number[]> {
  const rows = await sql.all<{ number: number }>(text, values);
  return rows.map((row) => Number(row.number));
}

function rangeNumbers({ ranges }: JobFilter): number[] | null {
  if (ranges === undefined || ranges.reduce((sum, range) => sum + range.to - range.from + 1, 0) > SMALL) return null;
  return [...new Set(ranges.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index)))];
}
