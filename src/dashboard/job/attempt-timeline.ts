// The tries of a job on one axis of time. Where waiting was most of it, waits are drawn shorter, so that the runs can be seen.
import type { AttemptShape, JobShape } from '../../contract/index.ts';
import type { Hold, HoldKind, Interval } from './holds.ts';

/** `wait`: in the queue; `back_off`: until it might be tried again; `ended`: until somebody put it back into the queue. */
export type WaitKind = 'wait' | 'back_off' | 'ended' | HoldKind;
export type SpanKind = WaitKind | 'start' | 'run';

/** A stretch of one row; places are shares of the axis, from 0 to 1. */
export interface Span {
  readonly kind: SpanKind;
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

export interface TimelineRow {
  /** Null: the job waits for its next try. */
  readonly attempt: AttemptShape | null;
  readonly spans: readonly Span[];
  /** From the end of the try before, or from the creation of the job. */
  readonly waited_ms: number;
  /** What of that it was, each kind once; what took no time is left out. */
  readonly waits: readonly { readonly kind: WaitKind; readonly ms: number }[];
}

export interface Timeline {
  /** Newest first. */
  readonly rows: readonly TimelineRow[];
  /** Moments at even places of the axis, in milliseconds. */
  readonly ticks: readonly number[];
  /** Waits are drawn shorter than they were. */
  readonly shortened: boolean;
}

type TimedJob = Pick<JobShape, 'status' | 'created_at'>;

interface Moments {
  readonly now: number;
  readonly holds?: readonly Hold[];
}

interface Wait extends Interval {
  readonly kind: WaitKind;
}

interface Timed {
  readonly attempt: AttemptShape | null;
  readonly waited: Interval;
  readonly waits: readonly Wait[];
  readonly claimed: number;
  readonly started: number;
  readonly end: number;
}

/** The waits together take at most this part of the axis. */
const WAIT_SHARE = 0.3;
const TICKS = 5;

/** `holds`: when nobody might take the job, in order and apart from one another. */
export function timelineOf(job: TimedJob, attempts: readonly AttemptShape[], { now, holds = [] }: Moments): Timeline {
  const timed = timesOf(job, attempts, { now, holds });
  const begin = Math.min(Date.parse(job.created_at), ...timed.map((one) => one.claimed));
  const end = Math.max(begin + 1, ...timed.map((one) => one.end));
  const axis = axisOf(
    begin,
    end,
    timed.filter((one) => one.attempt !== null).map((one) => ({ from: one.claimed, to: one.end })),
  );
  const rows = timed.map(({ attempt, waited, waits, claimed, started, end: ended }): TimelineRow => {
    const span = (kind: SpanKind, from: number, to: number): Span[] => (to > from ? [{ kind, from: axis.place(from), to: axis.place(to), ms: to - from }] : []);
    const tried = attempt === null ? [] : [...span('start', claimed, started), runSpan(axis, started, ended)];
    return {
      attempt,
      spans: [...waits.flatMap(({ kind, from, to }) => span(kind, from, to)), ...tried],
      waited_ms: Math.max(0, waited.to - waited.from),
      waits: sums(waits),
    };
  });
  const ticks = Array.from({ length: TICKS }, (_, index) => axis.moment(index / (TICKS - 1)));
  return { rows: rows.toReversed(), ticks, shortened: axis.shortened };
}

function sums(waits: readonly Wait[]): TimelineRow['waits'] {
  const byKind = new Map<WaitKind, number>();
  for (const { kind, from, to } of waits) byKind.set(kind, (byKind.get(kind) ?? 0) + to - from);
  return [...byKind].map(([kind, ms]) => ({ kind, ms }));
}

/** Also a run that took no time is there to be seen. */
function runSpan(axis: Axis, from: number, to: number): Span {
  return { kind: 'run', from: axis.place(from), to: axis.place(to), ms: to - from };
}

/** In the order in which they began; clocks of machines differ a little, so an end is never before its beginning. */
function timesOf(job: TimedJob, attempts: readonly AttemptShape[], { now, holds }: Required<Moments>): Timed[] {
  const ordered = [...attempts].sort((a, b) => a.attempt - b.attempt || a.rank - b.rank);
  const created = Date.parse(job.created_at);
  const times: Timed[] = [];
  // Ranks of one attempt wait for the end of the attempt before, not for one another.
  let before = created;
  let latest = created;
  let last: AttemptShape | null = null;
  let previous: AttemptShape | null = null;
  for (const attempt of ordered) {
    if (attempt.attempt !== last?.attempt) {
      before = latest;
      previous = last;
    }
    last = attempt;
    const claimed = Math.max(created, Date.parse(attempt.claimed_at));
    const begun = attempt.started_at === null ? null : Math.max(claimed, Date.parse(attempt.started_at));
    const ended = attempt.finished_at === null ? (attempt.outcome === null ? now : claimed) : Date.parse(attempt.finished_at);
    const end = Math.max(ended, begun ?? claimed);
    times.push({
      attempt,
      waited: { from: before, to: Math.max(before, claimed) },
      waits: waitsAfter(previous, { from: before, to: Math.max(before, claimed) }, holds),
      claimed,
      started: begun ?? (attempt.outcome === null ? end : claimed),
      end,
    });
    latest = Math.max(latest, end);
  }
  if (job.status === 'pending') {
    const until = Math.max(latest, now);
    const waited = { from: latest, to: until };
    times.push({ attempt: null, waited, waits: waitsAfter(last, waited, holds), claimed: latest, started: latest, end: until });
  }
  return times;
}

/** What the time between an attempt and the next was: the end of the first part of it is known, the rest was spent in the queue, or on hold. */
function waitsAfter(previous: AttemptShape | null, { from, to }: Interval, holds: readonly Hold[]): Wait[] {
  const known = previous?.requeued_at ?? previous?.retry_at ?? null;
  const turn = known === null ? from : Math.min(to, Math.max(from, Date.parse(known)));
  const second = split({ kind: 'wait', from: turn, to }, holds);
  const first: Wait[] = previous?.requeued_at === null ? split({ kind: 'back_off', from, to: turn }, holds) : [{ kind: 'ended', from, to: turn }];
  return [...first, ...second].filter((one) => one.to > one.from);
}

/** The parts of a wait in which the job was held are told as that, whatever else it waited for. */
function split(wait: Wait, holds: readonly Hold[]): Wait[] {
  const parts: Wait[] = [];
  let at = wait.from;
  for (const hold of holds) {
    const [from, to] = [Math.max(at, hold.from), Math.min(wait.to, hold.to)];
    if (to <= from) continue;
    parts.push({ ...wait, from: at, to: from }, { kind: hold.kind, from, to });
    at = to;
  }
  return [...parts, { ...wait, from: at }];
}

interface Axis {
  place(moment: number): number;
  moment(place: number): number;
  readonly shortened: boolean;
}

interface Stretch extends Interval {
  readonly weight: number;
  readonly start: number;
}

function axisOf(begin: number, end: number, busy: readonly Interval[]): Axis {
  const parts = alternate(begin, end, busy);
  const lengthOf = (kind: boolean): number => parts.reduce((sum, part) => sum + (part.busy === kind ? part.to - part.from : 0), 0);
  const [ran, waited] = [lengthOf(true), lengthOf(false)];
  const shortened = ran > 0 && waited > WAIT_SHARE * (ran + waited);
  // A longer wait stays the longer one, but a wait of days does not hide those of seconds.
  const roots = parts.reduce((sum, part) => sum + (part.busy ? 0 : Math.sqrt(part.to - part.from)), 0);
  const unit = shortened ? (ran * WAIT_SHARE) / (1 - WAIT_SHARE) / roots : 0;
  const stretches: Stretch[] = [];
  let total = 0;
  for (const part of parts) {
    const length = part.to - part.from;
    const weight = shortened && !part.busy ? Math.sqrt(length) * unit : length;
    stretches.push({ from: part.from, to: part.to, weight, start: total });
    total += weight;
  }
  return {
    shortened,
    place(moment) {
      const at = stretches.findLast((one) => one.from <= moment) ?? stretches[0]!;
      const share = Math.min(1, Math.max(0, (moment - at.from) / Math.max(1, at.to - at.from)));
      return (at.start + share * at.weight) / total;
    },
    moment(place) {
      const wanted = place * total;
      const at = stretches.findLast((one) => one.start <= wanted) ?? stretches[0]!;
      return at.from + Math.min(1, (wanted - at.start) / Math.max(at.weight, Number.MIN_VALUE)) * (at.to - at.from);
    },
  };
}

/** The whole axis as stretches in which something ran and stretches in which nothing did. */
function alternate(begin: number, end: number, busy: readonly Interval[]): (Interval & { readonly busy: boolean })[] {
  const parts: (Interval & { readonly busy: boolean })[] = [];
  let at = begin;
  for (const { from, to } of [...busy].sort((a, b) => a.from - b.from)) {
    if (from > at) parts.push({ from: at, to: from, busy: false });
    if (to > Math.max(at, from)) parts.push({ from: Math.max(at, from), to, busy: true });
    at = Math.max(at, to);
  }
  if (end > at) parts.push({ from: at, to: end, busy: false });
  return parts;
}
