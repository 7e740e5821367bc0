import { expect, test } from 'vitest';

import type { ColumnId } from './columns.ts';
import { isShown, searchOfView, viewOfSearch } from './views.ts';

const COLUMNS: ColumnId[] = ['status', 'metric:val, loss'];

test('a view is the URL that shows it, without the place in it', () => {
  const search = { status: 'done', search: 'lr>0.1', matrix: 3, sort: 'duration_ms', order: 'asc', size: 100, cursor: 'abc', page: 2, add: true } as const;
  const view = viewOfSearch(search, COLUMNS);
  expect(view).toEqual({ status: 'done', search: 'lr>0.1', matrix_id: 3, sort: 'duration_ms', order: 'asc', columns: COLUMNS });
  expect(searchOfView(view, 100)).toEqual({
    status: 'done',
    search: 'lr>0.1',
    matrix: 3,
    sort: 'duration_ms',
    order: 'asc',
    size: 100,
    columns: 'status,metric:val%2C loss',
  });
});

test('a view is shown when nothing of it differs; what it leaves out is as usual', () => {
  const view = viewOfSearch({ status: 'done' }, COLUMNS);
  expect(isShown(view, { status: 'done', sort: 'number', order: 'desc', cursor: 'x' }, COLUMNS)).toBe(true);
  expect(isShown(view, { status: 'done', order: 'asc' }, COLUMNS)).toBe(false);
  expect(isShown(view, { status: 'done' }, ['status'])).toBe(false);
  expect(isShown({ status: 'done' }, { status: 'done' }, ['status'])).toBe(true);
  expect(isShown({}, { search: 'x' }, COLUMNS)).toBe(false);
});

test('a view made by others or by another version is read with care', () => {
  expect(searchOfView({ columns: ['colour', 'status', 'status'] })).toEqual({ columns: 'status' });
  expect(searchOfView({ columns: ['colour'] })).toEqual({});
});
