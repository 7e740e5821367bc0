// What is known of a pending job and of the agents that serve its experiment, for core/waiting.
import { FIRST_DRIVEN_SLOT } from '../core/identifiers.ts';
import { LIMITS } from '../core/limits.ts';
import type { Liveness } from '../core/liveness.ts';
import { mayTakeJob } from '../core/machine.ts';
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
  readonly drives_json: string | null;
  readonly workers: number;
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
  const [barred, agents, slots, machines] = await Promise.all([
    barredTokens(reader, jobId, now),
    reader.sql.all<PlaceRow>(
      `select agent.id, agent.host, agent.experiments_json, agent.machine_class, agent.has_script, agent.drives_json, agent.workers, agent.liveness, agent.reserved_job_id,
         (select token_id from door_worker where door_worker.agent_id = agent.id) as token_id,
         agent.total_cpus, agent.total_memory_bytes, agent.total_gpus,
         coalesce(sum(demand.cpus), 0) as cpus, coalesce(sum(demand.memory_bytes), 0) as memory_bytes, coalesce(sum(demand.gpus), 0) as gpus
       from agent left join lease on lease.agent_id = agent.id and lease.slot < ${FIRST_DRIVEN_SLOT} left join job on job.id = lease.job_id left join demand on demand.id = job.demand_id
       where ${present} group by agent.id order by agent.id`,
    ),
    reader.sql.all<SlotRow>(
      `select worker.agent_id, worker.desired_state, worker.desired_version, worker.applied_version, worker.previous_state,
         case when exists (select 1 from lease where lease.agent_id = worker.agent_id and lease.slot = worker.slot) then 1 else 0 end as busy
       from worker join agent on agent.id = worker.agent_id where ${present} and worker.disabled_at is null and worker.machine_id is null`,
    ),
    reader.sql.all<DrivenRow>(
      `select worker.agent_id, worker.desired_state, worker.desired_version, worker.applied_version, worker.previous_state,
         case when exists (select 1 from lease where lease.agent_id = worker.agent_id and lease.slot = worker.slot) then 1 else 0 end as busy,
         machine.name, machine.machine_class, machine.enabled, machine.quarantined_at, machine.trial_at, agent.liveness, agent.experiments_json
       from worker join agent on agent.id = worker.agent_id join machine on machine.id = worker.machine_id
       where ${present} and worker.disabled_at is null and machine.machine_class is not null`,
    ),
  ]);
  const ofAgent = new Map<number, SlotRow[]>();
  for (const slot of slots) ofAgent.set(Number(slot.agent_id), [...(ofAgent.get(Number(slot.agent_id)) ?? []), slot]);
  const serves = ({ experiments_json }: { experiments_json: string | null }): boolean =>
    experiments_json === null || (JSON.parse(experiments_json) as number[]).includes(experimentId);
  return [
    ...agents
      .filter((agent) => serves(agent) && (agent.drives_json === null || agent.workers > 0))
      .map((agent) => placeOf(agent, ofAgent.get(Number(agent.id)) ?? [], barred)),
    ...machines.filter(serves).map((machine) => drivenPlace(machine, now)),
  ];
}

interface DrivenRow extends SlotRow {
  readonly name: string;
  readonly machine_class: string;
  readonly enabled: number;
  readonly quarantined_at: number | null;
  readonly trial_at: number | null;
  readonly liveness: Liveness;
  readonly experiments_json: string | null;
}

/** A machine that somebody disabled, or that is left alone because jobs failed there, is like a worker that was told to pause. */
function drivenPlace(row: DrivenRow, now: number): WaitingPlace {
  const ready = mayTakeJobs(row) && row.enabled === 1 && mayTakeJob(row, now);
  const nothing = { cpus: 0, memory_bytes: 0, gpus: 0 };
  return {
    ...{ host: row.name, machine_class: row.machine_class, has_script: false, script_only: false, barred: false, driven: true },
    ...{ total: nothing, used: nothing, kept_for: null, silent: row.liveness !== 'alive' },
    ...{ ready: ready ? 1 : 0, free: ready && row.busy === 0 ? 1 : 0, told: ready ? 0 : 1 },
    quarantined: row.quarantined_at !== null,
  };
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
