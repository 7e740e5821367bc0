// Work that nobody waits for: a fault of it is logged and ends nothing else, because it is tried again later.
import type { ServerContext } from './context.ts';

export async function guarded({ log }: Pick<ServerContext, 'log'>, what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error({ err: error, what }, 'sweep failed');
  }
}
