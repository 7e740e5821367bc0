// Keeps the charts up to date without asking all the time: they add up many jobs, so they are read anew some seconds after a change, and the
// longer reading takes, the rarer. Paused with everything else.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

import { useLive } from '../live/live-provider.tsx';
import { queries } from '../queries.ts';

const REST_MS = 2_000;
/** Reading takes at most this share of the time. */
const SHARE = 0.2;
const LONGEST_REST_MS = 30_000;

/** `every`: read also when nothing happens, because time itself is shown; null: only after changes. */
export function useLiveCharts(experiment: string, every: number | null): void {
  const client = useQueryClient();
  const pulse = useQuery(queries.chartPulse(experiment)).data;
  const { paused } = useLive();
  const rest = useRef({ until: 0, first: true });
  useEffect(() => {
    // The page has just read everything.
    if (rest.current.first) {
      rest.current.first = pulse === undefined;
      return;
    }
    const timer = setTimeout(() => void readAnew(), Math.max(0, rest.current.until - performance.now()));
    const readAnew = async (): Promise<void> => {
      const begun = performance.now();
      await client.refetchQueries({ queryKey: ['chart', experiment], type: 'active' }, { cancelRefetch: false });
      const took = performance.now() - begun;
      rest.current.until = performance.now() + Math.min(LONGEST_REST_MS, Math.max(REST_MS, took / SHARE));
    };
    return () => clearTimeout(timer);
  }, [client, experiment, pulse]);
  useEffect(() => {
    if (every === null || paused) return;
    const timer = setInterval(() => void client.refetchQueries({ queryKey: queries.chartPulse(experiment).queryKey }), every);
    return () => clearInterval(timer);
  }, [client, experiment, every, paused]);
}
