// Puts the server's parts together. Whoever wants a server without a socket (tests, the simulation) begins here.
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Store } from '../store/store.ts';

import { createAccess } from './access.ts';
import type { ServerContext } from './context.ts';
import { createPinGuard } from './pin-guard.ts';
import { createEventStream } from './stream.ts';
import { createSyncDesk } from './sync-desk.ts';

export interface ContextOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly random: () => number;
  readonly artifact_limit_bytes: number;
  /** Aborted when the server ends. */
  readonly stopping: AbortSignal;
}

export function createContext(options: ContextOptions): ServerContext {
  const { store, clock, log } = options;
  const desk = createSyncDesk(store, clock, options.random);
  const stream = createEventStream({ store, clock, log });
  options.stopping.addEventListener(
    'abort',
    () => {
      desk.close();
      stream.close();
    },
    { once: true },
  );
  return { ...options, started_at: clock.now(), desk, stream, access: createAccess({ store, clock, log }), pins: createPinGuard(clock) };
}
