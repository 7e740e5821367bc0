// What a sync asks before anything is decided. All of it goes out together: on PostgreSQL to wait for an answer takes longer than to find it.
import { type Facts, loadFacts } from './attempt-facts.ts';
import type { EndedAttempt } from './record.ts';
import { hotStatements, type LeaseRow, selectRows } from './hot.ts';
import type { SyncAgent, SyncInput } from './sync-session.ts';
import type { Transaction } from './writer.ts';

export interface CancelledLease {
  readonly agent_id: number;
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
}

/** A kind of jobs that wait, with its experiment. */
export interface DemandRow {
  readonly id: number;
  readonly experiment_id: number;
  readonly machine_class: string | null;
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
  readonly needs_script: number;
  readonly name: string;
  readonly settings_json: string;
}

/** What the agents of some messages hold by the record. */
export interface HeldLeases {
  readonly leases: readonly LeaseRow[];
  readonly cancelled: readonly CancelledLease[];
}

export interface FirstReads extends HeldLeases {
  readonly agents: Map<number, SyncAgent>;
  /** The newest event. */
  readonly position: number;
  /** Of the attempts whose end is told. */
  readonly facts: Map<string, Facts>;
  /** Of experiments that are not held, if any of these agents asks for jobs. */
  readonly demands: readonly DemandRow[];
}

const DEMANDS = `select demand.id, demand.experiment_id, demand.machine_class, demand.cpus, demand.memory_bytes, demand.gpus, demand.needs_script,
    experiment.name, experiment.settings_json
  from counter join demand on demand.experiment_id = counter.experiment_id join experiment on experiment.id = counter.experiment_id
  where counter.name = 'pending' and counter.value > 0 and experiment.held_at is null`;

export async function readFirst(tx: Transaction, inputs: ReadonlySet<SyncInput>): Promise<FirstReads> {
  const messages = [...inputs].map(({ message }) => message);
  const ids = messages.map((message) => message.agent_id);
  const ends = [...inputs].flatMap(({ message, again }) => (again ? [] : message.finished));
  const hot = hotStatements(tx.sql.dialect);
  const asks = messages.some(({ free_slots, ahead_slots }) => free_slots.length + ahead_slots.length > 0);
  // Whoever writes agents and jobs takes the agents first: as the facts of jobs are taken here, so are the agents.
  const [agents, facts, { leases, cancelled }, demands] = await Promise.all([
    selectRows<SyncAgent>(tx.sql, ends.length > 0 ? hot.agentsToWrite : hot.agents, [JSON.stringify(ids)]),
    loadFacts(tx, ends),
    readHeld(
      tx,
      ids,
      messages.some(({ running }) => running.length > 0),
    ),
    asks ? tx.sql.all<DemandRow>(DEMANDS) : [],
  ]);
  return {
    agents: new Map(agents.map((row) => [Number(row.id), row])),
    position: Number((agents[0] ?? (await readPosition(tx))).position ?? 0),
    ...{ facts, leases, cancelled, demands },
  };
}

/** For messages of agents that the record does not have. */
async function readPosition(tx: Transaction): Promise<Pick<SyncAgent, 'position'>> {
  const [row] = await tx.sql.all<{ position: number | null }>(`select max(value) as position from counter where experiment_id = 0 and name = 'event_id'`);
  return row!;
}

/** Who lists nothing that runs cannot be told that it is cancelled. */
async function readHeld(tx: Transaction, agentIds: readonly number[], anyRuns: boolean): Promise<HeldLeases> {
  const { leasesOfAgents, cancelledLeases } = hotStatements(tx.sql.dialect);
  const ids = JSON.stringify(agentIds);
  const [leases, cancelled] = await Promise.all([
    selectRows<LeaseRow>(tx.sql, leasesOfAgents, [ids]),
    anyRuns ? tx.sql.all<CancelledLease>(cancelledLeases, [ids]) : [],
  ]);
  return { leases, cancelled };
}

/** What recordFinished changed of what was read. */
export interface Ended {
  readonly ends: readonly EndedAttempt[];
  /** Whether attempts were taken into the record. */
  readonly adopted: boolean;
}

/** The leases as they are after the ends that were recorded since they were read. */
export async function afterEnds(tx: Transaction, first: FirstReads, { ends, adopted }: Ended): Promise<HeldLeases> {
  if (adopted) return readHeld(tx, [...first.agents.keys()], true);
  if (ends.length === 0) return first;
  const gone = new Set(ends.map(({ job_id, rank }) => `${job_id}.${rank}`));
  const stands = ({ job_id, rank }: { job_id: number; rank: number }): boolean => !gone.has(`${job_id}.${rank}`);
  return { leases: first.leases.filter(stands), cancelled: first.cancelled.filter(stands) };
}
