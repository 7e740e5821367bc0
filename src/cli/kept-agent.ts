// The agent of `drover up`: when it dies, another one takes its place and adopts its jobs, so that a night's sweep does not stand still.
import type { CliDependencies } from './dependencies.ts';
import type { ForegroundAgent } from '../runtime/local-agents.ts';

export interface KeptAgent {
  readonly worker_ids: readonly string[];
  /** Gives the jobs back, then ends. */
  stop(): Promise<void>;
}

export interface KeptAgentOptions {
  readonly start: () => Promise<ForegroundAgent>;
  readonly say: (sentence: string) => void;
  readonly clock: CliDependencies['clock'];
  /** Aborted when it is no longer wanted. */
  readonly over: AbortSignal;
}

/** What an agent ends with when it was revoked, or another process has its place. */
const REPLACED = 3;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;
/** One that ran for so long is started again without a longer wait. */
const STEADY_MS = 60_000;

/** The first start may fail; later ones are tried again. */
export async function keepAgent(options: KeptAgentOptions): Promise<KeptAgent> {
  let current = await options.start();
  const { worker_ids } = current;
  const watching = watch(options, current, (agent) => (current = agent));
  return {
    worker_ids,
    async stop() {
      await current.stop();
      await watching;
    },
  };
}

async function watch({ start, say, clock, over }: KeptAgentOptions, first: ForegroundAgent, replace: (agent: ForegroundAgent) => void): Promise<void> {
  let agent: ForegroundAgent | null = first;
  let delay = FIRST_DELAY_MS;
  while (!over.aborted) {
    if (agent !== null) {
      const began = clock.monotonic();
      const code = await Promise.race([agent.exited, aborted(over)]);
      if (code === null) return;
      if (code === 0 || code === REPLACED) return say(code === 0 ? STOPPED : SHUT_OUT);
      if (clock.monotonic() - began >= STEADY_MS) delay = FIRST_DELAY_MS;
      say('The agent died. Its jobs go on; another agent takes over.');
    }
    await clock.sleep(delay, over);
    delay = Math.min(LONGEST_DELAY_MS, delay * 2);
    if (over.aborted) return;
    agent = await start().catch((error: unknown) => {
      say(`The agent could not be started: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    });
    if (agent !== null) replace(agent);
  }
  // It was started while the end began.
  if (agent !== null && agent !== first) await agent.stop();
}

const STOPPED = 'The agent was stopped, so no job runs here. Start another one: drover worker start';
const SHUT_OUT = 'The agent was revoked, or another process has taken its place, so no new job runs here. Start another one: drover worker start';

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
