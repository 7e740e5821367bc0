// Jobs that wait here until their slot is free. Where jobs last only moments, to ask the server for each of them takes longer than the
// job; so the agent asks for the next few while the slots are still busy. What waits too long is given back and was never begun.
import type { Attempt } from './attempt-life.ts';

export interface Ahead {
  /** A job ran for so long: what follows is expected to be like it. */
  noteDuration(ms: number): void;
  /** How many jobs may wait at one slot now. */
  depth(): number;
  /** Whether one more may wait at this slot. */
  hasRoom(slot: number): boolean;
  add(attempt: Attempt): void;
  /** The one that waits longest at this slot, which then waits no more. */
  next(slot: number): Attempt | null;
  /** It does not wait any more, for whatever reason. */
  remove(attempt: Attempt): void;
  /** All that wait. */
  waiting(): readonly Attempt[];
  /** Slots of these at which more may wait, once for each job, those first that have the fewest. */
  offers(slots: readonly number[]): number[];
}

/** So much work may wait at a slot, as far as one can tell: an idle machine elsewhere would have to wait so long for its share. */
const AHEAD_MS = 200;
const MOST_AT_A_SLOT = 16;
/** A job that runs longer than this is not one of those that last only moments. */
const SHORT_MS = 100;
/** So many short jobs in a row make it likely that the next one is short too. */
const STREAK = 8;

export function createAhead(): Ahead {
  const queues = new Map<number, Attempt[]>();
  let durations: number[] = [];

  const waitingAt = (slot: number): readonly Attempt[] => queues.get(slot) ?? [];
  const depth = (): number => {
    if (durations.length < STREAK) return 0;
    const mean = durations.reduce((sum, ms) => sum + ms, 0) / durations.length;
    return Math.min(MOST_AT_A_SLOT, Math.floor(AHEAD_MS / Math.max(1, mean)));
  };

  return {
    noteDuration(ms) {
      durations = ms > SHORT_MS ? [] : [...durations, ms].slice(-STREAK);
    },
    depth,
    hasRoom: (slot) => waitingAt(slot).length < depth(),
    add(attempt) {
      queues.set(attempt.slot, [...waitingAt(attempt.slot), attempt]);
    },
    next: (slot) => queues.get(slot)?.shift() ?? null,
    remove(attempt) {
      const rest = waitingAt(attempt.slot).filter((one) => one !== attempt);
      if (rest.length === 0) queues.delete(attempt.slot);
      else queues.set(attempt.slot, rest);
    },
    waiting: () => [...queues.values()].flat(),
    offers(slots) {
      const most = depth();
      const places = slots.flatMap((slot) =>
        Array.from({ length: Math.max(0, most - waitingAt(slot).length) }, (_, more) => ({ slot, rank: waitingAt(slot).length + more })),
      );
      return places.sort((a, b) => a.rank - b.rank || a.slot - b.slot).map(({ slot }) => slot);
    },
  };
}

/** Nothing is to wait behind it any more. Moments in milliseconds since 1970. */
export function isSlow(attempt: Pick<Attempt, 'started_at'>, now: number): boolean {
  return attempt.started_at !== null && now - attempt.started_at > SHORT_MS;
}
