// Which agents of this machine and user a command means, and which of their workers.
import { join, resolve } from 'node:path';

import type { AgentContext } from './context.ts';
import { instanceAlive } from './instance-process.ts';
import { listInstances, type RegisteredInstance } from './registry.ts';
import type { AgentSelection } from '../runtime/local-agents.ts';

export function cachePath({ cwd, home }: Pick<AgentContext, 'cwd' | 'home'>, cache: string | null): string {
  return resolve(cwd, (cache ?? join(home, '.jd_cache')).replace(/^~(?=\/|$)/, home));
}

export function select(context: AgentContext, selection: Pick<AgentSelection, 'cache' | 'experiment' | 'names'>): RegisteredInstance[] {
  return listInstances(cachePath(context, selection.cache)).filter((instance) => {
    const { experiments } = instance.record.launch;
    const hasExperiment = selection.experiment === null || experiments === null || experiments.includes(selection.experiment);
    return hasExperiment && instance.record.machine === context.host.name && chosenSlots(instance, selection.names).length > 0;
  });
}

export async function living(context: AgentContext, selection: Pick<AgentSelection, 'cache' | 'experiment' | 'names'>): Promise<RegisteredInstance[]> {
  const chosen = select(context, selection);
  const alive = await Promise.all(chosen.map((instance) => instanceAlive(instance, context.host)));
  return chosen.filter((_, index) => alive[index]);
}

export function chosenSlots({ record }: RegisteredInstance, names: readonly string[] | null): number[] {
  const all = [...record.worker_ids.keys()];
  return names === null || names.includes(record.instance) ? all : all.filter((slot) => names.includes(record.worker_ids[slot]!));
}
