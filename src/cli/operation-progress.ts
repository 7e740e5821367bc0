// Waits for a bulk action that goes on in the background, with a progress line; leaving here does not stop it.
import type { Context } from './context.ts';
import type { ApiClient } from './connection.ts';
import { CliFailure, EXIT } from './failure.ts';
import { addProgress, createProgressLine, emptyProgress, progressStream } from './progress-line.ts';
import { trouble, wakeOnEvents, watchCounts } from './watch.ts';

export type Operation = Awaited<ReturnType<ApiClient['jobs']['operation']>>;

export async function waitForOperation(context: Context, experiment: string, started: Operation): Promise<Operation> {
  const { client } = await context.connection();
  const { clock } = context.dependencies;
  const line = createProgressLine(context.dependencies, progressStream(context));
  const interrupted = new AbortController();
  const release = context.dependencies.onInterrupt(() => interrupted.abort());
  let progress = emptyProgress();
  let known: Operation | null = started;
  const read = async (): Promise<Operation> => {
    const operation = known ?? (await client.jobs.operation({ params: { experiment, operation_id: started.id } }));
    known = null;
    return operation;
  };
  const onTrouble = (error: Error | null): void => line.say(trouble(error));
  try {
    for await (const operation of watchCounts({ read, wake: wakeOnEvents(client, [experiment]), clock, signal: interrupted.signal, onTrouble })) {
      if (operation.problem !== null) throw new CliFailure(EXIT.refused, `It ended after ${operation.done.toLocaleString('en-US')} jobs: ${operation.problem}`);
      const { done: ended, matched: total } = operation;
      progress = addProgress(progress, { at: clock.monotonic(), ended, total });
      line.update({ label: `${operation.action.replace('_', ' ')} ${experiment}`, ended, total, details: [], progress });
      if (operation.state === 'done') return operation;
    }
    throw new CliFailure(EXIT.interrupted, `Operation ${started.id} of ${experiment} goes on in the background.`);
  } finally {
    release();
    line.finish();
  }
}
