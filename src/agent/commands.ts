// Starts agents on this machine: in the background, in this process, as a child. Used by `drover worker …`, `jd_worker_cli` and the
// agent's own command line.
import type { AgentContext } from './context.ts';
import { startChild } from './instance-process.ts';
import { obtainInstance } from './launch.ts';
import { runInstance } from './run-instance.ts';
import type { AgentOptions, ForegroundAgent, StartedAgent } from '../runtime/local-agents.ts';

export type { AgentContext } from './context.ts';
export { AgentFailure } from './context.ts';

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
