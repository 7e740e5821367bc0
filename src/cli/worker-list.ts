// Reads workers: of one experiment, or of all that the caller may see.
import type { WorkerShape } from '../contract/schemas.ts';
import type { Context } from './context.ts';
import { CliFailure, EXIT } from './failure.ts';

/** Each once, although it may serve several experiments. */
export async function readWorkers(context: Context, state: 'active' | 'disabled' | 'all'): Promise<WorkerShape[]> {
  const { client } = await context.connection();
  const workers = new Map<string, WorkerShape>();
  for (const experiment of await experimentsMeant(context)) {
    const reply = await client.workers.list({ params: { experiment }, query: { state } });
    for (const worker of reply.workers) workers.set(worker.worker_id, worker);
  }
  return [...workers.values()];
}

/** An experiment through which a worker is reached. */
export async function experimentOfWorker(context: Context, worker: string): Promise<string> {
  const { client } = await context.connection();
  const meant = await experimentsMeant(context);
  if (meant.length === 1) return meant[0]!;
  for (const experiment of meant) {
    const { workers } = await client.workers.list({ params: { experiment } });
    if (workers.some(({ worker_id }) => worker_id === worker)) return experiment;
  }
  throw new CliFailure(EXIT.not_found, `There is no worker ${worker}. drover worker ls --state all shows them.`);
}

/** The one that was named, else all. */
export async function experimentsMeant(context: Context): Promise<string[]> {
  const { client } = await context.connection();
  const { settings } = await context.configuration();
  return settings.experiment !== null ? [settings.experiment] : (await client.experiments.list({})).experiments.map(({ name }) => name);
}

export async function* batch<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  yield items;
}
