// Brings the workers of one experiment on this machine to a number: first those are called back that were told to leave, then an agent
// grows; idle workers go before busy ones.
import { workerId } from '../core/identifiers.ts';
import { LIMITS } from '../core/limits.ts';
import { AgentFailure, type AgentContext } from './context.ts';
import { instanceStatus, tellInstance } from './instance-process.ts';
import { workerStatus } from './local-agents.ts';
import { readInstance, type RegisteredInstance } from './registry.ts';
import { living } from './selection.ts';
import { startAgain, stopAgents } from './stopping.ts';
import type { ScaleRequest, Scaled } from '../runtime/local-agents.ts';

interface Place {
  readonly instance: RegisteredInstance;
  readonly slot: number;
  readonly id: string;
  readonly leaving: boolean;
  /** When its job began; null: idle. Milliseconds since 1970. */
  readonly busy_since: number | null;
}

export async function scaleWorkers(context: AgentContext, { cache, experiment, workers }: ScaleRequest): Promise<Scaled> {
  // An agent that serves every experiment is not this one's to change.
  const instances = (await living(context, { cache, experiment, names: null })).filter(({ record }) => record.launch.experiments !== null);
  if (instances.length === 0) throw new AgentFailure(`No workers of ${experiment} run on this machine, so there is nothing to scale. Start some first.`);
  const places = (await Promise.all(instances.map((instance) => placesOf(instance)))).flat();
  const active = places.filter(({ leaving }) => !leaving);
  const missing = workers - active.length;
  const none = { before: active.length, started: [], stopped: [], leaving: [] };
  if (missing === 0) return none;
  if (missing > 0) return { ...none, started: await grow(context, { instances, places, missing }) };
  const names = [...active]
    .sort(firstToGo)
    .slice(0, -missing)
    .map(({ id }) => id);
  const { workers: stopped, leaving } = await stopAgents(context, {
    ...{ cache, experiment, names, keep: false },
    ...{ grace_seconds: LIMITS.stop_seconds.value, kill: true },
  });
  return { ...none, stopped, leaving };
}

async function placesOf(instance: RegisteredInstance): Promise<Place[]> {
  const status = await instanceStatus(instance);
  if (status === null) throw new AgentFailure(`The agent ${instance.record.instance} does not answer. Its log: ${instance.record.log_file}`);
  return instance.record.worker_ids.map((id, slot) => {
    const worker = status.workers.find((each) => each.slot === slot);
    const shown = worker === undefined ? 'stopped' : workerStatus(worker);
    const leaving = ['stopped', 'draining', 'stopping'].includes(shown);
    return { instance, slot, id, leaving, busy_since: worker === undefined || worker.job === null ? null : (worker.job.started_at ?? Infinity) };
  });
}

/** Idle ones first, then those whose job began last: the least work is lost. Of equals, the newest. */
function firstToGo(a: Place, b: Place): number {
  const since = (place: Place): number => place.busy_since ?? Infinity;
  if ((a.busy_since === null) !== (b.busy_since === null)) return a.busy_since === null ? -1 : 1;
  if (since(a) !== since(b)) return since(b) - since(a);
  return b.instance.record.started_at - a.instance.record.started_at || b.slot - a.slot;
}

interface Growth {
  readonly instances: readonly RegisteredInstance[];
  readonly places: readonly Place[];
  readonly missing: number;
}

async function grow(context: AgentContext, { instances, places, missing }: Growth): Promise<string[]> {
  const back = places.filter(({ leaving }) => leaving).slice(0, missing);
  for (const { instance, slot } of back) await tellInstance(instance, { command: 'resume', slots: [slot] }, context.host);
  const more = missing - back.length;
  const ids = back.map(({ id }) => id);
  return more === 0 ? ids : [...ids, ...(await enlarge(context, instances, more))];
}

/** The newest agent in the background starts again with more workers; its jobs run on meanwhile. */
async function enlarge(context: AgentContext, instances: readonly RegisteredInstance[], more: number): Promise<string[]> {
  const able = instances.filter(({ record }) => !record.attached);
  const newest = able.toSorted((a, b) => b.record.started_at - a.record.started_at)[0];
  if (newest === undefined)
    throw new AgentFailure('These workers belong to a terminal, where their agent runs in the foreground. Start others in the background.');
  const count = newest.record.worker_ids.length + more;
  const most = LIMITS.workers_per_agent.value;
  if (count > most) throw new AgentFailure(`An agent has at most ${most} workers; ${newest.record.instance} would have ${count}.`);
  const { agents } = await stopAgents(context, { cache: newest.record.launch.cache, experiment: null, names: [newest.record.instance], keep: true });
  if (!agents.includes(newest.record.instance))
    throw new AgentFailure(`The agent ${newest.record.instance} did not make place for a larger one. Its log: ${newest.record.log_file}`);
  const { file, record } = readInstance(newest.file) ?? newest;
  const worker_ids = Array.from({ length: count }, (_, slot) => workerId(record.host, record.instance, slot));
  const started = await startAgain(context, { file, record: { ...record, worker_ids, launch: { ...record.launch, workers: count } } });
  return started.worker_ids.slice(-more);
}
