// When a job was on hold, itself or with its whole queue, out of its history: an attempt knows when it was claimed, not why that took so long.
import type { EventShape, JobShape } from '../../contract/index.ts';
import type { EventKind } from '../../core/event.ts';

export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** `created_held`: from its creation on; `hold`: somebody held it later; `queue_hold`: nothing of its queue was handed out. */
export type HoldKind = 'created_held' | 'hold' | 'queue_hold';

export interface Hold extends Interval {
  readonly kind: HoldKind;
}

type Told = Pick<EventShape, 'kind' | 'at' | 'data'>;

/** None of these can happen to a job and leave it held. */
const ENDS: ReadonlySet<EventKind> = new Set(['jobs_unheld', 'jobs_requeued', 'jobs_cancelled', 'jobs_taken_back', 'jobs_claimed', 'jobs_finished']);

type HeldJob = Pick<JobShape, 'held_at' | 'created_at'>;

/** Both are made in one moment. */
export function isHeldSinceCreation({ held_at, created_at }: HeldJob): boolean {
  return held_at === created_at;
}

/**
 * In order and apart from one another: where the job and its queue were held at once, the job's own hold counts. `events` are newest first; a hold
 * of the job whose beginning is not among them is known only while it lasts. `queue`: since when its queue is held now.
 */
export function holdsOf(job: HeldJob, events: readonly Told[], queue: string | null): Hold[] {
  const own = ownHolds(job, events);
  const ofQueue = queueHolds(events, queue).flatMap((hold) => without(hold, own));
  return [...own, ...ofQueue].sort((a, b) => a.from - b.from);
}

function ownHolds(job: HeldJob, events: readonly Told[]): Hold[] {
  const holds: Hold[] = [];
  let open: Omit<Hold, 'to'> | null = null;
  for (const { kind, at, data } of events.toReversed()) {
    const from = Date.parse(at);
    // To hold what is held already changes nothing.
    if (kind === 'jobs_held') open ??= { kind: 'hold', from };
    else if (kind === 'jobs_created' && data['held'] === true) open = { kind: 'created_held', from };
    else if (open !== null && ENDS.has(kind)) {
      holds.push({ ...open, to: from });
      open = null;
    }
  }
  if (job.held_at !== null) holds.push({ kind: isHeldSinceCreation(job) ? 'created_held' : 'hold', from: Date.parse(job.held_at), to: Infinity });
  return holds;
}

/** The end of a hold tells its beginning, which may have been before the job was there. */
function queueHolds(events: readonly Told[], queue: string | null): Hold[] {
  const ended = events.toReversed().flatMap(({ kind, at, data }): Hold[] => {
    const since = kind === 'queue_unheld' ? data['held_since'] : undefined;
    return typeof since === 'string' ? [{ kind: 'queue_hold', from: Date.parse(since), to: Date.parse(at) }] : [];
  });
  return queue === null ? ended : [...ended, { kind: 'queue_hold', from: Date.parse(queue), to: Infinity }];
}

/** What is left of it between these, which are in order. */
function without(hold: Hold, others: readonly Interval[]): Hold[] {
  const parts: Hold[] = [];
  let { from } = hold;
  for (const other of others) {
    if (other.from > from) parts.push({ ...hold, from, to: Math.min(hold.to, other.from) });
    from = Math.max(from, other.to);
  }
  return [...parts, { ...hold, from }].filter((part) => part.to > part.from);
}
