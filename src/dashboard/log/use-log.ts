// The log of one attempt, as the viewer needs it: loaded, kept fresh by the live stream, merged when both streams are shown.
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';

import { api } from '../api.ts';
import type { StreamChoice } from '../job/job-search.ts';
import { useLive } from '../live/live-provider.tsx';
import type { LogLine, StreamName } from './log-lines.ts';
import { mergeLines, timesOf, type Piece, type TimeOf } from './merge.ts';
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
  /** What is loaded does not reach the end. */
  readonly isApart: boolean;
  readonly loadLater: () => void;
  readonly toEnd: () => void;
  /** Loads what stands around a line, where it is not loaded. */
  readonly jump: (place: LogPlace) => void;
  readonly pending: boolean;
  readonly error: unknown;
  readonly retry: () => void;
}

/** A line, by its beginning. */
export interface LogPlace {
  readonly stream: StreamName;
  readonly offset: number;
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
  const [loading, setLoading] = useState<'earlier' | 'other' | null>(null);
  const [, setLoaded] = useState(0);
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
  /** Reads of a stream wait for one another; earlier lines are asked for again with the next scroll. */
  const load = useCallback(
    (what: 'earlier' | 'other', read: (log: StreamLog, signal: AbortSignal) => Promise<void>) => {
      if (loading !== null && what === 'earlier') return;
      setLoading(what);
      const { signal } = new AbortController();
      void Promise.allSettled(shown.map((log) => read(log, signal))).then(() => {
        setLoading(null);
        setLoaded((count) => count + 1);
      });
    },
    [shown, loading],
  );
  const jump = useCallback(
    ({ stream, offset }: LogPlace) => {
      const at = timeOf(stream, offset);
      load('other', (log, signal) => log.jump(log.source.stream === stream ? offset : offsetAt(index.data?.pieces ?? [], log, at), signal));
    },
    [load, timeOf, index.data],
  );

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
    loadEarlier: () => load('earlier', (log, signal) => ((log.start ?? 0) > 0 ? log.readEarlier(signal) : Promise.resolve())),
    loadingEarlier: loading === 'earlier',
    isApart: shown.some((log) => log.isApart),
    loadLater: () => load('other', (log, signal) => log.readLater(signal)),
    toEnd: () => load('other', (log, signal) => log.toEnd(signal)),
    jump,
    pending: query.isPending,
    error: query.error,
    retry: () => void query.refetch(),
  };
}

function useLines(log: StreamLog): readonly LogLine[] {
  const { lines, partial } = log;
  return useMemo(() => (partial === null ? lines : [...lines, partial]), [lines, partial]);
}

/** Where the other stream was at that time; where nobody knows, it stays. */
function offsetAt(pieces: readonly Piece[], log: StreamLog, at: number | null): number {
  if (at === null) return log.start ?? 0;
  const before = pieces.filter((piece) => piece.stream === log.source.stream && Date.parse(piece.at) <= at);
  return Math.max(0, ...before.map((piece) => piece.offset));
}
