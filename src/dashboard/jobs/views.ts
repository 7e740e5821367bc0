// A saved view and the URL that shows it: the same filter, order and columns.
import type { JobView } from '../../contract/index.ts';
import { orderedColumns, writeColumns, type ColumnId } from './columns.ts';
import { jobsQuery, readJobsSearch, type JobsSearch } from './jobs-search.ts';

export function searchOfView(view: JobView, size?: number): JobsSearch {
  const { status, search, matrix_id: matrix, sort, order, columns } = view;
  return readJobsSearch({ status, search, matrix, sort, order, size, columns: columns === undefined ? undefined : writeColumns(orderedColumns(columns)) });
}

/** What is shown, as a view. */
export function viewOfSearch(search: JobsSearch, columns: readonly ColumnId[]): JobView {
  const { status, search: text, matrix, sort, order } = search;
  return {
    ...(status === undefined ? {} : { status }),
    ...(text === undefined ? {} : { search: text }),
    ...(matrix === undefined ? {} : { matrix_id: matrix }),
    ...(sort === undefined ? {} : { sort }),
    ...(order === undefined ? {} : { order }),
    columns: [...columns],
  };
}

/** Whether a view is what is shown. */
export function isShown(view: JobView, search: JobsSearch, columns: readonly ColumnId[]): boolean {
  const other = searchOfView(view);
  const key = (one: JobsSearch): string => {
    const { status, search: text, matrix_id, sort, order } = jobsQuery(one);
    return JSON.stringify([status, text, matrix_id, sort, order]);
  };
  return key(other) === key(search) && (view.columns === undefined || writeColumns(orderedColumns(view.columns)) === writeColumns(columns));
}
