// What somebody just asked to see is fetched before the page goes there. A quick answer is then shown at once, instead of after a page
// that only says that something is to come; a slow one does not keep the page from saying so.
import { useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';

import { queries } from '../queries.ts';
import { jobsQuery, type JobsSearch } from './jobs-search.ts';

/** What was fetched ahead is taken as it is for so long. */
export const AHEAD_MS = 5_000;
/** Nobody takes so short a wait for one. */
const UNNOTICED_MS = 60;

export interface Ahead {
  /** Ends when the jobs of this address are there, or soon. */
  readonly jobs: (search: JobsSearch) => Promise<void>;
  readonly job: (number: number) => Promise<void>;
}

export function useAhead(experiment: string): Ahead {
  const client = useQueryClient();
  const jobs = useCallback(
    (search: JobsSearch) => soon(client.prefetchQuery({ ...queries.jobs(experiment, jobsQuery(search)), staleTime: AHEAD_MS })),
    [client, experiment],
  );
  const job = useCallback(
    (number: number) => soon(client.prefetchQuery({ ...queries.job({ experiment, number }), staleTime: AHEAD_MS })),
    [client, experiment],
  );
  return { jobs, job };
}

function soon(fetched: Promise<void>): Promise<void> {
  return Promise.race([fetched, new Promise<void>((resolve) => setTimeout(resolve, UNNOTICED_MS))]);
}
