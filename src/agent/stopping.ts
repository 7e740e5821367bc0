// Ends, drains and restarts agents of this machine, or some of their workers.
import { LIMITS } from '../core/limits.ts';
import type { AgentContext } from './context.ts';
import type { ControlRequest } from './control-channel.ts';
import { instanceAlive, instanceStatus, startChild, tellInstance, waitForEnd } from './instance-process.ts';
import { hold } from './launch.ts';
import { readInstance, type RegisteredInstance } from './registry.ts';
import { chosenSlots, living } from './selection.ts';
import type { AgentSelection, StartedAgent, StoppedWorkers } from '../runtime/local-agents.ts';

export async function stopAgents(context: AgentContext, selection: AgentSelection): Promise<StoppedWorkers> {
  const chosen = await living(context, selection);
  const ends = await Promise.all(chosen.map((instance) => endInstance(context, instance, selection)));
  const idsOf = (which: (end: End) => boolean): string[] => ends.flatMap((end) => (which(end) ? end.workers : []));
  const instancesOf = (which: (end: End) => boolean): string[] => chosen.filter((_, index) => which(ends[index]!)).map(({ record }) => record.instance);
  return {
    workers: idsOf(({ how }) => how !== 'not yet'),
    agents: instancesOf(({ how }) => how === 'ended' || how === 'killed'),
    killed: instancesOf(({ how }) => how === 'killed'),
    leaving: idsOf(({ how }) => how === 'not yet'),
  };
}

/** They take no more jobs and leave when what runs has ended. The ids of the workers that were told. */
export async function drainAgents(context: AgentContext, selection: AgentSelection): Promise<string[]> {
  const told: string[] = [];
  for (const instance of await living(context, selection)) {
    const slots = chosenSlots(instance, selection.names);
    if (await tellInstance(instance, { command: 'drain', slots }, context.host)) told.push(...slots.map((slot) => instance.record.worker_ids[slot]!));
  }
  return told;
}

/**
 * Stops and starts again as they were launched; with `keep`, the jobs run on and are taken over. Of an agent of which only some workers
 * are meant, these give their jobs back and begin anew.
 */
export async function restartAgents(context: AgentContext, selection: AgentSelection): Promise<StartedAgent[]> {
  const started: StartedAgent[] = [];
  for (const instance of await living(context, selection)) {
    const slots = chosenSlots(instance, selection.names);
    const some = slots.length < instance.record.worker_ids.length && !selection.keep;
    const { how, workers } = await endInstance(context, instance, some ? selection : { ...selection, names: null });
    if (how === 'not yet') continue;
    if (how === 'left') {
      await tellInstance(instance, { command: 'resume', slots }, context.host);
      const { record } = instance;
      started.push({ pid: record.process?.pid ?? 0, instance: record.instance, worker_ids: workers, log_file: record.log_file });
    } else {
      const { file, record } = readInstance(instance.file) ?? instance;
      started.push(await startAgain(context, { file, record: { ...record, sent_away: record.sent_away.filter((slot) => !slots.includes(slot)) } }));
    }
  }
  return started;
}

/** Of its workers only those are named that were not sent away before. */
export async function startAgain(context: AgentContext, { file, record }: RegisteredInstance): Promise<StartedAgent> {
  const { child, ...agent } = await startChild(context, hold(context, file, record), { parent_pipe: false });
  child.unref();
  return { ...agent, worker_ids: agent.worker_ids.filter((_, slot) => !record.sent_away.includes(slot)) };
}

interface End {
  /** `left`: these workers have, the agent goes on. */
  readonly how: 'ended' | 'killed' | 'left' | 'not yet';
  readonly workers: readonly string[];
}

/** Jobs may use all the grace they were given; who is in a hurry says `force`. */
const END_LIMIT_MS = { asked: 3_600_000, kept: 10_000, forced: 20_000 };
/** What an agent needs beside its jobs' grace: to tell the server, and to leave. */
const LEAVE_MS = 20_000;
const LOOK_MS = 50;

async function endInstance(context: AgentContext, instance: RegisteredInstance, selection: AgentSelection): Promise<End> {
  const { host, clock } = context;
  const slots = chosenSlots(instance, selection.names);
  const workers = slots.map((slot) => instance.record.worker_ids[slot]!);
  const partly = slots.length < instance.record.worker_ids.length && !selection.keep;
  const grace = selection.force === true ? 0 : selection.grace_seconds;
  const stop: ControlRequest = { command: 'stop', ...(partly ? { slots } : {}), ...(grace === undefined ? {} : { grace_seconds: grace }) };
  const told = await tellInstance(instance, selection.keep ? { command: 'restart_keep' } : stop, host);
  const limit_ms = endLimit(selection);
  if (partly) return { how: told ? await waitForSlots(context, instance, { slots, limit_ms }) : 'not yet', workers };
  if (told && (await waitForEnd(instance, { host, clock, limit_ms }))) return { how: 'ended', workers };
  const { process: identity } = instance.record;
  const mayKill = selection.force === true || selection.keep || selection.kill === true;
  if (!mayKill || identity === null || host.see(identity) !== 'alive') return { how: 'not yet', workers };
  host.signal(identity.pid, 'SIGKILL');
  return { how: (await waitForEnd(instance, { host, clock, limit_ms: 5_000 })) ? 'killed' : 'not yet', workers };
}

function endLimit({ force, keep, kill, grace_seconds }: AgentSelection): number {
  if (force === true) return END_LIMIT_MS.forced;
  if (keep) return END_LIMIT_MS.kept;
  return kill === true ? (grace_seconds ?? LIMITS.stop_seconds.value) * 1000 + LEAVE_MS : END_LIMIT_MS.asked;
}

/** Until no job of these slots is left. When they were the last ones, the agent ends. */
async function waitForSlots(
  { host, clock }: AgentContext,
  instance: RegisteredInstance,
  { slots, limit_ms }: { slots: readonly number[]; limit_ms: number },
): Promise<End['how']> {
  const deadline = clock.monotonic() + limit_ms;
  for (;;) {
    const status = await instanceStatus(instance);
    const rest = status?.workers.filter(({ slot, leaving, job }) => !leaving || (job !== null && slots.includes(slot)));
    if (rest !== undefined && rest.length > 0 && !rest.some(({ slot }) => slots.includes(slot))) return 'left';
    // Nothing is left to wait for but its end.
    if (!(await instanceAlive(readInstance(instance.file) ?? instance, host))) return 'ended';
    if (clock.monotonic() >= deadline) return 'not yet';
    await clock.sleep(LOOK_MS);
  }
}
