// What time does, once per sweep: terms of agents end, delayed retries become ready, the oldest misfit gets a machine reserved.
// Each part is one transaction with guards, so that a second server doing the same does no harm.
import { type Liveness, liveness, termChange } from '../core/liveness.ts';
import { agentToReserve, type Demand, RESERVE_AFTER_MS } from '../core/schedule.ts';

import { endLeases } from './end-leases.ts';
import { readSetting, writeSetting } from './store.ts';
import { valueSet } from './sql.ts';
import type { Transaction } from './writer.ts';

interface PresentAgent {
  readonly id: number;
  readonly host: string;
  readonly instance: string;
  readonly liveness: Liveness;
  readonly term_started_at: number;
  readonly next_sync_within_ms: number;
  readonly lost_after_ms: number;
  readonly left_at: number | null;
}

/** Judges all agents; `monotonicElapsed` is the time since this process's previous sweep, null for its first. */
export async function sweepLiveness(tx: Transaction, monotonicElapsed: number | null): Promise<void> {
  const swept = await readSetting(tx, 'swept_at');
  const change = termChange({ swept_at: swept === null ? null : Number(swept), now: tx.now, monotonic_elapsed: monotonicElapsed });
  await writeSetting(tx, 'swept_at', String(tx.now));
  if (change === 'restart') await tx.sql.run(`update agent set term_started_at = ? where left_at is null and liveness <> 'lost'`, [tx.now]);
  const agents = await tx.sql.all<PresentAgent>(
    `select id, host, instance, liveness, term_started_at, next_sync_within_ms, lost_after_ms, left_at from agent
      where liveness <> 'lost' or id in (select agent_id from lease)`,
  );
  const lost: PresentAgent[] = [];
  for (const agent of agents) {
    const state = agent.left_at !== null || agent.liveness === 'lost' ? 'lost' : liveness(agent, tx.now);
    if (state === 'lost') lost.push(agent);
    if (state !== agent.liveness) await changeLiveness(tx, agent, state);
  }
  await endLeases(
    tx,
    lost.map((agent) => agent.id),
    { outcome: 'lost', message: 'The agent was not heard of for too long.' },
  );
}

async function changeLiveness(tx: Transaction, agent: PresentAgent, state: Liveness): Promise<void> {
  await tx.sql.run(`update agent set liveness = ? where id = ?`, [state, agent.id]);
  const name = `${agent.host}_${agent.instance}`;
  if (state === 'suspect') tx.event({ kind: 'agent_suspect', experiment_id: null, actor: 'server', data: { agent: name } });
  if (state !== 'lost') return;
  tx.event({ kind: 'agent_lost', experiment_id: null, actor: 'server', data: { agent: name } });
  await tx.sql.run(`update worker set disabled_at = ?, disabled_reason = 'no sync' where agent_id = ? and disabled_at is null`, [tx.now, agent.id]);
}

const READY_AT_ONCE = 5_000;

/** Delayed retries whose time has come enter the queue; returns the moment of the next one, or null. */
export async function readyDelayed(tx: Transaction): Promise<number | null> {
  const due = await tx.sql.all<{ id: number; number: number; experiment_id: number }>(
    `select id, number, experiment_id from job where not_before is not null and not_before <= ? limit ${READY_AT_ONCE}`,
    [tx.now],
  );
  if (due.length > 0) {
    await tx.sql.run(`update job set not_before = null where id in ${valueSet(tx.sql.dialect, 'int')}`, [JSON.stringify(due.map((job) => job.id))]);
    for (const experiment of new Set(due.map((job) => job.experiment_id))) {
      tx.event({
        kind: 'jobs_ready',
        experiment_id: experiment,
        actor: 'server',
        numbers: due.filter((job) => job.experiment_id === experiment).map((job) => job.number),
      });
    }
    tx.wake('all');
  }
  const [next] = await tx.sql.all<{ at: number | null }>('select min(not_before) as at from job where not_before is not null');
  return next?.at === null || next === undefined ? null : Number(next.at);
}

interface WaitingDemand {
  readonly id: number;
  readonly experiment_id: number;
  readonly machine_class: string | null;
  readonly cpus: number;
  readonly memory_bytes: number;
  readonly gpus: number;
  readonly needs_script: number;
}

/** Keeps a machine free for the oldest top-priority job that has not fitted anywhere for too long; undoes that when it is gone. */
export async function reserveForStarved(tx: Transaction): Promise<void> {
  const [starved] = await tx.sql.all<WaitingDemand & { job_id: number }>(
    `select demand.*, job.id as job_id from demand join experiment on experiment.id = demand.experiment_id join job on job.id = (
        select head.id from job as head where head.demand_id = demand.id and head.status = 'pending' and head.held_at is null and head.not_before is null
          order by head.priority desc, head.id limit 1)
      where experiment.held_at is null and (demand.cpus > 0 or demand.memory_bytes > 0 or demand.gpus > 0) and job.created_at <= ?
      order by job.priority desc, job.id limit 1`,
    [tx.now - RESERVE_AFTER_MS],
  );
  const chosen = starved === undefined ? null : agentToReserve(toDemand(starved), await machineSizes(tx));
  await tx.sql.run(`update agent set reserved_demand_id = null where reserved_demand_id is not null and (id <> ? or reserved_demand_id <> ?)`, [
    chosen ?? 0,
    starved?.id ?? 0,
  ]);
  if (chosen !== null) await tx.sql.run(`update agent set reserved_demand_id = ? where id = ? and reserved_demand_id is null`, [starved!.id, chosen]);
}

function toDemand(row: WaitingDemand): Demand {
  return { ...row, demand_id: row.id, needs_script: row.needs_script === 1 };
}

async function machineSizes(tx: Transaction) {
  const rows = await tx.sql.all<{
    id: number;
    machine_class: string | null;
    has_script: number;
    total_cpus: number;
    total_memory_bytes: number;
    total_gpus: number;
  }>(`select id, machine_class, has_script, total_cpus, total_memory_bytes, total_gpus from agent where liveness = 'alive' and left_at is null`);
  return rows.map((row) => ({
    agent_id: Number(row.id),
    machine_class: row.machine_class,
    has_script: row.has_script === 1,
    total: { cpus: row.total_cpus, memory_bytes: row.total_memory_bytes, gpus: row.total_gpus },
  }));
}
