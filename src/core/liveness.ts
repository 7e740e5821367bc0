// When an agent counts as suspect or lost. Silence is not death: time in which the server itself was away never counts,
// and only `lost` gives a job back. All moments and durations are milliseconds.

export const LIVENESS = ['alive', 'suspect', 'lost'] as const;
export type Liveness = (typeof LIVENESS)[number];

/** The sweeper's period; a gap of more than three of them is the server's own absence. */
export const SWEEP_PERIOD_MS = 5_000;
const ABSENT_PERIODS = 3;

export interface AgentTerm {
  /** When the running term began: the last sync, or the end of the server's own absence if that was later. */
  readonly term_started_at: number;
  readonly next_sync_within_ms: number;
  readonly lost_after_ms: number;
}

export function liveness(term: AgentTerm, now: number): Liveness {
  const silent = now - term.term_started_at;
  if (silent >= Math.max(term.lost_after_ms, term.next_sync_within_ms)) return 'lost';
  return silent >= 2 * term.next_sync_within_ms ? 'suspect' : 'alive';
}

export interface SweepClocks {
  /** Wall clock of the previous sweep, or null if there was none. */
  readonly swept_at: number | null;
  readonly now: number;
  /** Milliseconds by the monotonic clock since this process's previous sweep, or null for the first one. */
  readonly monotonic_elapsed: number | null;
}

/** `restart`: every live agent gets a full term from now. */
export type TermChange = 'keep' | 'restart';

const CLOCK_TOLERANCE_MS = 1_000;

/**
 * What a sweep does to all terms before it judges anyone. When the server was down, asleep or stalled, or the wall clock jumped against
 * the monotonic one, they begin anew. To move them by the jump instead would be wrong for every agent that was heard of since it.
 */
export function termChange(clocks: SweepClocks): TermChange {
  if (clocks.swept_at === null || clocks.monotonic_elapsed === null) return 'restart';
  if (clocks.monotonic_elapsed > ABSENT_PERIODS * SWEEP_PERIOD_MS) return 'restart';
  const jump = clocks.now - clocks.swept_at - clocks.monotonic_elapsed;
  return Math.abs(jump) > CLOCK_TOLERANCE_MS ? 'restart' : 'keep';
}
