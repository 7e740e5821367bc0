// An orderly end: the first SIGINT or SIGTERM asks everybody to stop, in the reverse order of their start; the second one leaves at once.
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

export interface Shutdown {
  /** Aborted when the end was asked for. */
  readonly signal: AbortSignal;
  /** Registers what to do at the end; the last registered is done first. */
  add(name: string, stop: () => Promise<void>): void;
  /** Asks for the end, as a signal would. */
  begin(reason: string): void;
  /** Resolves when all have stopped or the time is over. */
  finished(): Promise<void>;
}

export function createShutdown(clock: Clock, log: Log, limitMs: number): Shutdown {
  const controller = new AbortController();
  const steps: { name: string; stop: () => Promise<void> }[] = [];
  let resolveFinished: () => void;
  const finished = new Promise<void>((resolve) => (resolveFinished = resolve));

  async function run(): Promise<void> {
    for (const step of steps.reverse()) {
      try {
        await step.stop();
      } catch (error) {
        log.error({ err: error, step: step.name }, 'could not stop cleanly');
      }
    }
  }

  return {
    signal: controller.signal,
    add: (name, stop) => void steps.push({ name, stop }),
    begin(reason) {
      if (controller.signal.aborted) return;
      log.debug({ reason }, 'stopping');
      controller.abort(new Error(reason));
      void Promise.race([run(), clock.sleep(limitMs)]).then(resolveFinished);
    },
    finished: () => finished,
  };
}

/** Ties a shutdown to the process's signals. */
export function onSignals(shutdown: Shutdown): void {
  let asked = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    asked += 1;
    if (asked > 1) process.exit(130);
    shutdown.begin(name);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
