// One page of jobs as the list shows it. The server looks at a bounded number of jobs for each answer, so an answer may be short, or
// empty, and lead on: a few such answers are joined before the person is asked whether to go on.
import type { api } from '../api.ts';
import { LIMITS } from '../../core/limits.ts';
import type { JobsQuery } from './jobs-search.ts';

type Answer = Awaited<ReturnType<typeof api.jobs.list>>;

export interface JobsPage extends Answer {
  /** Answers that came short and led on. */
  readonly short_answers: number;
}

/** Few enough that the whole page is read anew, with every change, in a moment. */
const JOINED = 5;

export async function readJobsPage(query: JobsQuery, ask: (query: JobsQuery) => Promise<Answer>): Promise<JobsPage> {
  const first = await ask(query);
  const jobs = [...first.jobs];
  const workers = { ...first.workers };
  let cursor = first.next_cursor;
  let short = 0;
  while (cursor !== null && jobs.length < query.limit) {
    short += 1;
    if (short === JOINED) break;
    const next = await ask({ ...query, cursor, limit: query.limit - jobs.length });
    jobs.push(...next.jobs);
    Object.assign(workers, next.workers);
    cursor = next.next_cursor;
  }
  return { jobs, next_cursor: cursor, total: first.total, workers, short_answers: short };
}

/** How many jobs were looked at in vain, at least; null in an order for which no such number is known. */
export function searchedJobs({ sort }: JobsQuery, shortAnswers: number, before = 0): number | null {
  return sort === 'number' || sort === 'created_at' ? before + shortAnswers * LIMITS.walked_rows.value : null;
}

/** The number of jobs that the filter names: what was seen counts too, and the last page knows it for certain. */
export function knownTotal(
  { total, next_cursor }: Pick<Answer, 'total' | 'next_cursor'>,
  { before, rows }: { readonly before: number; readonly rows: number },
): Answer['total'] {
  const seen = before + rows;
  if (next_cursor === null && !total.exact) return { count: seen, exact: true };
  return total.exact ? total : { count: Math.max(total.count, seen), exact: false };
}
