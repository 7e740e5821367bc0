// The log of one attempt, as the viewer needs it: loaded, kept fresh by the live stream, merged when both streams are shown.
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';

import { api } from '../api.ts';
import type { StreamChoice } from '../job/job-search.ts';
import { useLive } from '../live/live-provider.tsx';
import type { LogLine } from './log-lines.ts';
import { mergeLines, timesOf, type TimeOf } from './merge.ts';
import { StreamLog } from './stream-log.ts';

export interface LogView {
  readonly lines: readonly LogLine[];
  /** Everything from the first byte on is loaded, so lines can be numbered. */
  readonly whole: boolean;
  readonly live: boolean;
  readonly bytes: { readonly stdout: number; readonly stderr: number };
  readonly timeOf: TimeOf;
  readonly loadEarlier: () => void;
  readonly loadingEarlier: boolean;
  readonly pending: boolean;
  readonly error: unknown;
  readonly retry: () => void;
}

/** While a job runs, new bytes are asked for this often even when no event said so. */
const POLL_MS = 5_000;

interface Attempt {
  readonly experiment: string;
  readonly number: number;
  readonly attempt: number;
}

export function useLog({ experiment, number, attempt }: Attempt, choice: StreamChoice, withTimes: boolean): LogView {
  const { paused } = useLive();
  const [loadingEarlier, setLoadingEarlier] = useState(false);
  const [, setEarlier] = useState(0);
  const logs = useMemo(() => {
    const of = (stream: 'stdout' | 'stderr'): StreamLog => new StreamLog({ experiment, number, attempt, stream });
    return { stdout: of('stdout'), stderr: of('stderr') };
  }, [experiment, number, attempt]);
  const shown = useMemo(() => (choice === 'both' ? [logs.stdout, logs.stderr] : [logs[choice]]), [logs, choice]);

  const query = useQuery({
    queryKey: ['log', experiment, number, attempt, choice],
    queryFn: async ({ signal }) => {
      await Promise.all(shown.map((log) => log.refresh(signal)));
      return { live: shown.some((log) => log.live), at: Date.now() };
    },
    refetchInterval: (state) => (!paused && state.state.data?.live === true ? POLL_MS : false),
    gcTime: 0,
    staleTime: 0,
  });
  const needsIndex = withTimes || (choice === 'both' && logs.stderr.size > 0 && logs.stdout.size > 0);
  const index = useQuery({
    queryKey: ['log', experiment, number, attempt, 'index'],
    queryFn: ({ signal }) => api.results.logIndex({ params: { experiment, number }, query: { attempt } }, { signal }),
    enabled: needsIndex,
  });
  const timeOf = useMemo(() => timesOf(index.data?.pieces ?? []), [index.data]);
  const loadEarlier = useCallback(() => {
    if (loadingEarlier) return;
    setLoadingEarlier(true);
    const signal = new AbortController().signal;
    void Promise.allSettled(shown.filter((log) => (log.start ?? 0) > 0).map((log) => log.readEarlier(signal))).then(() => {
      setLoadingEarlier(false);
      setEarlier((count) => count + 1);
    });
  }, [shown, loadingEarlier]);

  const stdout = useLines(logs.stdout);
  const stderr = useLines(logs.stderr);
  const lines = useMemo(
    () => (choice === 'both' ? mergeLines(stdout, stderr, timeOf) : choice === 'stdout' ? stdout : stderr),
    [choice, stdout, stderr, timeOf],
  );
  return {
    lines,
    whole: shown.every((log) => log.start === 0),
    live: query.data?.live ?? false,
    bytes: { stdout: logs.stdout.size, stderr: logs.stderr.size },
    timeOf,
    loadEarlier,
    loadingEarlier,
    pending: query.isPending,
    error: query.error,
    retry: () => void query.refetch(),
  };
}

function useLines(log: StreamLog): readonly LogLine[] {
  const { lines, partial } = log;
  return useMemo(() => (partial === null ? lines : [...lines, partial]), [lines, partial]);
}
