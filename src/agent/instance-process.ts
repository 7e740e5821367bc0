// The process of an agent, seen from another one: does it live, start it in the background, wait for it, end it.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';

import type { Clock } from '../runtime/clock.ts';
import { lastLines, openLogFile } from './agent-log.ts';
import { AgentFailure, type AgentContext } from './context.ts';
import { askControl, socketPath, type ControlRequest, type ControlStatus } from './control-channel.ts';
import type { Host } from './host.ts';
import { agentEnvironment } from './job-environment.ts';
import { readInstance, type InstanceRecord, type RegisteredInstance } from './registry.ts';
import type { StartedAgent } from '../runtime/local-agents.ts';

/** Whether its process lives, as far as can be known from here; when in doubt it does. */
export async function instanceAlive({ file, record }: RegisteredInstance, host: Host): Promise<boolean> {
  if (record.machine !== host.name) return true;
  if (record.process === null) return false;
  const sight = host.see(record.process);
  if (sight !== 'elsewhere') return sight === 'alive';
  // After a reboot nothing of before lives. In another pid namespace of this boot only the socket can tell.
  if (record.process.boot_id !== host.boot_id) return false;
  return (await askControl(socketPath(file), { command: 'status' })) !== 'refused';
}

export async function instanceStatus(instance: RegisteredInstance): Promise<ControlStatus | null> {
  const reply = await askControl(socketPath(instance.file), { command: 'status' });
  return reply !== null && reply !== 'refused' && reply.ok ? reply.status : null;
}

/** Tells a running agent something; by a signal when its socket does not answer. */
export async function tellInstance({ file, record }: RegisteredInstance, request: ControlRequest, host: Host): Promise<boolean> {
  const reply = await askControl(socketPath(file), request);
  if (reply !== null && reply !== 'refused') return reply.ok;
  const wholeStop = request.command === 'stop' && request.slots === undefined;
  if (!wholeStop || record.process === null || host.see(record.process) !== 'alive') return false;
  return host.signal(record.process.pid, 'SIGTERM');
}

/** True when the process has gone before the time is over. */
export async function waitForEnd(instance: RegisteredInstance, options: { host: Host; clock: Clock; limit_ms: number }): Promise<boolean> {
  const deadline = options.clock.monotonic() + options.limit_ms;
  for (;;) {
    const now = readInstance(instance.file);
    if (now === null || !(await instanceAlive(now, options.host))) return true;
    if (options.clock.monotonic() >= deadline) return false;
    await options.clock.sleep(30);
  }
}

export interface ChildOptions {
  /** The child ends, keeping its jobs, when our end of this pipe closes. */
  readonly parent_pipe: boolean;
}

export interface StartedChild extends StartedAgent {
  readonly child: ChildProcess;
}

const READY_LIMIT_MS = 15_000;

/** Starts the process of an instance that this one holds, and waits until it answers. */
export async function startChild(context: AgentContext, instance: RegisteredInstance, options: ChildOptions): Promise<StartedChild> {
  const { file, record } = instance;
  const log = openLogFile(record.log_file);
  const flags = options.parent_pipe ? ['--parent-pipe'] : [];
  let child: ChildProcess;
  try {
    child = spawn(context.node, [...(context.agent_file === null ? [] : [context.agent_file]), 'run', '--registry', file, ...flags], {
      cwd: record.launch.cwd,
      env: agentEnvironment(context.env),
      detached: true,
      stdio: [options.parent_pipe ? 'pipe' : 'ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
  await waitUntilReady(context, record, { file, child });
  const ready = readInstance(file)?.record ?? record;
  return { child, pid: child.pid ?? 0, instance: ready.instance, worker_ids: ready.worker_ids, log_file: ready.log_file };
}

async function waitUntilReady({ clock }: AgentContext, record: InstanceRecord, { file, child }: { file: string; child: ChildProcess }): Promise<void> {
  let gone: string | null = null;
  child.once('error', (error) => (gone = error.message));
  child.once('exit', (code, signal) => (gone = `it ended at once (${signal ?? `exit code ${code}`})`));
  const deadline = clock.monotonic() + READY_LIMIT_MS;
  for (;;) {
    const reply = await askControl(socketPath(file), { command: 'status' });
    if (reply !== null && reply !== 'refused' && reply.ok && reply.status.pid === child.pid) return;
    if (gone !== null) throw new AgentFailure(`The agent did not start: ${gone as string}. The end of ${record.log_file}:\n${lastLines(record.log_file, 10)}`);
    if (clock.monotonic() > deadline) throw new AgentFailure(`The agent did not answer within ${READY_LIMIT_MS / 1000} s. See ${record.log_file}.`);
    await clock.sleep(15);
  }
}
