// Machines by name: adding, changing and listing them. Who drives which is decided in driven-machines.ts.
import { HEALTHY, machineNameProblem, mayTakeJob } from '../core/machine.ts';
import { Refusal } from '../core/refusal.ts';

import { assignMachines, writeHealth } from './driven-machines.ts';
import type { MachineTable } from './schema.ts';
import { valueSet } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

type Row = Pick<MachineTable, Exclude<keyof MachineTable, 'id' | 'options_json'>> & { readonly id: number };

export interface AddedMachines {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Somebody drives the class. */
  readonly driven: boolean;
}

/** One that is known changes its class, and whatever made it stay alone is forgotten; its running job is not touched. */
export async function addMachines(
  tx: Transaction,
  { names, machine_class, actor }: { names: readonly string[]; machine_class: string; actor: string },
): Promise<AddedMachines> {
  const wanted = [...new Set(names)];
  for (const name of wanted) {
    const problem = machineNameProblem(name);
    if (problem !== null) throw new Refusal('invalid_input', problem);
  }
  const known = new Map((await readByName(tx, wanted)).map((row) => [row.name, row]));
  const added: string[] = [];
  const changed: string[] = [];
  for (const name of wanted) {
    const row = known.get(name);
    if (row === undefined) {
      await tx.sql.run(`insert into machine (name, kind, machine_class, created_at, enabled, failures, options_json) values (?, 'driven', ?, ?, 1, 0, '{}')`, [
        name,
        machine_class,
        tx.now,
      ]);
      added.push(name);
      continue;
    }
    if (row.kind === 'agent') throw runsAgent(name);
    (row.removed_at === null ? changed : added).push(name);
    await tx.sql.run('update machine set machine_class = ?, enabled = 1, removed_at = null where id = ?', [machine_class, row.id]);
    await writeHealth(tx, row.id, HEALTHY);
  }
  await assignMachines(tx);
  const about = { experiment_id: null, actor };
  if (added.length > 0) tx.event({ kind: 'machine_added', ...about, data: { machines: added.slice(0, 100), count: added.length, class: machine_class } });
  if (changed.length > 0) tx.event({ kind: 'machine_changed', ...about, data: { action: 'move', ...told(changed), class: machine_class } });
  const driven = await readByName(tx, wanted);
  return { added, changed, driven: driven.some(({ agent_id }) => agent_id !== null) };
}

function runsAgent(name: string): Refusal {
  return new Refusal(
    'machine_has_agent',
    `${name} is a machine with an agent of its own, which tells its class: drover worker start --class CLASS. Give a driven machine another name, for example with its port.`,
  );
}

export interface MachineChange {
  readonly action: 'enable' | 'disable' | 'move' | 'remove';
  readonly names?: readonly string[] | undefined;
  readonly of_class?: string | undefined;
  /** Of `move`. */
  readonly machine_class?: string | undefined;
  readonly dry_run: boolean;
  readonly actor: string;
}

export interface ChangedMachines {
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  /** Of those that change: where a job runs. */
  readonly running: readonly string[];
}

export async function changeMachines(tx: Transaction, change: MachineChange): Promise<ChangedMachines> {
  const rows = await selected(tx, change);
  const changing = rows.filter((row) => changes(row, change));
  const busy = await busyMachines(
    tx,
    changing.map(({ id }) => id),
  );
  const result = {
    changed: changing.map(({ name }) => name),
    unchanged: rows.filter((row) => !changing.includes(row)).map(({ name }) => name),
    running: changing.filter(({ id }) => busy.has(id)).map(({ name }) => name),
  };
  if (change.dry_run || changing.length === 0) return result;
  const ids = JSON.stringify(changing.map(({ id }) => id));
  const among = `where id in ${valueSet(tx.sql.dialect, 'int')}`;
  if (change.action === 'disable') await tx.sql.run(`update machine set enabled = 0 ${among}`, [ids]);
  if (change.action === 'remove') await tx.sql.run(`update machine set removed_at = ?, agent_id = null, slot = null ${among}`, [tx.now, ids]);
  if (change.action === 'move') await tx.sql.run(`update machine set machine_class = ? ${among}`, [change.machine_class!, ids]);
  if (change.action === 'enable') {
    await tx.sql.run(`update machine set enabled = 1 ${among}`, [ids]);
    for (const { id } of changing) await writeHealth(tx, id, HEALTHY);
  }
  const data = { action: change.action, ...told(result.changed), ...(change.machine_class === undefined ? {} : { class: change.machine_class }) };
  tx.event({ kind: 'machine_changed', experiment_id: null, actor: change.actor, data });
  await assignMachines(tx);
  for (const agent of new Set(changing.flatMap(({ agent_id }) => agent_id ?? []))) tx.wake(Number(agent));
  return result;
}

function told(names: readonly string[]): { machines: readonly string[]; count: number } {
  return { machines: names.slice(0, 100), count: names.length };
}

function changes(row: Row, { action, machine_class }: MachineChange): boolean {
  switch (action) {
    case 'enable':
      return row.enabled === 0 || row.failures > 0 || row.quarantined_at !== null;
    case 'disable':
      return row.enabled === 1;
    case 'move':
      return row.machine_class !== machine_class;
    case 'remove':
      return true;
  }
}

async function selected(tx: Transaction, { names, of_class, action, machine_class }: MachineChange): Promise<Row[]> {
  if (names === undefined && of_class === undefined) throw new Refusal('invalid_input', 'Which machines? Name them, or a class.');
  if ((action === 'move') !== (machine_class !== undefined)) throw new Refusal('invalid_input', '`machine_class` goes with `move`: it is the new class.');
  const named = await readByName(tx, names ?? []);
  const missing = (names ?? []).find((name) => !named.some((row) => row.name === name && row.removed_at === null));
  if (missing !== undefined) throw new Refusal('not_found', `There is no machine ${missing}. drover machine ls lists them.`);
  const ofClass = of_class === undefined ? [] : await read(tx, `kind = 'driven' and removed_at is null and machine_class = ?`, [of_class]);
  if (of_class !== undefined && ofClass.length === 0 && named.length === 0) throw new Refusal('not_found', `There is no driven machine of class ${of_class}.`);
  const rows = [...new Map([...named, ...ofClass].map((row) => [row.name, row])).values()];
  const agent = rows.find(({ kind }) => kind === 'agent');
  if (agent !== undefined) throw runsAgent(agent.name);
  return rows;
}

const COLUMNS = `id, name, kind, machine_class, created_at, enabled, quarantined_at, quarantine_reason, failures, failed_job_id, trial_at, removed_at, agent_id, slot`;

function read(tx: Pick<Transaction, 'sql'>, where: string, values: readonly (string | number)[]): Promise<Row[]> {
  return tx.sql.all<Row>(`select ${COLUMNS} from machine where ${where} order by name`, [...values]);
}

function readByName(tx: Pick<Transaction, 'sql'>, names: readonly string[]): Promise<Row[]> {
  if (names.length === 0) return Promise.resolve([]);
  return read(tx, `name in ${valueSet(tx.sql.dialect, 'text')}`, [JSON.stringify(names)]);
}

async function busyMachines(tx: Transaction, ids: readonly number[]): Promise<Set<number>> {
  if (ids.length === 0) return new Set();
  const rows = await tx.sql.all<{ machine_id: number }>(
    `select distinct worker.machine_id from worker join lease on lease.agent_id = worker.agent_id and lease.slot = worker.slot
      where worker.machine_id in ${valueSet(tx.sql.dialect, 'int')}`,
    [JSON.stringify(ids)],
  );
  return new Set(rows.map(({ machine_id }) => Number(machine_id)));
}

export interface ListedMachine extends Row {
  readonly agent_name: string | null;
  readonly agent_present: number | null;
  readonly agent_alive: number | null;
  readonly worker_id: string | null;
  readonly told_to: string | null;
  readonly job_experiment_id: number | null;
  readonly job_experiment: string | null;
  readonly job_number: number | null;
  readonly job_attempt: number | null;
}

/** Machines that are there: driven ones that were not removed, and those on which an agent is that has not left. */
export async function listMachines({ sql }: Pick<Reader, 'sql'>, machineClass: string | null): Promise<ListedMachine[]> {
  const columns = COLUMNS.split(', ')
    .filter((column) => column !== 'machine_class')
    .map((column) => `machine.${column}`)
    .join(', ');
  const rows = await sql.all<ListedMachine>(
    `select ${columns}, case when machine.kind = 'agent' then agent.machine_class else machine.machine_class end as machine_class,
        agent.host || '_' || agent.instance as agent_name, case when agent.liveness = 'alive' then 1 else 0 end as agent_alive,
        case when agent.id is null then 0 else 1 end as agent_present, worker.id as worker_id, worker.desired_state as told_to,
        job.experiment_id as job_experiment_id, experiment.name as job_experiment, job.number as job_number, lease.attempt as job_attempt
      from machine
      left join agent on agent.left_at is null and agent.revoked_at is null and agent.liveness <> 'lost'
        and agent.id = case when machine.kind = 'agent' then (
          select max(own.id) from agent as own where own.machine_id = machine.id and own.left_at is null and own.revoked_at is null and own.liveness <> 'lost')
          else machine.agent_id end
      left join worker on worker.machine_id = machine.id and worker.agent_id = machine.agent_id and worker.slot = machine.slot
      left join lease on lease.agent_id = worker.agent_id and lease.slot = worker.slot
      left join job on job.id = lease.job_id left join experiment on experiment.id = job.experiment_id
      where (machine.kind = 'driven' and machine.removed_at is null) or (machine.kind = 'agent' and agent.id is not null)
      order by machine.name`,
    [],
  );
  const unique = [...new Map(rows.map((row) => [row.name, row])).values()];
  return unique
    .filter((row) => machineClass === null || row.machine_class === machineClass)
    .sort((a, b) => (a.machine_class ?? '').localeCompare(b.machine_class ?? '') || a.name.localeCompare(b.name));
}

export type MachineState = 'ready' | 'running' | 'disabled' | 'quarantined' | 'no_driver' | 'silent';

/** What it is doing, and why it takes no jobs where it does not. */
export function machineState(row: ListedMachine, now: number): { readonly state: MachineState; readonly reason: string | null } {
  const running = row.job_number !== null;
  if (row.enabled === 0)
    return { state: 'disabled', reason: `It was disabled${running ? '; the job that runs there goes on' : ''}. drover machine enable ${row.name}` };
  if (row.quarantined_at !== null) {
    const trial = mayTakeJob(row, now) ? 'The next job of its class is a trial.' : 'Later one job is tried there.';
    return { state: 'quarantined', reason: `${row.quarantine_reason ?? ''} ${trial} At once: drover machine enable ${row.name}` };
  }
  if (running) return { state: 'running', reason: null };
  if (row.agent_present !== 1) {
    return {
      state: 'no_driver',
      reason: `No agent drives class ${row.machine_class ?? ''}. Start one: drover worker start --drive ${row.machine_class ?? 'CLASS'}`,
    };
  }
  if (row.agent_alive !== 1) return { state: 'silent', reason: `The agent ${row.agent_name ?? ''} is not heard of.` };
  if (row.kind === 'driven' && row.told_to !== null && row.told_to !== 'run') return { state: 'disabled', reason: `Its worker was told to ${row.told_to}.` };
  return { state: 'ready', reason: null };
}
