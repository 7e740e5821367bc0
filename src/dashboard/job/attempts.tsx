// The tries of a job as bars on one axis of time, newest first. The chosen one is told in full below, and its output is the one shown.
import { Text, VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, type CSSProperties } from 'react';

import type { AttemptShape, JobShape } from '../../contract/index.ts';
import { OutcomeBadge } from '../components/status.tsx';
import { durationText, Elapsed, passedText } from '../components/time.tsx';
import { useNow } from '../live/use-now.ts';
import { queries } from '../queries.ts';
import { AttemptDetails } from './attempt-details.tsx';
import { timelineOf, type Span, type Timeline, type TimelineRow, type WaitKind } from './attempt-timeline.ts';
import { holdsOf, isHeldSinceCreation } from './holds.ts';

interface Props {
  readonly job: JobShape;
  readonly attempts: readonly AttemptShape[];
  readonly shown: number;
  readonly show: (attempt: number) => void;
}

const TICK_MS = 1_000;
/** Left above the chosen one, so that one sees that there are more. */
const ROW_MARGIN = 48;
/** Nothing moves any more. */
const STILL_MS = 3_600_000;
/** Nobody asks why a job waited no longer than this. */
const LONG_WAIT_MS = 2_000;
/** As much of the history of a job as one reply holds. */
const HISTORY = 1_000;

export function Attempts({ job, attempts, shown, show }: Props) {
  const moves = job.status === 'pending' || attempts.some((each) => each.outcome === null);
  const now = useNow(moves ? TICK_MS : STILL_MS);
  const queueHeld = useQueueHeld(job);
  const timeline = useTimeline({ job, attempts, queueHeld, now });
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const row = box.current?.querySelector<HTMLElement>('[data-chosen]');
    // Only the box scrolls, not the page.
    if (row && box.current !== null) box.current.scrollTop += row.getBoundingClientRect().top - box.current.getBoundingClientRect().top - ROW_MARGIN;
  }, []);
  if (attempts.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {job.status === 'pending' ? `Not tried yet: ${untriedText(job, queueHeld)}.` : 'It ended without having been tried.'}
      </Text>
    );
  }
  const chosen = timeline.rows.find((row) => row.attempt?.attempt === shown);
  const told = chosen?.attempt ?? null;
  return (
    <>
      <div ref={box} className="dr-attempts" data-many={attempts.length > 8 ? true : undefined}>
        <ol>
          {timeline.rows.map((row) => (
            <li key={row.attempt === null ? 'next' : `${row.attempt.attempt} ${row.attempt.rank}`}>
              {row.attempt === null ? <NextTry job={job} queueHeld={queueHeld} row={row} /> : <Row attempt={row.attempt} row={row} shown={shown} show={show} />}
            </li>
          ))}
        </ol>
      </div>
      <TimeAxis timeline={timeline} />
      {told === null ? null : <AttemptDetails key={shown} job={job} attempt={told} waits={chosen!.waits} />}
    </>
  );
}

function untriedText(job: JobShape, queueHeld: string | null): string {
  if (job.held_at !== null) return isHeldSinceCreation(job) ? 'it is on hold since its creation' : 'it is on hold';
  return queueHeld === null ? 'it waits for a worker' : 'the whole queue is on hold';
}

/** Since when nothing of its queue is handed out; of no matter to a job that does not wait. */
function useQueueHeld(job: JobShape): string | null {
  const waits = job.status === 'pending';
  const { data } = useQuery({ ...queries.experiment(job.experiment), enabled: waits });
  return waits ? (data?.held_at ?? null) : null;
}

interface Told {
  readonly job: JobShape;
  readonly attempts: readonly AttemptShape[];
  readonly queueHeld: string | null;
  readonly now: number;
}

/** Whether a wait was a hold stands in the history, which is read only where something waited long enough to ask. */
function useTimeline({ job, attempts, queueHeld, now }: Told): Timeline {
  const plain = useMemo(() => timelineOf(job, attempts, { now }), [job, attempts, now]);
  const waited = plain.rows.some(({ waits }) => waits.some(({ kind, ms }) => kind !== 'ended' && ms > LONG_WAIT_MS));
  const { data } = useQuery({ ...queries.history({ experiment: job.experiment, number: job.number }, HISTORY), enabled: attempts.length > 0 && waited });
  const holds = useMemo(() => holdsOf(job, data?.events ?? [], queueHeld), [job, data, queueHeld]);
  return useMemo(() => (holds.length === 0 ? plain : timelineOf(job, attempts, { now, holds })), [plain, holds, job, attempts, now]);
}

interface RowProps {
  readonly attempt: AttemptShape;
  readonly row: TimelineRow;
  readonly shown: number;
  readonly show: (attempt: number) => void;
}

function Row({ attempt, row, shown, show }: RowProps) {
  const { attempt: number, rank, outcome, worker_id } = attempt;
  return (
    <label className="dr-attempt" data-chosen={number === shown ? true : undefined} title={number === shown ? undefined : 'Show its output'}>
      <input type="radio" name="attempt" value={`${number} ${rank}`} checked={number === shown} onChange={() => show(number)} />
      <b className="dr-num">
        #{number}
        {rank === 0 ? '' : `.${rank}`}
      </b>
      <OutcomeBadge outcome={outcome} />
      <Track spans={row.spans} outcome={outcome} />
      <span className="dr-attempt-time dr-num">
        <RunTime attempt={attempt} />
      </span>
      <span className="dr-attempt-worker dr-mono dr-truncate">{worker_id}</span>
    </label>
  );
}

interface NextTryProps {
  readonly job: JobShape;
  readonly queueHeld: string | null;
  readonly row: TimelineRow;
}

function NextTry({ job, queueHeld, row }: NextTryProps) {
  const word = nextTryWord(job, queueHeld);
  return (
    <div className="dr-attempt" data-next>
      <b className="dr-num">–</b>
      <span className="dr-status" data-status={word === 'Held' || word === 'Queue held' ? 'held' : 'pending'}>
        {word}
      </span>
      <Track spans={row.spans} outcome={null} />
      <span className="dr-attempt-time dr-num">{passedText(row.waited_ms)}</span>
      <span className="dr-attempt-worker">next try</span>
    </div>
  );
}

function nextTryWord({ held_at, not_before }: JobShape, queueHeld: string | null): string {
  if (held_at !== null) return 'Held';
  if (queueHeld !== null) return 'Queue held';
  return not_before === null ? 'In the queue' : 'Back-off';
}

const SPAN_WORD: Record<Span['kind'], string> = {
  wait: 'in the queue',
  created_held: 'on hold since its creation',
  hold: 'on hold',
  queue_hold: 'the queue was on hold',
  back_off: 'back-off',
  ended: 'had ended',
  start: 'prepared',
  run: 'ran',
};

function Track({ spans, outcome }: { readonly spans: readonly Span[]; readonly outcome: AttemptShape['outcome'] }) {
  return (
    <span className="dr-track" aria-hidden>
      {spans.map(({ kind, from, to, ms }, index) => (
        <i
          key={index}
          data-kind={kind}
          data-outcome={kind === 'run' ? (outcome ?? 'running') : undefined}
          title={`${SPAN_WORD[kind]} ${durationText(ms)}`}
          style={{ '--from': from, '--to': to } as CSSProperties}
        />
      ))}
    </span>
  );
}

function RunTime({ attempt: { duration_ms, started_at, finished_at, outcome } }: { readonly attempt: AttemptShape }) {
  if (duration_ms !== null) return durationText(duration_ms);
  if (started_at === null) return null;
  // By the same clock as the head of the page.
  if (outcome === null) return <Elapsed since={started_at} />;
  return finished_at === null ? null : durationText(Math.max(0, Date.parse(finished_at) - Date.parse(started_at)));
}

const DAY = new Intl.DateTimeFormat(undefined, { day: '2-digit', month: 'short' });
const HOURS_TO_SECONDS = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
const CLOCK = new Intl.DateTimeFormat(undefined, HOURS_TO_SECONDS);
/** For jobs that last only moments: every mark of the axis would say the same. */
const FINE_CLOCK = new Intl.DateTimeFormat(undefined, { ...HOURS_TO_SECONDS, fractionalSecondDigits: 3 });
const FINE_SPAN_MS = 8_000;

const KEYS: readonly (readonly [WaitKind, string])[] = [
  ['wait', 'in the queue'],
  ['created_held', 'on hold since its creation'],
  ['hold', 'on hold'],
  ['queue_hold', 'the queue was on hold'],
  ['back_off', 'back-off'],
  ['ended', 'ended, until it was requeued'],
];

function TimeAxis({ timeline: { rows, ticks, shortened } }: { readonly timeline: Timeline }) {
  const has = (kind: WaitKind): boolean => rows.some(({ waits }) => waits.some((wait) => wait.kind === kind));
  const span = ticks.at(-1)! - ticks[0]!;
  const days = ticks.map((tick) => DAY.format(tick));
  const manyDays = new Set(days).size > 1;
  return (
    <div className="dr-attempt-axis">
      <div className="dr-attempt-ticks" data-long={span < FINE_SPAN_MS || manyDays ? true : undefined} aria-hidden>
        {ticks.map((tick, index) => (
          <time key={index} dateTime={new Date(tick).toISOString()}>
            {manyDays && days[index] !== days[index - 1] ? `${days[index]} ` : ''}
            {(span < FINE_SPAN_MS ? FINE_CLOCK : CLOCK).format(tick)}
          </time>
        ))}
      </div>
      <p className="dr-attempt-key">
        <VisuallyHidden>{`The axis spans ${durationText(span)}. `}</VisuallyHidden>
        {KEYS.filter(([kind]) => has(kind)).map(([kind, word]) => (
          <span key={kind}>
            <i data-kind={kind} aria-hidden /> {word}
          </span>
        ))}
        {shortened ? <span>Waits are drawn shorter than they were.</span> : null}
      </p>
    </div>
  );
}
