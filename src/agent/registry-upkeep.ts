// Removes from the registry what nobody will come back to. Only this machine's and user's own entries are judged, and never one with a
// live process or with an attempt that the server has not got whole.
import { rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import { ownersWithAttempts } from './attempt-store.ts';
import type { AgentContext } from './context.ts';
import { instanceAlive } from './instance-process.ts';
import { isOwn, listDirectory, namesIn, type RegisteredInstance } from './registry.ts';
import { cachePath } from './selection.ts';
import type { PruneRequest, Pruned } from '../runtime/local-agents.ts';

/** Long enough for a holiday; the agent's secret is good for weeks. */
const KEPT_MS = 30 * 24 * 3600 * 1000;
const FRESH_MS = 60_000;

export async function pruneAgents(context: AgentContext, { cache, all, onProgress }: PruneRequest): Promise<Pruned> {
  const root = join(cachePath(context, cache), '.cache');
  const directories = namesIn(root).map((name) => join(root, name));
  const instances = directories.flatMap(listDirectory);
  // A launch may be about to write into them.
  const begun = new Set(directories.filter((directory) => namesIn(directory).length === 0 && isFresh(directory, context.clock.now())));
  const judge = createJudge(context, all ? 0 : KEPT_MS);
  const removed: string[] = [];
  const undelivered: string[] = [];
  const total = instances.reduce((sum, { record }) => sum + record.worker_ids.length, 0);
  let lookedAt = 0;
  for (const instance of instances) {
    onProgress?.(lookedAt, total);
    lookedAt += instance.record.worker_ids.length;
    const verdict = await judge(instance);
    if (verdict === 'kept') continue;
    const name = basename(instance.file, '.json');
    if (verdict === 'undelivered') undelivered.push(name);
    else {
      for (const file of [instance.file, instance.file.replace(/\.json$/, '.sock')]) rmSync(file, { force: true });
      removed.push(name);
    }
  }
  onProgress?.(total, total);
  const experiments = directories.filter((directory) => !begun.has(directory) && removeEmpty(directory)).map((directory) => basename(directory));
  return { total, removed, undelivered, experiments };
}

function createJudge({ host, clock }: AgentContext, keptMs: number): (instance: RegisteredInstance) => Promise<'kept' | 'undelivered' | 'over'> {
  const owners = new Map<string, ReadonlySet<string>>();
  const ownersIn = (data: string): ReadonlySet<string> => {
    const found = owners.get(data) ?? ownersWithAttempts(data);
    owners.set(data, found);
    return found;
  };
  return async (instance) => {
    const { record } = instance;
    if (clock.now() - record.changed_at < keptMs || !isOwn(instance, host) || (await instanceAlive(instance, host))) return 'kept';
    return ownersIn(record.launch.data).has(record.id) ? 'undelivered' : 'over';
  };
}

function isFresh(path: string, now: number): boolean {
  return now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < FRESH_MS;
}

/** False when something is in it. */
function removeEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}
