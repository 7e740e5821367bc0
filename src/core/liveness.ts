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

/**
 * How long an agent may be silent before it is lost itself. Each experiment decides for its own jobs: they are queued again when its own
 * term is over, however patient the others are that the agent serves. The agent is lost when the longest of these terms is over, because
 * that ends everything it holds. One that serves all experiments is judged by those whose jobs it holds: otherwise one patient experiment
 * would hide for days that a machine is gone which never had a job of it.
 */
export function agentLostAfter(agent: { readonly serves: readonly number[] | null; readonly holds: readonly number[] }, terms: LostTerms): number {
  const existing = [...new Set([...(agent.serves ?? []), ...agent.holds])].filter((experiment) => terms.of_experiment.has(experiment));
  const own = existing.map((experiment) => terms.of_experiment.get(experiment)!);
  return Math.max(...own, ...(agent.serves === null || own.length === 0 ? [terms.otherwise] : []));
}

export interface LostTerms {
  /** `lost_after` of each experiment as it is set now, milliseconds. */
  readonly of_experiment: ReadonlyMap<number, number>;
  readonly otherwise: number;
}

export interface SweepClocks {
  /** Wall clock of the previous sweep of any server, or null if there was none. */
  readonly swept_at: number | null;
  readonly now: number;
  /** Of this process, or null before its first sweep. */
  readonly own: OwnClocks | null;
}

/** What the judging process knows of itself: another server's clock cannot be compared with its own. */
export interface OwnClocks {
  /** Wall clock of its own last sweep, and how long that is ago by its monotonic clock. */
  readonly swept_at: number;
  readonly monotonic_elapsed: number;
  /** How long ago it last tried to sweep, whether or not another server did it just then; monotonic. */
  readonly idle: number;
}

/** `restart`: every live agent gets a full term from now. */
export type TermChange = 'keep' | 'restart';

const CLOCK_TOLERANCE_MS = 1_000;

/**
 * What a sweep does to all terms before it judges anyone. When the server was down, asleep or stalled, or the wall clock jumped against
 * the monotonic one, they begin anew. To move them by the jump instead would be wrong for every agent that was heard of since it.
 */
export function termChange(clocks: SweepClocks): TermChange {
  const { swept_at, now, own } = clocks;
  if (swept_at === null || own === null) return 'restart';
  if (Math.max(own.idle, now - swept_at) > ABSENT_PERIODS * SWEEP_PERIOD_MS) return 'restart';
  const jump = now - own.swept_at - own.monotonic_elapsed;
  return Math.abs(jump) > CLOCK_TOLERANCE_MS ? 'restart' : 'keep';
}
