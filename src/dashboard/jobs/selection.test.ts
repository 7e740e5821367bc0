import { expect, test } from 'vitest';

import { LIMITS } from '../../core/limits.ts';
import { jobsQuery } from './jobs-search.ts';
import { isFull, isSelected, namedJobs, NOTHING, pageToggled, selectedCount, toggled, type Selection } from './selection.ts';

import { filterOf } from './use-selection.ts';

const PAGE = [9, 8, 7, 6, 5];
const click = (selection: Selection, number: number, through = false): Selection => toggled(selection, { number, page: PAGE, through });
const ALL: Selection = { kind: 'filter', filter: { status: 'done', search: 'lr=1' }, count: 70_000, exact: false };

test('rows are selected one by one, across pages, and as a stretch', () => {
  const two = click(click(NOTHING, 9), 3);
  expect(namedJobs(two)).toEqual({ numbers: '3,9' });
  expect(namedJobs(click(click(two, 8), 5, true))).toEqual({ numbers: '3,5-9' });
  expect(namedJobs(click(click(click(NOTHING, 5), 9, true), 7))).toEqual({ numbers: '5-6,8-9' });
  // The row that the stretch would begin with is on another page.
  expect(namedJobs(click(click(NOTHING, 3), 7, true))).toEqual({ numbers: '3,7' });
});

test('a page is selected, and let go when all of it was', () => {
  const page = pageToggled(click(NOTHING, 3), PAGE);
  expect(namedJobs(page)).toEqual({ numbers: '3,5-9' });
  expect(namedJobs(pageToggled(page, PAGE))).toEqual({ numbers: '3' });
});

test('all that fit are a filter; taking one row out leaves the others of the page', () => {
  expect([isSelected(ALL, 1), selectedCount(ALL), namedJobs(ALL)]).toEqual([true, 70_000, { status: 'done', search: 'lr=1' }]);
  expect(namedJobs(click(ALL, 7))).toEqual({ numbers: '5-6,8-9' });
  expect(pageToggled(ALL, PAGE)).toEqual(NOTHING);
});

test('so many are selected one by one, and no more', () => {
  const many = pageToggled(
    NOTHING,
    Array.from({ length: LIMITS.selected_jobs.value + 5 }, (_, index) => index + 1),
  );
  expect([selectedCount(many), isFull(many), isFull(ALL)]).toEqual([LIMITS.selected_jobs.value, true, false]);
  expect(isSelected(click(many, 5_000), 5_000)).toBe(false);
});

test('what is done to all that fit is done to no more than the list shows', () => {
  const { sort: _sort, order: _order, limit: _limit, cursor: _cursor, ...narrowing } = jobsQuery({ status: 'done', search: 'lr=1', matrix: 3 });
  expect(filterOf(jobsQuery({ status: 'done', search: 'lr=1', matrix: 3 }))).toEqual(narrowing);
});
