// What can be done with the agents of this machine: start, run, list, stop, restart. Used by `drover worker …` and by the
// agent's own command line.
import { join, resolve } from 'node:path';

import type { AgentContext, AgentOptions, StartedAgent } from './context.ts';
import type { ControlRequest } from './control-channel.ts';
import { instanceAlive, instanceStatus, startChild, tellInstance, waitForEnd } from './instance-process.ts';
import { hold, obtainInstance } from './launch.ts';
import { listInstances, readInstance, type RegisteredInstance } from './registry.ts';
import { runInstance } from './run-instance.ts';

export type { AgentContext, AgentOptions, StartedAgent } from './context.ts';
export { AgentFailure } from './context.ts';

/** Which agents of this machine and user: all conditions must hold. */
export interface AgentSelection {
  readonly cache: string | null;
  readonly experiment: string | null;
  /** Instance words or worker ids; null: every agent. */
  readonly names: readonly string[] | null;
  /** Leave the jobs running, to be taken over by the next start. */
  readonly keep: boolean;
  /** Instead of each job's own grace. */
  readonly grace_seconds?: number;
  /** Give jobs no grace, and kill an agent that does not end. */
  readonly force?: boolean;
}

export interface LocalAgent {
  readonly instance: string;
  readonly pid: number | null;
  readonly alive: boolean;
  readonly server: string;
  /** Null: all. */
  readonly experiments: readonly string[] | null;
  readonly worker_ids: readonly string[];
  readonly running_jobs: number;
  readonly log_file: string;
  readonly trouble: string | null;
}

export interface ForegroundAgent {
  readonly pid: number;
  readonly worker_ids: readonly string[];
  readonly exited: Promise<number>;
  /** Gives the jobs back, then ends. */
  stop(): Promise<void>;
}

/** In the background; resolves when it runs. */
export async function startAgent(context: AgentContext, options: AgentOptions): Promise<StartedAgent> {
  const started = await startChild(context, await obtainInstance(context, options), { parent_pipe: false });
  started.child.unref();
  const { child: _, ...agent } = started;
  return agent;
}

/** In this process, until it is told to end; resolves with the exit code. */
export async function runAgent(context: AgentContext, options: AgentOptions): Promise<number> {
  const { file } = await obtainInstance(context, options);
  return runInstance(context, file, { parent_pipe: options.parent_pipe, log: 'terminal' });
}

/** As a child of this process: when this one dies, it ends too, and its jobs go on. */
export async function spawnAgent(context: AgentContext, options: AgentOptions): Promise<ForegroundAgent> {
  const { child, pid, worker_ids } = await startChild(context, await obtainInstance(context, options), { parent_pipe: true });
  const exited = new Promise<number>((done) => {
    if (child.exitCode !== null) done(child.exitCode);
    else child.once('exit', (code) => done(code ?? 1));
  });
  return {
    pid,
    worker_ids,
    exited,
    async stop() {
      context.host.signal(pid, 'SIGTERM');
      await exited;
    },
  };
}

/** Only agents that live, unless dead ones are asked for. */
export async function listAgents(
  context: AgentContext,
  selection: AgentSelection,
  options: { readonly dead: boolean } = { dead: false },
): Promise<LocalAgent[]> {
  const agents: LocalAgent[] = [];
  for (const instance of select(context, selection)) {
    const { record } = instance;
    const alive = await instanceAlive(instance, context.host);
    if (!alive && !options.dead) continue;
    const status = alive ? await instanceStatus(instance) : null;
    agents.push({
      instance: record.instance,
      pid: alive ? (record.process?.pid ?? null) : null,
      alive,
      server: record.launch.server,
      experiments: record.launch.experiments,
      worker_ids: record.worker_ids,
      running_jobs: status?.running_jobs ?? 0,
      log_file: record.log_file,
      trouble: status?.trouble ?? null,
    });
  }
  return agents;
}

/** Instances that ended. One whose other workers go on is not among them. */
export async function stopAgents(context: AgentContext, selection: AgentSelection): Promise<string[]> {
  const chosen = await living(context, selection);
  const results = await Promise.all(chosen.map((instance) => endInstance(context, instance, selection)));
  return chosen.filter((_, index) => results[index]).map(({ record }) => record.instance);
}

/** Stops and starts again as they were launched; with `keep`, the jobs run on and are taken over. Always whole agents. */
export async function restartAgents(context: AgentContext, selection: AgentSelection): Promise<StartedAgent[]> {
  const started: StartedAgent[] = [];
  for (const instance of await living(context, selection)) {
    if (!(await endInstance(context, instance, { ...selection, names: null }))) continue;
    const { file, record } = readInstance(instance.file) ?? instance;
    const { child, ...agent } = await startChild(context, hold(context, file, record), { parent_pipe: false });
    child.unref();
    started.push(agent);
  }
  return started;
}

function select(context: AgentContext, selection: AgentSelection): RegisteredInstance[] {
  const cache = resolve(context.cwd, selection.cache ?? join(context.home, '.jd_cache'));
  return listInstances(cache).filter((instance) => {
    const { experiments } = instance.record.launch;
    const hasExperiment = selection.experiment === null || experiments === null || experiments.includes(selection.experiment);
    return hasExperiment && instance.record.machine === context.host.name && chosenSlots(instance, selection.names).length > 0;
  });
}

async function living(context: AgentContext, selection: AgentSelection): Promise<RegisteredInstance[]> {
  const chosen = select(context, selection);
  const alive = await Promise.all(chosen.map((instance) => instanceAlive(instance, context.host)));
  return chosen.filter((_, index) => alive[index]);
}

function chosenSlots({ record }: RegisteredInstance, names: readonly string[] | null): number[] {
  const all = [...record.worker_ids.keys()];
  return names === null || names.includes(record.instance) ? all : all.filter((slot) => names.includes(record.worker_ids[slot]!));
}

/** Jobs may use all the grace they were given; who is in a hurry says `force`. */
const END_LIMIT_MS = { asked: 3_600_000, kept: 10_000, forced: 20_000 };

/** True when the process of the instance has ended. */
async function endInstance(context: AgentContext, instance: RegisteredInstance, selection: AgentSelection): Promise<boolean> {
  const { host, clock } = context;
  const slots = chosenSlots(instance, selection.names);
  const partly = slots.length < instance.record.worker_ids.length;
  const grace = selection.force === true ? 0 : selection.grace_seconds;
  const stop: ControlRequest = { command: 'stop', ...(partly ? { slots } : {}), ...(grace === undefined ? {} : { grace_seconds: grace }) };
  const told = await tellInstance(instance, selection.keep ? { command: 'restart_keep' } : stop, host);
  if (partly && !selection.keep) return false;
  const limit_ms = selection.force === true ? END_LIMIT_MS.forced : selection.keep ? END_LIMIT_MS.kept : END_LIMIT_MS.asked;
  if (told && (await waitForEnd(instance, { host, clock, limit_ms }))) return true;
  const { process: identity } = instance.record;
  if ((selection.force !== true && !selection.keep) || identity === null || host.see(identity) !== 'alive') return false;
  host.signal(identity.pid, 'SIGKILL');
  return waitForEnd(instance, { host, clock, limit_ms: 5_000 });
}
