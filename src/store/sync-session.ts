// What a sync says, what it is answered, and what its parts hand on to one another.
import type { FrozenVariables } from '../core/variables.ts';
import type { WorkerReport } from '../core/worker.ts';
import { fromIso } from '../runtime/clock.ts';

import type { DrivenMachine } from './driven-machines.ts';
import type { ToldExecutions } from './executions.ts';
import type { AgentTable } from './schema.ts';
import type { ServerKey } from './server-key.ts';

export interface AttemptReference {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
  readonly token: string;
}

export interface FinishedReport extends AttemptReference {
  readonly outcome: 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'lost' | 'released';
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly message: string | null;
  readonly started_at: string | null;
  readonly finished_at: string;
  readonly duration_ms: number | null;
}

export interface RunningReport extends AttemptReference {
  readonly slot: number;
  readonly started_at: string | null;
}

/** A sync as it arrived. Moments are ISO texts by the agent's clock. */
export interface SyncMessage {
  readonly agent_id: number;
  readonly incarnation: string;
  readonly sync_seq: number;
  readonly sent_at: string;
  readonly store_id: string | null;
  readonly store_position: number | null;
  readonly free_slots: readonly number[];
  /** Busy slots, once for each job that may wait there for its turn. */
  readonly ahead_slots: readonly number[];
  /** Of an agent that drives: slots that it knows as machines. */
  readonly driven_slots?: readonly number[] | undefined;
  readonly free: { readonly cpus: number; readonly memory_bytes: number; readonly gpus: number };
  readonly has_script: boolean;
  /** It takes no jobs that bring a command. */
  readonly script_only?: boolean | undefined;
  /** Jobs that it must not be given now. */
  readonly barred?: ReadonlySet<number> | undefined;
  readonly workers: readonly ({ readonly slot: number } & WorkerReport)[];
  /** Slots that have left by a command of their own machine; absent: nothing has changed. */
  readonly left_slots?: readonly number[] | undefined;
  readonly running: readonly RunningReport[];
  readonly finished: readonly FinishedReport[];
  readonly executions?: readonly ToldExecutions[] | undefined;
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

export interface GrantedLease {
  readonly job_id: number;
  readonly experiment_id: number;
  readonly number: number;
  readonly attempt: number;
  readonly rank: number;
  readonly token: string;
  readonly slot: number;
  readonly params_json: string;
  readonly command_id: number | null;
  /** The machine on which the job acts, by driven-machines.ts; empty: where it runs. */
  machine: string;
  /** The job's own, then, by completeLeases, the experiment's where the job has none. */
  timeout_seconds: number | null;
  grace_seconds: number | null;
  /** By completeLeases: the experiment's name, the command's template and variables, and the secrets among them: null where one was removed. */
  experiment: string;
  template: string | null;
  variables: FrozenVariables;
  secrets: Readonly<Record<string, string | null>>;
}

export interface AttemptName {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
}

export interface SyncAnswer {
  readonly superseded: boolean;
  /** The newest event before this transaction: a server that is behind it later was restored from a backup. */
  position: number;
  readonly leases: GrantedLease[];
  readonly settled: (AttemptName & { readonly result: 'recorded' | 'repeated' | 'evidence' })[];
  readonly revoked: (AttemptName & { readonly reason: 'cancelled' | 'superseded' | 'deleted' })[];
  readonly unknown: AttemptName[];
  readonly workers: {
    readonly slot: number;
    readonly worker_id: string;
    readonly desired_state: 'run' | 'pause' | 'drain' | 'stop';
    readonly desired_version: number;
  }[];
  /** The machines that the agent drives, when it knows others. */
  driven: readonly DrivenSlot[] | null;
}

/** A machine elsewhere that is a slot of an agent here. */
export interface DrivenSlot {
  readonly slot: number;
  readonly machine: string;
  readonly machine_class: string;
}

/** `stale` refuses: a newer sync of this agent was seen. `gone`: there is no such agent; `revoked`: its secret is good for nothing any more. */
export type SyncResult = SyncAnswer | 'stale' | 'gone' | 'revoked';

/** What a sync needs of its agent's row. */
export const SYNC_AGENT_COLUMNS = [
  ...(['id', 'host', 'instance', 'experiments_json', 'workers', 'machine_class', 'drives_json', 'total_cpus', 'total_memory_bytes', 'total_gpus'] as const),
  ...(['incarnation', 'old_incarnations_json', 'sync_seq', 'liveness', 'left_at', 'revoked_at', 'reserved_job_id', 'metrics_at', 'first_slot'] as const),
] as const;

export type SyncAgent = Pick<AgentTable, Exclude<(typeof SYNC_AGENT_COLUMNS)[number], 'id'>> & {
  readonly id: number;
  /** Its workers for which a command stands. */
  readonly commanded: number;
  /** The newest event; null before the first. */
  readonly position: number | null;
};

/** One agent's part of the work: what it said, what is known of it, what it will be told. */
export interface Session {
  readonly message: SyncMessage;
  readonly agent: SyncAgent;
  readonly answer: SyncAnswer;
  /** All machines that ever were its slots, as they are now; filled in by driven-machines.ts. */
  driven: readonly DrivenMachine[];
  /** Add to a moment of the agent's clock to get one of the server's. */
  readonly skew_ms: number;
  /** Whether this is a second look within a hanging sync: nothing is judged again, only new work is looked for. */
  readonly again: boolean;
}

export interface SyncTerms {
  readonly store_id: string;
  readonly key: ServerKey;
  readonly next_sync_within_ms: number;
  /** How long a lease that was not listed is offered again; left out: as agents are used to. */
  readonly offer_ms?: number;
  readonly random: () => number;
}

export interface SyncInput {
  readonly message: SyncMessage;
  readonly again: boolean;
}

/** How an agent is named in events. */
export function agentActor(session: Session): string {
  return `agent:${session.agent.host}_${session.agent.instance}`;
}

/** What the ids of the agent's workers begin with; the slot follows. */
export function workerPrefix({ agent }: Session): string {
  return `${agent.host}_${agent.instance}_`;
}

/** A moment of the agent's clock as one of the server's, never in the future. */
export function correctedMoment(session: Session, iso: string | null, now: number): number | null {
  return iso === null ? null : Math.min(now, fromIso(iso) + session.skew_ms);
}

export function referenceKey(reference: AttemptName): string {
  return `${reference.job_id}.${reference.attempt}.${reference.rank}`;
}
