// The selection of the table. It survives paging and searching; "all that fit" ends with the filter that it means.
import { useState } from 'react';

import type { JobsQuery } from './jobs-search.ts';
import { NOTHING, pageToggled, toggled, type NamedJobs, type Selection } from './selection.ts';
import type { JobRows } from './use-job-rows.ts';

export interface Selecting {
  readonly selection: Selection;
  readonly toggle: (number: number, through: boolean) => void;
  readonly togglePage: () => void;
  /** Numbers of the rows of the page. */
  readonly page: readonly number[];
  /** Selects all that fit the filter; null when the page holds them all. */
  readonly selectAll: (() => void) | null;
  readonly clear: () => void;
}

interface Kept {
  readonly experiment: string;
  readonly filter: string;
  readonly selection: Selection;
}

export function useSelection(experiment: string, query: JobsQuery, rows: JobRows): Selecting {
  const filter = filterOf(query);
  const key = JSON.stringify(filter);
  const [kept, setKept] = useState<Kept>({ experiment, filter: key, selection: NOTHING });
  const holds = kept.experiment === experiment && (kept.selection.kind === 'numbers' || kept.filter === key);
  const selection = holds ? kept.selection : NOTHING;
  const set = (next: Selection): void => setKept({ experiment, filter: key, selection: next });
  const page = rows.rows.map(({ job }) => job.number);
  const { total } = rows;
  return {
    selection,
    page,
    toggle: (number, through) => set(toggled(selection, { number, page, through })),
    togglePage: () => set(pageToggled(selection, page)),
    selectAll:
      total === null || (total.exact && total.count <= page.length)
        ? null
        : () => set({ kind: 'filter', filter, count: Math.max(total.count, page.length), exact: total.exact }),
    clear: () => set(NOTHING),
  };
}

/** What lists, exports and actions share of a query: everything that narrows the list narrows what is done to it. */
export function filterOf({ status, search, matrix_id }: JobsQuery): NamedJobs {
  return {
    ...(status === undefined ? {} : { status }),
    ...(search === undefined ? {} : { search }),
    ...(matrix_id === undefined ? {} : { matrix_id }),
  };
}
