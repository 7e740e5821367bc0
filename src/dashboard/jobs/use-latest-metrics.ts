// The latest values of the chosen metrics for the jobs on the page, read apart from the list: a metric that arrives costs one small
// question, not the whole search again.
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import type { JobShape } from '../../contract/index.ts';
import { formatRanges, toRanges } from '../../core/identifiers.ts';
import type { api } from '../api.ts';
import { queries } from '../queries.ts';
import type { JobRow } from './use-job-rows.ts';

export type LatestValue = Awaited<ReturnType<typeof api.results.latestMetrics>>['jobs'][number]['values'][number];

/** Values of the metrics of these names, in their order. The same as before as long as they are. */
export interface LatestMetrics {
  readonly names: readonly string[];
  /** Undefined while they are not known, and for a job that has begun another attempt since. */
  readonly of: (job: JobShape) => readonly LatestValue[] | undefined;
}

const NO_NAMES: readonly string[] = [];

export function useLatestMetrics(experiment: string, rows: readonly JobRow[], metrics: readonly string[]): LatestMetrics {
  const numbers = rows.filter(({ job }) => job.attempts > 0).map(({ job }) => job.number);
  const asked = numbers.length > 0 && metrics.length > 0;
  const { data } = useQuery({
    ...queries.latestMetrics(experiment, formatRanges(toRanges(numbers.toSorted((a, b) => a - b))), metrics),
    enabled: asked,
  });
  return useMemo(() => {
    const found = new Map(data?.jobs.map((one) => [one.number, one]));
    return {
      names: data?.metrics ?? NO_NAMES,
      of: (job) => {
        const one = found.get(job.number);
        return one === undefined || one.attempt !== job.attempts ? undefined : one.values;
      },
    };
  }, [data]);
}
