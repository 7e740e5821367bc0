// Keeps a machine free for a job that asks for more than is ever free at once. Each sweep remembers which job of each demand is next;
// one that stays unclaimed for long has not fitted anywhere. The reservation itself stands on the agent, where claims read it.
import { agentToReserve, type Demand, type MachineSize, queueOrder, RESERVE_AFTER_MS } from '../core/schedule.ts';
import { mayTakeJobs, type WorkerControl } from '../core/worker.ts';

import { rowSet, valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

interface Wait {
  readonly demand: Demand;
  readonly job_id: number;
  readonly priority: number;
  readonly since: number;
}

interface Reserved {
  readonly id: number;
  readonly reserved_job_id: number;
}

/** Decides anew with every sweep: a reservation ends when its job is claimed, ended, held, delayed or edited, or its agent goes away. */
export async function reserveForStarved(tx: Transaction): Promise<void> {
  const waits = await followWaits(tx);
  const reserved = await tx.sql.all<Reserved>('select id, reserved_job_id from agent where reserved_job_id is not null');
  const starved = waits.filter((wait) => wait.since <= tx.now - RESERVE_AFTER_MS).sort(queueOrder);
  const chosen = starved.length === 0 ? null : choose(starved, await presentMachines(tx), reserved);
  for (const agent of reserved) {
    if (agent.id === chosen?.agent_id && agent.reserved_job_id === chosen.job_id) continue;
    await tx.sql.run('update agent set reserved_job_id = null where id = ?', [agent.id]);
    tx.wake(agent.id);
  }
  if (chosen !== null) await tx.sql.run('update agent set reserved_job_id = ? where id = ? and reserved_job_id is null', [chosen.job_id, chosen.agent_id]);
}

/** The first in the queue that some machine could hold: one that fits nowhere at all must not keep a machine from the others. */
function choose(starved: readonly Wait[], machines: readonly MachineSize[], reserved: readonly Reserved[]): { job_id: number; agent_id: number } | null {
  for (const { demand, job_id } of starved) {
    const agent_id = agentToReserve(demand, machines, reserved.find((agent) => agent.reserved_job_id === job_id)?.id ?? null);
    if (agent_id !== null) return { job_id, agent_id };
  }
  return null;
}

/** Forgets all waits: time in which the server was away is not counted. */
export async function restartWaits(tx: Transaction): Promise<void> {
  await tx.sql.run('delete from demand_wait');
}

interface Head {
  readonly id: number;
  readonly experiment_id: number;
  readonly machine_class: string | null;
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
  readonly needs_script: number;
  readonly job_id: number;
  readonly priority: number;
  readonly revision: number;
  readonly attempts: number;
}

/** Since when the next job of each demand waits. It counts from the sweep that saw it next, and anew when it was held, delayed, claimed or edited. */
async function followWaits(tx: Transaction): Promise<Wait[]> {
  const heads = await tx.sql.all<Head>(
    `select demand.id, demand.experiment_id, demand.machine_class, demand.cpus, demand.memory_bytes, demand.gpus, demand.needs_script,
        job.id as job_id, job.priority, job.revision, job.attempts
      from counter join demand on demand.experiment_id = counter.experiment_id join experiment on experiment.id = counter.experiment_id
      join job on job.id = (
        select head.id from job as head where head.demand_id = demand.id and head.status = 'pending' and head.held_at is null and head.not_before is null
          order by head.priority desc, head.id limit 1)
      where counter.name = 'pending' and counter.value > 0 and experiment.held_at is null
        and (demand.cpus > 0 or demand.memory_bytes > 0 or demand.gpus > 0)`,
  );
  const known = await tx.sql.all<{ demand_id: number; since: number; job_id: number | null; priority: number }>(
    `select demand_wait.demand_id, demand_wait.since, job.id as job_id, job.priority from demand_wait
      left join job on job.id = demand_wait.job_id and job.demand_id = demand_wait.demand_id and job.revision = demand_wait.revision
        and job.attempts = demand_wait.attempts and job.status = 'pending' and job.held_at is null and job.not_before is null`,
  );
  const began: Head[] = [];
  const waits = heads.map((head): Wait => {
    const demand = { ...head, demand_id: head.id, needs_script: head.needs_script === 1 };
    // Whoever came before it with a higher priority does not make it wait less.
    const wait = known.find((one) => one.demand_id === head.id && one.job_id !== null);
    if (wait !== undefined) return { demand, job_id: wait.job_id!, priority: wait.priority, since: wait.since };
    began.push(head);
    return { demand, job_id: head.job_id, priority: head.priority, since: tx.now };
  });
  const waiting = new Set(heads.map((head) => head.id));
  const over = known.filter((one) => !waiting.has(one.demand_id));
  if (over.length > 0) {
    await tx.sql.run(`delete from demand_wait where demand_id in ${valueSet(tx.sql.dialect, 'int')}`, [JSON.stringify(over.map((one) => one.demand_id))]);
  }
  if (began.length > 0) await rememberWaits(tx, began);
  return waits;
}

async function rememberWaits(tx: Transaction, heads: readonly Head[]): Promise<void> {
  await tx.sql.run(
    `insert into demand_wait (demand_id, job_id, revision, attempts, since) select demand_id, job_id, revision, attempts, cast(? as bigint)
      from ${rowSet(tx.sql.dialect, { demand_id: 'int', job_id: 'int', revision: 'int', attempts: 'int' })} as v where true
      on conflict (demand_id) do update set job_id = excluded.job_id, revision = excluded.revision, attempts = excluded.attempts, since = excluded.since`,
    [tx.now, JSON.stringify(heads.map((head) => [head.id, head.job_id, head.revision, head.attempts]))],
  );
}

/** Agents that are alive and have a worker that may take jobs. */
async function presentMachines(tx: Transaction): Promise<MachineSize[]> {
  const rows = await tx.sql.all<
    WorkerControl & {
      readonly id: number;
      readonly experiments_json: string | null;
      readonly machine_class: string | null;
      readonly has_script: number;
      readonly total_cpus: number;
      readonly total_memory_bytes: number;
      readonly total_gpus: number;
    }
  >(
    `select agent.id, experiments_json, machine_class, has_script, total_cpus, total_memory_bytes, total_gpus,
        desired_state, desired_version, applied_version, previous_state
      from agent join worker on worker.agent_id = agent.id
      where agent.liveness = 'alive' and agent.left_at is null and agent.revoked_at is null and worker.disabled_at is null and worker.machine_id is null`,
  );
  const machines = new Map<number, MachineSize>();
  for (const row of rows) {
    if (machines.has(row.id) || !mayTakeJobs(row)) continue;
    machines.set(row.id, {
      agent_id: row.id,
      experiments: row.experiments_json === null ? null : (JSON.parse(row.experiments_json) as number[]),
      machine_class: row.machine_class,
      has_script: row.has_script === 1,
      total: { cpus: row.total_cpus, memory_bytes: row.total_memory_bytes, gpus: row.total_gpus },
    });
  }
  return [...machines.values()];
}
