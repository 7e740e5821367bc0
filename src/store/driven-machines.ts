// Driven machines as slots of the agents that drive them: who drives which, what of them may take jobs now, and what ends there say of them.
import { FIRST_DRIVEN_SLOT, formatJobReference, LAST_SLOT, workerId } from '../core/identifiers.ts';
import { drives, type EndedThere, healthAfter, type MachineHealth, mayTakeJob, onTrial } from '../core/machine.ts';
import type { Liveness } from '../core/liveness.ts';

import type { EndedAttempt } from './record.ts';
import { valueSet } from './sql.ts';
import type { Session } from './sync-session.ts';
import type { Transaction } from './writer.ts';

/** A machine that is, or was, a slot of an agent. */
export interface DrivenMachine extends MachineHealth {
  readonly id: number;
  readonly agent_id: number;
  readonly slot: number;
  readonly worker_id: string;
  readonly name: string;
  readonly machine_class: string | null;
  readonly enabled: number;
  /** This agent drives it now. */
  readonly assigned: number;
}

const HEALTH = 'machine.failures, machine.failed_job_id, machine.quarantined_at, machine.quarantine_reason, machine.trial_at';

/** Fills in the machines of the agents that drive some, and what they are told of them. */
export async function readDriven(tx: Transaction, sessions: readonly Session[]): Promise<void> {
  const driving = sessions.filter(({ agent }) => agent.drives_json !== null);
  if (driving.length === 0) return;
  const rows = await tx.sql.all<DrivenMachine>(
    `select machine.id, worker.agent_id, worker.slot, worker.id as worker_id, machine.name, machine.machine_class, machine.enabled, ${HEALTH},
        case when machine.agent_id = worker.agent_id and machine.slot = worker.slot and machine.removed_at is null then 1 else 0 end as assigned
      from worker join machine on machine.id = worker.machine_id where worker.agent_id in ${valueSet(tx.sql.dialect, 'int')}
      order by worker.agent_id, worker.slot`,
    [JSON.stringify(driving.map(({ agent }) => agent.id))],
  );
  for (const session of driving) {
    session.driven = rows.filter((row) => Number(row.agent_id) === Number(session.agent.id));
    const driven = session.driven.filter(({ assigned }) => assigned === 1);
    const known = new Set(session.message.driven_slots ?? []);
    if (known.size === driven.length && driven.every(({ slot }) => known.has(slot))) continue;
    session.answer.driven = driven.map(({ slot, name, machine_class }) => ({ slot, machine: name, machine_class: machine_class ?? '' }));
  }
}

/** Slots that may take jobs now, by the class of their machines. */
export function drivenSlotsByClass({ driven, message }: Session, now: number): Map<string, number[]> {
  const free = new Set(message.free_slots);
  const byClass = new Map<string, number[]>();
  for (const machine of driven) {
    const { slot, machine_class, assigned, enabled } = machine;
    if (machine_class === null || assigned === 0 || enabled === 0 || !free.has(slot) || !mayTakeJob(machine, now)) continue;
    byClass.set(machine_class, [...(byClass.get(machine_class) ?? []), slot]);
  }
  return byClass;
}

/** Leases on machines elsewhere say on which; one that is on trial gets no second job. */
export async function placeLeases(tx: Transaction, sessions: readonly Session[]): Promise<void> {
  const onTrialNow: number[] = [];
  for (const { answer, driven, agent } of sessions) {
    const bySlot = new Map(driven.map((machine) => [machine.slot, machine]));
    for (const lease of answer.leases) {
      const machine = bySlot.get(lease.slot);
      lease.machine = machine?.name ?? agent.host;
      if (machine !== undefined && machine.quarantined_at !== null) onTrialNow.push(machine.id);
    }
  }
  if (onTrialNow.length === 0) return;
  await tx.sql.run(`update machine set trial_at = ? where quarantined_at is not null and id in ${valueSet(tx.sql.dialect, 'int')}`, [
    onTrial(tx.now),
    JSON.stringify(onTrialNow),
  ]);
}

/** What the ends of this commit say of the machines on which they were. */
export async function noteHealth(tx: Transaction, sessions: readonly Session[], ends: readonly EndedAttempt[]): Promise<void> {
  const driving = sessions.filter(({ driven }) => driven.length > 0);
  if (driving.length === 0) return;
  const workers = new Set(driving.flatMap(({ driven }) => driven.map(({ worker_id }) => worker_id)));
  const there = ends.filter(({ worker_id }) => workers.has(worker_id));
  const names = await experimentNames(tx, there);
  for (const end of there) {
    const { job_id, number, worker_id, exit_code, ending } = end;
    const ended: EndedThere = { job_id, job: formatJobReference(names.get(end.experiment_id) ?? '', number), outcome: ending.outcome, exit_code };
    for (const session of driving) {
      const machine = session.driven.find((one) => one.worker_id === worker_id);
      const after = machine === undefined ? null : healthAfter(machine, ended, tx.now);
      if (machine === undefined || after === null) continue;
      session.driven = session.driven.map((one) => (one === machine ? { ...machine, ...after } : one));
      await writeHealth(tx, machine.id, after);
      tellHealth(tx, machine, after);
    }
  }
}

/** Only ends that were no success are told by name. */
async function experimentNames(tx: Transaction, ends: readonly EndedAttempt[]): Promise<Map<number, string>> {
  const ids = new Set(ends.filter(({ ending }) => ending.outcome !== 'succeeded').map(({ experiment_id }) => experiment_id));
  if (ids.size === 0) return new Map();
  const rows = await tx.sql.all<{ id: number; name: string }>(`select id, name from experiment where id in ${valueSet(tx.sql.dialect, 'int')}`, [
    JSON.stringify([...ids]),
  ]);
  return new Map(rows.map(({ id, name }) => [Number(id), name]));
}

function tellHealth(tx: Transaction, { id: _id, name, agent_id, slot, quarantined_at }: DrivenMachine, after: MachineHealth): void {
  const about = { experiment_id: null, actor: 'server', workers: [{ agent_id: Number(agent_id), slot }] };
  if (quarantined_at === null && after.quarantined_at !== null) {
    tx.event({ kind: 'machine_quarantined', ...about, data: { machine: name, reason: after.quarantine_reason } });
  }
  if (quarantined_at !== null && after.quarantined_at === null) tx.event({ kind: 'machine_readmitted', ...about, data: { machine: name } });
}

export async function writeHealth(
  tx: Transaction,
  id: number,
  { failures, failed_job_id, quarantined_at, quarantine_reason, trial_at }: MachineHealth,
): Promise<void> {
  await tx.sql.run('update machine set failures = ?, failed_job_id = ?, quarantined_at = ?, quarantine_reason = ?, trial_at = ? where id = ?', [
    failures,
    failed_job_id,
    quarantined_at,
    quarantine_reason,
    trial_at,
    id,
  ]);
}

interface Driver {
  readonly id: number;
  readonly host: string;
  readonly instance: string;
  readonly liveness: Liveness;
  readonly drives_json: string;
}

interface Assigned {
  readonly id: number;
  readonly machine_class: string;
  readonly agent_id: number | null;
  readonly slot: number | null;
}

/**
 * Gives every machine to an agent that drives its class: it stays with the one that it has while that one may live, and goes to the one
 * with the fewest otherwise. Called when machines or agents change, and by each sweep.
 */
export async function assignMachines(tx: Transaction): Promise<void> {
  const machines = await tx.sql.all<Assigned>(
    `select id, machine_class, agent_id, slot from machine where kind = 'driven' and removed_at is null and machine_class is not null order by id`,
  );
  if (machines.length === 0) return disableUnassigned(tx);
  const drivers = await tx.sql.all<Driver>(
    `select id, host, instance, liveness, drives_json from agent
      where drives_json is not null and left_at is null and revoked_at is null and liveness <> 'lost' order by id`,
  );
  const counts = new Map(drivers.map(({ id }) => [Number(id), 0]));
  const able = ({ machine_class }: Assigned): Driver[] => drivers.filter(({ drives_json }) => drives(JSON.parse(drives_json) as string[], machine_class));
  const homeless: Assigned[] = [];
  for (const machine of machines) {
    const stays = machine.agent_id !== null && able(machine).some(({ id }) => Number(id) === Number(machine.agent_id));
    if (stays) counts.set(Number(machine.agent_id), counts.get(Number(machine.agent_id))! + 1);
    else homeless.push(machine);
  }
  for (const machine of homeless) await settle(tx, machine, { able: able(machine), counts });
  await disableUnassigned(tx);
}

async function settle(tx: Transaction, machine: Assigned, { able, counts }: { able: readonly Driver[]; counts: Map<number, number> }): Promise<void> {
  // One that is silent is asked only when there is no other.
  const order = (driver: Driver): number => (driver.liveness === 'alive' ? 0 : 1_000_000) + counts.get(Number(driver.id))!;
  const [driver] = [...able].sort((a, b) => order(a) - order(b));
  if (driver === undefined) {
    if (machine.agent_id !== null) await tx.sql.run('update machine set agent_id = null, slot = null where id = ?', [machine.id]);
    return;
  }
  const slot = await slotFor(tx, driver, machine.id);
  if (slot === null) return;
  counts.set(Number(driver.id), counts.get(Number(driver.id))! + 1);
  await tx.sql.run('update machine set agent_id = ?, slot = ? where id = ?', [driver.id, slot, machine.id]);
  tx.wake(Number(driver.id));
}

/** The slot that a machine has at an agent for ever; null when that agent has had too many. */
async function slotFor(tx: Transaction, driver: Driver, machineId: number): Promise<number | null> {
  const [known] = await tx.sql.all<{ slot: number }>('select slot from worker where agent_id = ? and machine_id = ?', [driver.id, machineId]);
  if (known !== undefined) {
    await tx.sql.run('update worker set disabled_at = null, disabled_reason = null where agent_id = ? and slot = ?', [driver.id, known.slot]);
    return Number(known.slot);
  }
  const [last] = await tx.sql.all<{ slot: number | null }>('select max(slot) as slot from worker where agent_id = ? and slot >= ?', [
    driver.id,
    FIRST_DRIVEN_SLOT,
  ]);
  const slot = last?.slot === null || last === undefined ? FIRST_DRIVEN_SLOT : Number(last.slot) + 1;
  if (slot > LAST_SLOT) return null;
  await tx.sql.run(
    `insert into worker (id, agent_id, slot, desired_state, desired_version, applied_version, previous_state, registered_at, jobs_completed, machine_id)
      values (?, ?, ?, 'run', 0, 0, 'run', ?, 0, ?)`,
    [workerId(driver.host, driver.instance, slot), driver.id, slot, tx.now, machineId],
  );
  return slot;
}

const ELSEWHERE = 'the machine was removed, or is driven from elsewhere';

async function disableUnassigned(tx: Transaction): Promise<void> {
  await tx.sql.run(
    `update worker set disabled_at = ?, disabled_reason = ? where machine_id is not null and disabled_at is null and not exists (
      select 1 from machine where machine.id = worker.machine_id and machine.agent_id = worker.agent_id and machine.slot = worker.slot and machine.removed_at is null)`,
    [tx.now, ELSEWHERE],
  );
}
