// Joins the event stream to the query cache: events make queries stale, unless the page is paused.
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';

import type { EventShape } from '../../contract/index.ts';
import { StaleSet } from './event-topics.ts';
import type { LiveState } from './event-connection.ts';
import { LiveStream } from './live-stream.ts';

export interface Live {
  readonly state: LiveState;
  readonly paused: boolean;
  /** Events held back since the page was paused. */
  readonly waiting: number;
  readonly setPaused: (paused: boolean) => void;
}

const LiveContext = createContext<Live>({ state: 'connecting', paused: false, waiting: 0, setPaused: () => undefined });

export function useLive(): Live {
  return use(LiveContext);
}

interface Props {
  /** Only events of this experiment; null for all that the session may see. */
  readonly experiment: string | null;
  readonly children: ReactNode;
}

export function LiveProvider({ experiment, children }: Props) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  const [paused, setPausedState] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const held = useRef({ paused: false, stale: new StaleSet(), reset: false });

  useEffect(() => {
    let opening: LiveState | null = null;
    const stream = new LiveStream(experiment, {
      onState: (next) => {
        // What was read before the stream was open may have changed since, and nobody told.
        if (opening === 'connecting' && next === 'live') refreshOlder(client, Date.now());
        opening = opening === null || opening === 'connecting' ? next : 'lost';
        setState(next);
      },
      // A refused stream does not say why; the session query does, and leads to the login page.
      onRefused: () => void client.refetchQueries({ queryKey: ['session'] }),
      onReset: () => {
        held.current.reset = true;
        if (!held.current.paused) flush(client, held.current);
      },
      onEvents: (events) => {
        for (const event of events) held.current.stale.add(event);
        if (held.current.paused) setWaiting((count) => count + events.filter(isShown).length);
        else flush(client, held.current);
      },
    });
    return () => stream.close();
  }, [client, experiment]);

  const live = useMemo<Live>(
    () => ({
      state,
      paused,
      waiting,
      setPaused: (next) => {
        held.current.paused = next;
        setPausedState(next);
        setWaiting(0);
        if (!next) flush(client, held.current);
      },
    }),
    [client, state, paused, waiting],
  );
  return <LiveContext value={live}>{children}</LiveContext>;
}

/** Bytes of logs and metric points are no news to count. */
function isShown(event: EventShape): boolean {
  return event.kind !== 'logs_appended' && event.kind !== 'metrics_appended' && event.kind !== 'jobs_progressed';
}

function refreshOlder(client: QueryClient, moment: number): void {
  void client.invalidateQueries({ predicate: ({ queryKey, state }) => queryKey[0] !== 'session' && state.dataUpdatedAt > 0 && state.dataUpdatedAt < moment });
}

function flush(client: QueryClient, held: { stale: StaleSet; reset: boolean }): void {
  const stale = held.stale;
  const all = held.reset;
  held.stale = new StaleSet();
  held.reset = false;
  if (all) void client.invalidateQueries({ predicate: (query) => query.queryKey[0] !== 'session' });
  else if (!stale.empty) void client.invalidateQueries({ predicate: (query) => stale.matches(query) });
}
