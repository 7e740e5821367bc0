// When a job was held, out of its history: an attempt knows when it was claimed, not why that took so long.
import type { EventShape, JobShape } from '../../contract/index.ts';
import type { EventKind } from '../../core/event.ts';
import type { Interval } from './attempt-timeline.ts';

type Told = Pick<EventShape, 'kind' | 'at'>;

/** None of these can happen to a job and leave it held. */
const ENDS: ReadonlySet<EventKind> = new Set(['jobs_unheld', 'jobs_requeued', 'jobs_cancelled', 'jobs_taken_back', 'jobs_claimed', 'jobs_finished']);

/** `events` are newest first. A hold whose beginning is not among them is known only while it lasts. */
export function holdsOf({ held_at }: Pick<JobShape, 'held_at'>, events: readonly Told[]): Interval[] {
  const holds: Interval[] = [];
  let since: number | null = null;
  for (const { kind, at } of events.toReversed()) {
    // To hold what is held already changes nothing.
    if (kind === 'jobs_held') since ??= Date.parse(at);
    else if (since !== null && ENDS.has(kind)) {
      holds.push({ from: since, to: Date.parse(at) });
      since = null;
    }
  }
  if (held_at !== null) holds.push({ from: Date.parse(held_at), to: Infinity });
  return holds;
}
