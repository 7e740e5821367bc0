// Keeps up to date what is costly to read, charts of many jobs or a long list of workers, without asking all the time: it is read anew some
// time after a change, and the longer reading takes, the rarer. Paused with everything else.
import { useQuery, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

import { queries } from '../queries.ts';
import { useLive } from './live-provider.tsx';

/** Reading takes at most this share of the time. */
const SHARE = 0.2;
const LONGEST_REST_MS = 30_000;

interface Reading {
  /** What it is about: changes of this kind are what makes it old. */
  readonly topic: 'charts' | 'workers' | 'metrics';
  readonly experiment: string;
  /** Where the keys of what is read begin; must not begin with the topic. */
  readonly reads: 'chart' | 'worker_list' | 'jobs';
  readonly least_rest_ms: number;
  /** Read also so often when nothing happens, because time itself is shown; null: only after changes. */
  readonly every: number | null;
  readonly on?: boolean;
}

export function usePacedReading({ topic, experiment, reads, least_rest_ms, every, on = true }: Reading): void {
  const client = useQueryClient();
  const pulse = useQuery({ ...queries.pulse(topic, experiment), enabled: on }).data;
  const { paused } = useLive();
  const rest = useRef({ until: 0, first: true });
  useEffect(() => {
    if (!on) return;
    // The page has just read everything.
    if (rest.current.first) {
      rest.current.first = pulse === undefined;
      return;
    }
    const timer = setTimeout(() => void readAnew(), Math.max(0, rest.current.until - performance.now()));
    const readAnew = async (): Promise<void> => {
      const begun = performance.now();
      const key: QueryKey = [reads, experiment];
      await client.refetchQueries({ queryKey: key, type: 'active' }, { cancelRefetch: false });
      const took = performance.now() - begun;
      rest.current.until = performance.now() + Math.min(LONGEST_REST_MS, Math.max(least_rest_ms, took / SHARE));
    };
    return () => clearTimeout(timer);
  }, [client, experiment, reads, least_rest_ms, on, pulse]);
  useEffect(() => {
    if (every === null || paused) return;
    const timer = setInterval(() => void client.refetchQueries({ queryKey: queries.pulse(topic, experiment).queryKey }), every);
    return () => clearInterval(timer);
  }, [client, topic, experiment, every, paused]);
}
