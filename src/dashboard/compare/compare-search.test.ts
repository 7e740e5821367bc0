import { expect, test } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { parseSearch, stringifySearch } from '../search-params.ts';
import { comparedNumbers, readCompareSearch, withNumbers } from './compare-search.ts';

test('numbers survive the way through a URL, one alone too', () => {
  for (const numbers of [[7], [1, 2, 3, 9]]) {
    const search = withNumbers({ all: true }, numbers);
    expect(comparedNumbers(readCompareSearch(parseSearch(stringifySearch({ ...search }))))).toEqual(numbers);
  }
});

test('what a URL says in vain is left out', () => {
  expect(readCompareSearch(parseSearch('?jobs=x&axis=space&all=yes'))).toEqual({});
  expect(comparedNumbers(readCompareSearch({}))).toEqual([]);
});

test('of too many the first are compared', () => {
  expect(comparedNumbers(readCompareSearch({ jobs: '5-9000000,3' }))).toEqual([
    3,
    ...Array.from({ length: LIMITS.compared_jobs.value - 1 }, (_, index) => index + 5),
  ]);
});
