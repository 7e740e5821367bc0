// What a search of the whole log has found so far, piece by piece from its beginning, on the server: the page holds no more than where the lines are.
import { useEffect, useMemo, useRef, useState } from 'react';

import { api } from '../api.ts';
import type { StreamChoice } from '../job/job-search.ts';
import type { StreamName } from './log-lines.ts';
import { mergePlaces, type TimeOf } from './merge.ts';
import type { LogPlace } from './use-log.ts';

export interface LogSearchView {
  readonly found: readonly LogPlace[];
  readonly searching: boolean;
  /** There are more than are told. */
  readonly isFull: boolean;
  readonly error: unknown;
}

interface Attempt {
  readonly experiment: string;
  readonly number: number;
  readonly attempt: number;
}

export interface SearchQuestion {
  /** Empty: nothing is searched for. */
  readonly text: string;
  readonly choice: StreamChoice;
  /** How much has arrived, and whether more may come: when that changes, the search goes on. */
  readonly arrived: string;
  readonly timeOf: TimeOf;
}

/** Nobody steps through more. */
const MOST = 10_000;
/** A person is still typing. */
const TYPING_MS = 250;

/** How far the search of one stream is. */
interface Progress {
  readonly next_from: number;
  readonly found: readonly LogPlace[];
}

interface Searched {
  /** What it belongs to. */
  readonly key: string;
  readonly streams: Readonly<Partial<Record<StreamName, Progress>>>;
  readonly searching: boolean;
  readonly error: unknown;
}

const NOTHING: readonly LogPlace[] = [];
const NONE: Progress = { next_from: 0, found: NOTHING };

export function useLogSearch(source: Attempt, { text, choice, arrived, timeOf }: SearchQuestion): LogSearchView {
  const { experiment, number, attempt } = source;
  const key = `${choice} ${text}`;
  const [searched, setSearched] = useState<Searched>(() => nothingYet(key, text));
  const [round, setRound] = useState(0);
  const known = searched.key === key ? searched : nothingYet(key, text);
  const now = useRef({ known, arrived, isSearching: false });
  useEffect(() => {
    now.current.known = known;
    now.current.arrived = arrived;
  });
  useEffect(() => {
    // One that is under way comes to what has arrived by itself.
    if (!now.current.isSearching) setRound((count) => count + 1);
  }, [arrived]);
  useEffect(() => {
    if (text === '') return undefined;
    const controller = new AbortController();
    const { signal } = controller;
    const state = now.current;
    state.isSearching = true;
    const search = async (): Promise<void> => {
      const began = state.arrived;
      const tell = (streams: Searched['streams'], searching: boolean, error: unknown = null): void => setSearched({ key, streams, searching, error });
      const { streams } = state.known;
      const end = await searchOn({ experiment, number, attempt }, { text, choice, streams, signal, tell });
      if (signal.aborted) return;
      state.isSearching = false;
      tell(end.streams, false, end.error);
      if (end.error === null && state.arrived !== began) setRound((count) => count + 1);
    };
    const isNew = Object.keys(state.known.streams).length === 0;
    const timer = setTimeout(() => void search(), isNew ? TYPING_MS : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
      state.isSearching = false;
    };
  }, [experiment, number, attempt, key, text, choice, round]);
  const { stdout = NONE, stderr = NONE } = known.streams;
  const found = useMemo(() => mergePlaces(stdout.found, stderr.found, timeOf), [stdout.found, stderr.found, timeOf]);
  const isFull = stdout.found.length >= MOST || stderr.found.length >= MOST;
  return { found, isFull, searching: text !== '' && known.searching, error: known.error };
}

function nothingYet(key: string, text: string): Searched {
  return { key, streams: {}, searching: text !== '', error: null };
}

interface Going {
  readonly text: string;
  readonly choice: StreamChoice;
  readonly streams: Searched['streams'];
  readonly signal: AbortSignal;
  readonly tell: (streams: Searched['streams'], searching: boolean) => void;
}

/** From where the search is to the end of what has arrived. */
async function searchOn({ experiment, number, attempt }: Attempt, going: Going): Promise<Pick<Searched, 'streams' | 'error'>> {
  const { text, choice, signal, tell } = going;
  let { streams } = going;
  try {
    for (const stream of choice === 'both' ? (['stdout', 'stderr'] as const) : [choice]) {
      for (let isOver = false; !isOver;) {
        const { next_from, found } = streams[stream] ?? NONE;
        if (found.length >= MOST) break;
        const query = { attempt, stream, text, from: next_from };
        const reply = await api.results.logSearch({ params: { experiment, number }, query }, { signal });
        isOver = reply.next_from >= reply.size || reply.next_from === next_from;
        const places = reply.matches.map(({ offset }): LogPlace => ({ stream, offset }));
        streams = { ...streams, [stream]: { next_from: reply.next_from, found: places.length === 0 ? found : [...found, ...places] } };
        if (!isOver) tell(streams, true);
      }
    }
    return { streams, error: null };
  } catch (error) {
    return { streams, error };
  }
}
