// The columns of the table: those of the URL, else those that this browser remembers for the experiment, else the usual ones.
import { useMemo, useState } from 'react';

import { recall, remember } from '../remembered.ts';
import { DEFAULT_COLUMNS, isDefault, orderedColumns, readColumns, writeColumns, type ColumnId } from './columns.ts';
import type { JobsSearch } from './jobs-search.ts';

const REMEMBERED = 'columns';

export interface Columns {
  readonly chosen: readonly ColumnId[];
  /** What somebody chooses stands in the URL too, so that a link shows it to others. */
  readonly choose: (columns: readonly ColumnId[]) => void;
  readonly reset: () => void;
}

export function useColumns(experiment: string, search: JobsSearch, go: (next: JobsSearch, replace: boolean) => void): Columns {
  const [, setTimes] = useState(0);
  const text = search.columns ?? recalled(experiment);
  const chosen = useMemo(() => readColumns(text) ?? DEFAULT_COLUMNS, [text]);
  const show = (columns: readonly ColumnId[] | undefined): void => {
    remember(REMEMBERED, experiment, columns);
    setTimes((times) => times + 1);
    const { columns: _before, ...others } = search;
    go(columns === undefined ? others : { ...others, columns: writeColumns(columns) }, true);
  };
  return {
    chosen,
    choose: (columns) => {
      const next = orderedColumns(columns);
      show(next.length === 0 || isDefault(next) ? undefined : next);
    },
    reset: () => show(undefined),
  };
}

function recalled(experiment: string): string | undefined {
  const known = recall(REMEMBERED, experiment);
  return Array.isArray(known) ? writeColumns(orderedColumns(known)) : undefined;
}
