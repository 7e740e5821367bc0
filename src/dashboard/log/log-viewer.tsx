// The log viewer: only the lines in sight are in the page; it follows a running job until the reader scrolls up.
import { Button, Loader, Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';

import type { StreamChoice } from '../job/job-search.ts';
import { ErrorNotice } from '../components/states.tsx';
import { LogLineView } from './log-line.tsx';
import { LogToolbar } from './log-toolbar.tsx';
import { useLog, type LogPlace, type LogView } from './use-log.ts';
import { useLogSearch } from './use-log-search.ts';
import { isSame, usePlace } from './use-place.ts';

const LINE_HEIGHT = 20;
/** A short log makes a small box. */
const MIN_HEIGHT = 120;
const BOX_PADDING = 30;
const END_MARGIN = 30;
const UP_KEYS: ReadonlySet<string> = new Set(['ArrowUp', 'PageUp', 'Home']);
/** Scrolling this near the top asks for what stands before. */
const TOP_MARGIN = 200;

interface Props {
  readonly experiment: string;
  readonly number: number;
  readonly attempt: number;
  readonly stream: StreamChoice;
  readonly setStream: (stream: StreamChoice) => void;
  /** The line that the address is about. */
  readonly line: LogPlace | null;
  readonly setLine: (line: LogPlace | null) => void;
}

export function LogViewer({ experiment, number, attempt, stream, setStream, line, setLine }: Props) {
  const [times, setTimes] = useState(false);
  const [wrap, setWrap] = useState(true);
  const [follow, setFollowed] = useState(line === null);
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState<LogPlace | null>(null);
  const log = useLog({ experiment, number, attempt }, stream, times);
  const arrived = `${log.bytes.stdout} ${log.bytes.stderr} ${log.live}`;
  const { found, ...result } = useLogSearch({ experiment, number, attempt }, { text: search, choice: stream, arrived, timeOf: log.timeOf });
  const match = found.find((each) => isSame(each, chosen)) ?? found[0] ?? null;
  const setFollow = (on: boolean): void => {
    setFollowed(on);
    if (on && log.isApart) log.toEnd();
  };
  const step = (by: 1 | -1): void => {
    if (match === null) return;
    setChosen(found[(found.indexOf(match) + by + found.length) % found.length]!);
  };
  const { current, forget, onLine } = usePlace({ log, match, line, setLine, stay: () => setFollowed(false) });
  return (
    <div className="dr-card dr-log">
      <LogToolbar
        job={{ experiment, number, attempt }}
        log={log}
        stream={stream}
        setStream={setStream}
        toggles={{ follow, setFollow, wrap, setWrap, times, setTimes }}
        search={{
          ...result,
          text: search,
          setText: (text) => {
            setSearch(text);
            setChosen(null);
            forget();
          },
          count: found.length,
          at: match === null ? 0 : found.indexOf(match) + 1,
          step,
        }}
      />
      {log.error === null ? null : (
        <div style={{ padding: 12 }}>
          <ErrorNotice error={log.error} retry={log.retry} />
        </div>
      )}
      {log.pending && log.error === null ? (
        <div className="dr-log-empty">
          <Loader size="sm" aria-label="Loading the log" />
        </div>
      ) : null}
      {!log.pending && log.lines.length === 0 ? <EmptyLog live={log.live} stream={stream} /> : null}
      {log.lines.length === 0 ? null : (
        <LogLines
          log={log}
          wrap={wrap}
          times={times}
          follow={follow}
          setFollow={setFollow}
          search={search.toLowerCase()}
          current={current}
          marked={stream === 'both'}
          onLine={onLine}
        />
      )}
    </div>
  );
}

function EmptyLog({ live, stream }: { readonly live: boolean; readonly stream: StreamChoice }) {
  const what = stream === 'both' ? 'nothing' : `nothing to ${stream}`;
  return (
    <div className="dr-log-empty">
      <Text size="sm" c="dimmed">
        {live ? `The job has written ${what} yet. Output appears here as it is written.` : `The job wrote ${what}.`}
      </Text>
    </div>
  );
}

interface LinesProps {
  readonly log: LogView;
  readonly wrap: boolean;
  readonly times: boolean;
  readonly follow: boolean;
  readonly setFollow: (follow: boolean) => void;
  readonly search: string;
  readonly current: number | null;
  readonly marked: boolean;
  readonly onLine: (place: LogPlace) => void;
}

function LogLines({ log, wrap, times, follow, setFollow, search, current, marked, onLine }: LinesProps) {
  const { lines } = log;
  const box = useRef<HTMLDivElement>(null);
  // oxlint-disable-next-line react/incompatible-library -- no compiler memoises this component
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
    // Lines that are put in before the first must not move what is being read.
    anchorTo: 'end',
    getItemKey: (index) => `${lines[index]!.stream} ${lines[index]!.offset}`,
  });
  const total = virtual.getTotalSize();
  useEffect(() => {
    if (follow && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, lines, total, wrap]);
  const place = current === null ? null : `${lines[current]!.stream} ${lines[current]!.offset}`;
  useEffect(() => {
    if (current !== null) virtual.scrollToIndex(current, { align: 'center' });
    // Its number changes when earlier lines are loaded, and the reader stays where they are.
    // oxlint-disable-next-line react/exhaustive-deps -- `place` stands for it
  }, [place, virtual]);
  useEffect(() => virtual.measure(), [virtual, wrap, times]);
  // Following ends when the reader means to go up, before anything moves: lines that come into sight change the height themselves.
  const leaving = useRef(false);
  const leave = (): void => {
    leaving.current = true;
    setFollow(false);
  };
  const onScroll = (): void => {
    const element = box.current;
    if (element === null) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END_MARGIN;
    if (atEnd && log.isApart) log.loadLater();
    else if (atEnd && !follow && !leaving.current) setFollow(true);
    if (!atEnd) leaving.current = false;
    if (element.scrollTop < TOP_MARGIN && !log.whole && !follow) log.loadEarlier();
  };
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the keys and wheel that scroll it
    <div
      ref={box}
      className="dr-log-box"
      onScroll={onScroll}
      onWheel={(event) => event.deltaY < 0 && leave()}
      onTouchMove={leave}
      onPointerDown={(event) => event.target === box.current && leave()}
      onKeyDown={(event) => UP_KEYS.has(event.key) && leave()}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
      tabIndex={0}
      role="log"
      aria-label="Output of the job"
      aria-live="off"
      data-wrap={wrap ? true : undefined}
      style={{ height: `min(62vh, 640px, ${Math.max(MIN_HEIGHT, total + BOX_PADDING)}px)` }}
    >
      {log.whole ? null : (
        <div className="dr-log-more">
          <Button variant="subtle" size="compact-xs" loading={log.loadingEarlier} onClick={log.loadEarlier}>
            Load earlier output
          </Button>
        </div>
      )}
      <div style={{ height: total, position: 'relative', minWidth: '100%' }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index]!;
          return (
            <div
              key={item.key}
              data-index={item.index}
              ref={virtual.measureElement}
              style={{ position: 'absolute', top: 0, left: 0, minWidth: '100%', ...(wrap ? { width: '100%' } : {}), transform: `translateY(${item.start}px)` }}
            >
              <LogLineView
                line={line}
                number={log.whole ? item.index + 1 : null}
                time={times ? timeText(log.timeOf(line.stream, line.offset)) : null}
                search={search}
                current={item.index === current}
                marked={marked}
                onLine={onLine}
              />
            </div>
          );
        })}
      </div>
      {log.isApart ? (
        <div className="dr-log-more">
          <Button variant="subtle" size="compact-xs" onClick={() => setFollow(true)}>
            Go to the end
          </Button>
        </div>
      ) : null}
    </div>
  );
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

function timeText(at: number | null): string {
  return at === null ? '        ' : TIME.format(at);
}
