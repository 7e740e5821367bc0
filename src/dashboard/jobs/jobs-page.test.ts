import { expect, test } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { knownTotal, readJobsPage, searchedJobs } from './jobs-page.ts';
import { nextPage, readJobsSearch, rowsBefore, type JobsQuery } from './jobs-search.ts';

type Answer = Awaited<ReturnType<Parameters<typeof readJobsPage>[1]>>;

const QUERY: JobsQuery = { sort: 'number', order: 'desc', limit: 4 };
const answer = (rows: number, next_cursor: string | null): Answer => ({
  jobs: Array.from({ length: rows }, (_, number) => ({ number })) as Answer['jobs'],
  next_cursor,
  total: { count: 1, exact: false },
  workers: {},
});

async function read(answers: readonly Answer[]) {
  const asked: (readonly [string | undefined, number])[] = [];
  const page = await readJobsPage(QUERY, async ({ cursor, limit }) => {
    asked.push([cursor, limit]);
    return answers[asked.length - 1]!;
  });
  return { asked, found: [page.jobs.length, page.next_cursor, page.short_answers] };
}

test('short answers are joined until the page is full, the list ends, or enough was asked', async () => {
  expect(await read([answer(1, 'a'), answer(0, 'b'), answer(3, 'c')])).toEqual({
    asked: [
      [undefined, 4],
      ['a', 3],
      ['b', 3],
    ],
    found: [4, 'c', 2],
  });
  expect((await read([answer(0, 'a'), answer(2, null)])).found).toEqual([2, null, 1]);
  expect((await read(['a', 'b', 'c', 'd', 'e'].map((cursor) => answer(0, cursor)))).found).toEqual([0, 'e', 5]);
  expect((await read([answer(4, 'a')])).found).toEqual([4, 'a', 0]);
});

test('what was searched adds up, and is unknown in the order of a moment', () => {
  expect(searchedJobs(QUERY, 5, 12_000)).toBe(12_000 + 5 * LIMITS.walked_rows.value);
  expect(searchedJobs({ ...QUERY, sort: 'duration_ms' }, 5)).toBe(null);
});

test('rows are numbered on, also after pages that were not full', () => {
  const second = nextPage({ size: 25 }, { rows: 25, next_cursor: 'a', searched: 0 });
  expect(second).toEqual({ size: 25, cursor: 'a', page: 2 });
  const third = nextPage(second, { rows: 3, next_cursor: 'b', searched: 60_000 });
  expect(third).toEqual({ size: 25, cursor: 'b', page: 3, before: 28, searched: 60_000 });
  expect(rowsBefore(third)).toBe(28);
  expect(readJobsSearch({ before: '3', searched: '5' })).toEqual({});
});

test('a total is at least what was seen, and known at the end', () => {
  const total = { count: 5, exact: false };
  expect(knownTotal({ total, next_cursor: 'a' }, { before: 50, rows: 7 })).toEqual({ count: 57, exact: false });
  expect(knownTotal({ total, next_cursor: null }, { before: 50, rows: 7 })).toEqual({ count: 57, exact: true });
  expect(knownTotal({ total: { count: 900, exact: true }, next_cursor: null }, { before: 0, rows: 7 })).toEqual({ count: 900, exact: true });
});
