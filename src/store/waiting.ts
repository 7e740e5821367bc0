// What is known of a pending job and of the agents that serve its experiment, for core/waiting.
import { LIMITS } from '../core/limits.ts';
import type { Liveness } from '../core/liveness.ts';
import { explainWait, type Wait, type WaitingJob, type WaitingPlace } from '../core/waiting.ts';
import { type DesiredState, mayTakeJobs } from '../core/worker.ts';

import { barredTokens } from './door-assignments.ts';
import type { Reader } from './store.ts';

interface PendingRow {
  readonly id: number;
  readonly status: string;
  readonly priority: number;
  readonly demand_id: number;
  readonly held_at: number | null;
  readonly created_at: number;
  readonly not_before: number | null;
  readonly queue_held_at: number | null;
  readonly experiment: string;
  readonly machine_class: string | null;
  readonly needs_script: number;
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
}

/** Null when there is no such job or it does not wait. */
export async function readWait(reader: Reader, { experiment_id, number, now }: { experiment_id: number; number: number; now: number }): Promise<Wait | null> {
  const [row] = await reader.sql.all<PendingRow>(
    `select job.id, job.status, job.priority, job.demand_id, job.held_at, job.created_at, job.not_before, experiment.held_at as queue_held_at, experiment.name as experiment,
       demand.machine_class, demand.needs_script, demand.cpus, demand.memory_bytes, demand.gpus
     from job join experiment on experiment.id = job.experiment_id join demand on demand.id = job.demand_id
     where job.experiment_id = ? and job.number = ?`,
    [experiment_id, number],
  );
  if (row === undefined || row.status !== 'pending') return null;
  const [places, before] = await Promise.all([readPlaces(reader, { experimentId: experiment_id, jobId: row.id, now }), countBefore(reader, row)]);
  const { machine_class, cpus, memory_bytes, gpus, demand_id } = row;
  const job: WaitingJob = {
    ...{
      id: Number(row.id),
      experiment: row.experiment,
      held: row.held_at !== null,
      held_since_creation: row.held_at === row.created_at,
      queue_held: row.queue_held_at !== null,
      before,
    },
    retry_in_ms: row.not_before === null ? null : Math.max(0, row.not_before - now),
    demand: { demand_id, experiment_id, machine_class, cpus, memory_bytes, gpus, needs_script: row.needs_script === 1 },
  };
  return explainWait(job, places);
}

/** Jobs of the same demand that stand before it; two ranges of the index that hands jobs out. */
async function countBefore(reader: Reader, { demand_id, priority, id }: PendingRow): Promise<WaitingJob['before']> {
  const most = LIMITS.waiting_counted.value;
  const pending = `from job where demand_id = ? and status = 'pending' and held_at is null and not_before is null`;
  const [row] = await reader.sql.all<{ count: number }>(
    `select (select count(*) from (select 1 ${pending} and priority > ? limit ${most + 1}) as a)
       + (select count(*) from (select 1 ${pending} and priority = ? and id < ? limit ${most + 1}) as b) as count`,
    [demand_id, priority, demand_id, priority, id],
  );
  const count = Number(row!.count);
  return { count: Math.min(count, most), exact: count <= most };
}

interface PlaceRow {
  readonly id: number;
  readonly host: string;
  readonly experiments_json: string | null;
  readonly machine_class: string | null;
  readonly has_script: number;
  readonly total_cpus: number;
  readonly total_memory_bytes: number;
  readonly total_gpus: number;
  readonly liveness: Liveness;
  readonly reserved_job_id: number | null;
  /** Null: no worker of a door. */
  readonly token_id: string | null;
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
}

interface SlotRow {
  readonly agent_id: number;
  readonly desired_state: DesiredState;
  readonly desired_version: number;
  readonly applied_version: number;
  readonly previous_state: DesiredState;
  readonly busy: number;
}

async function readPlaces(reader: Reader, { experimentId, jobId, now }: { experimentId: number; jobId: number; now: number }): Promise<WaitingPlace[]> {
  const present = `agent.left_at is null and agent.revoked_at is null and agent.liveness <> 'lost'`;
  const [barred, agents, slots] = await Promise.all([
    barredTokens(reader, jobId, now),
    reader.sql.all<PlaceRow>(
      `select agent.id, agent.host, agent.experiments_json, agent.machine_class, agent.has_script, agent.liveness, agent.reserved_job_id,
         (select token_id from door_worker where door_worker.agent_id = agent.id) as token_id,
         agent.total_cpus, agent.total_memory_bytes, agent.total_gpus,
         coalesce(sum(demand.cpus), 0) as cpus, coalesce(sum(demand.memory_bytes), 0) as memory_bytes, coalesce(sum(demand.gpus), 0) as gpus
       from agent left join lease on lease.agent_id = agent.id left join job on job.id = lease.job_id left join demand on demand.id = job.demand_id
       where ${present} group by agent.id order by agent.id`,
    ),
    reader.sql.all<SlotRow>(
      `select worker.agent_id, worker.desired_state, worker.desired_version, worker.applied_version, worker.previous_state,
         case when exists (select 1 from lease where lease.agent_id = worker.agent_id and lease.slot = worker.slot) then 1 else 0 end as busy
       from worker join agent on agent.id = worker.agent_id where ${present} and worker.disabled_at is null`,
    ),
  ]);
  const ofAgent = new Map<number, SlotRow[]>();
  for (const slot of slots) ofAgent.set(Number(slot.agent_id), [...(ofAgent.get(Number(slot.agent_id)) ?? []), slot]);
  return agents
    .filter(({ experiments_json }) => experiments_json === null || (JSON.parse(experiments_json) as number[]).includes(experimentId))
    .map((agent) => placeOf(agent, ofAgent.get(Number(agent.id)) ?? [], barred));
}

function placeOf(agent: PlaceRow, slots: readonly SlotRow[], barred: ReadonlySet<string>): WaitingPlace {
  const ready = slots.filter(mayTakeJobs);
  return {
    ...{ host: agent.host, machine_class: agent.machine_class, has_script: agent.has_script === 1, silent: agent.liveness !== 'alive' },
    ...{ script_only: agent.token_id !== null, barred: agent.token_id !== null && barred.has(agent.token_id) },
    total: { cpus: agent.total_cpus, memory_bytes: agent.total_memory_bytes, gpus: agent.total_gpus },
    used: { cpus: Number(agent.cpus), memory_bytes: Number(agent.memory_bytes), gpus: Number(agent.gpus) },
    ...{ ready: ready.length, free: ready.filter(({ busy }) => busy === 0).length, told: slots.length - ready.length },
    kept_for: agent.reserved_job_id === null ? null : Number(agent.reserved_job_id),
  };
}
