import { expect, test } from 'vitest';

import { parseSearch, stringifySearch } from '../search-params.ts';
import { jobsQuery, readJobsSearch, withFilter } from './jobs-search.ts';

test('what a URL says in vain is left out', () => {
  expect(readJobsSearch(parseSearch('?status=served&sort=colour&size=7&page=3&search=&matrix=-1&like=2'))).toEqual({});
});

test('filters survive the way through a URL', () => {
  const search = readJobsSearch({
    status: 'aborted',
    search: 'lr>0.001 & x',
    matrix: 3,
    add: true,
    like: 4,
    sort: 'duration_ms',
    order: 'asc',
    size: 100,
    cursor: 'abc',
    page: 2,
  });
  expect(readJobsSearch(parseSearch(stringifySearch({ ...search })))).toEqual(search);
});

test('a new filter begins at the first page and keeps the order', () => {
  const search = readJobsSearch({ sort: 'attempts', cursor: 'abc', page: '4' });
  expect(withFilter(search, { status: 'done' })).toEqual({ sort: 'attempts', status: 'done' });
  expect(jobsQuery({})).toMatchObject({ sort: 'number', order: 'desc', limit: 50 });
});
