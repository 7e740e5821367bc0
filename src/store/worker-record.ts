// One worker of an experiment: what is known of it, also when it is gone.
import { Refusal } from '../core/refusal.ts';

import { readWorkers, servesExperiment, type WorkerRecord } from './agents.ts';
import type { AgentTable } from './schema.ts';
import { valueSet } from './sql.ts';
import type { Reader } from './store.ts';

/** Those that do not serve the experiment are not found, as if they were not there. */
export async function findWorker(reader: Pick<Reader, 'sql'>, experiment: { readonly id: number; readonly name: string }, id: string): Promise<WorkerRecord> {
  const [worker] = await readWorkers(reader, { where: 'worker.id = ?', values: [id] });
  if (worker !== undefined && servesExperiment(worker, experiment.id)) return worker;
  throw new Refusal(
    'not_found',
    `There is no worker ${id.slice(0, 60)} that serves ${experiment.name}; those that left long ago are forgotten. List them with: drover worker ls`,
  );
}

const DETAILS = [
  'platform',
  'workers',
  'has_script',
  'total_cpus',
  'total_memory_bytes',
  'total_gpus',
  'next_sync_within_ms',
  'metrics_at',
  'revoked_at',
] as const;

export type AgentDetails = Pick<AgentTable, (typeof DETAILS)[number]> & { readonly machine: string | null };

/** What concerns all workers of an agent. */
export async function readAgentDetails({ sql }: Pick<Reader, 'sql'>, agentId: number): Promise<AgentDetails> {
  const [details] = await sql.all<AgentDetails>(
    `select ${DETAILS.map((column) => `agent.${column}`).join(', ')}, machine.name as machine
      from agent left join machine on machine.id = agent.machine_id where agent.id = ?`,
    [agentId],
  );
  return details!;
}

export interface WorkerMachine {
  readonly machine_class: string | null;
  /** The driven machine; null: the one of its agent. */
  readonly machine: string | null;
  readonly process_id: number | null;
}

/** On what these workers run, by id; what was forgotten is left out. */
export async function readWorkerMachines({ sql }: Pick<Reader, 'sql'>, ids: readonly string[]): Promise<Record<string, WorkerMachine>> {
  if (ids.length === 0) return {};
  const rows = await sql.all<WorkerMachine & { id: string }>(
    `select worker.id, coalesce(machine.machine_class, agent.machine_class) as machine_class, machine.name as machine, agent.process_id
      from worker join agent on agent.id = worker.agent_id left join machine on machine.id = worker.machine_id
      where worker.id in ${valueSet(sql.dialect, 'text')}`,
    [JSON.stringify(ids)],
  );
  return Object.fromEntries(rows.map(({ id, ...machine }) => [id, machine]));
}
