// The hold of a whole queue: nothing of the experiment is handed out while it lasts.

export interface QueueHold {
  /** Since when; null: it is not held. */
  readonly held_at: number | null;
  /** What is told of it; null: nothing changed. The end tells the beginning too, so that whoever reads it needs no older event. */
  readonly event: { readonly kind: 'queue_held' | 'queue_unheld'; readonly data: { readonly held_since?: string } } | null;
}

/** What becomes of the hold when somebody asks for `held`; undefined: nobody asks. */
export function queueHold(before: number | null, held: boolean | undefined, now: number): QueueHold {
  if (held === undefined || held === (before !== null)) return { held_at: before, event: null };
  if (before === null) return { held_at: now, event: { kind: 'queue_held', data: {} } };
  return { held_at: null, event: { kind: 'queue_unheld', data: { held_since: new Date(before).toISOString() } } };
}
