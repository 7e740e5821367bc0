// The agents of this machine and user as people see them, with each of their workers.
import { logFilePath } from './agent-log.ts';
import type { WorkerStatus } from './agent.ts';
import type { AgentContext } from './context.ts';
import type { ControlStatus } from './control-channel.ts';
import { instanceAlive, instanceStatus } from './instance-process.ts';
import type { RegisteredInstance } from './registry.ts';
import { select } from './selection.ts';
import type { AgentSelection, LocalAgent, LocalWorker, LocalWorkerStatus } from '../runtime/local-agents.ts';

/** Only agents that live, unless dead ones are asked for. */
export async function listAgents(
  context: AgentContext,
  selection: Pick<AgentSelection, 'cache' | 'experiment' | 'names'>,
  options: { readonly dead: boolean } = { dead: false },
): Promise<LocalAgent[]> {
  const agents: LocalAgent[] = [];
  for (const instance of select(context, selection)) {
    const alive = await instanceAlive(instance, context.host);
    if (alive || options.dead) agents.push(describe(instance, alive, alive ? await instanceStatus(instance) : null));
  }
  return agents;
}

function describe({ record }: RegisteredInstance, alive: boolean, status: ControlStatus | null): LocalAgent {
  return {
    instance: record.instance,
    pid: alive ? (record.process?.pid ?? null) : null,
    alive,
    server: record.launch.server,
    experiments: record.launch.experiments,
    worker_ids: record.worker_ids,
    workers: record.worker_ids.map((id, slot) => localWorker(record, { id, slot }, status)),
    running_jobs: status?.running_jobs ?? 0,
    undelivered: status?.undelivered ?? 0,
    started_at: record.started_at,
    silent_seconds: status?.silent_seconds ?? null,
    log_file: record.log_file,
    trouble: status?.trouble ?? null,
    launch: record.launch,
  };
}

function localWorker(
  { launch, log_file }: RegisteredInstance['record'],
  { id, slot }: { id: string; slot: number },
  status: ControlStatus | null,
): LocalWorker {
  const worker = status?.workers.find((each) => each.slot === slot) ?? null;
  return {
    worker_id: id,
    slot,
    status: worker === null ? 'unknown' : workerStatus(worker),
    job: worker?.job ?? null,
    log_file: launch.worker_logs ? logFilePath(launch, id) : log_file,
  };
}

export function workerStatus({ job, leaving, state }: Pick<WorkerStatus, 'job' | 'leaving' | 'state'>): LocalWorkerStatus {
  if (leaving) return job === null ? 'stopped' : state === 'stop' ? 'stopping' : 'draining';
  if (job !== null) return 'busy';
  return state === 'pause' ? 'paused' : 'idle';
}
