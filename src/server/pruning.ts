// What becomes too old goes; what is stored in small pieces is put together.
import { compactLogs } from '../store/log-compaction.ts';
import { pruneEvents, pruneTransientEvents } from '../store/events.ts';
import { pruneIdempotency } from '../store/idempotency.ts';
import { removeOrphanBlobs } from '../store/orphans.ts';
import { pruneSessions } from '../store/access.ts';

import type { ServerContext } from './context.ts';

/** Events older than this are history that nobody watches live; the attempts and jobs they explain stay. */
const EVENTS_KEPT_MS = 180 * 24 * 3600 * 1000;
const EVENTS_AT_ONCE = 5_000;

/** Every few minutes. */
export async function pruneAll({ store }: ServerContext): Promise<void> {
  await store.write((tx) => pruneIdempotency(tx, tx.now));
  await store.write(pruneSessions);
  await store.write(pruneTransientEvents);
  await store.write((tx) => pruneEvents(tx, tx.now - EVENTS_KEPT_MS, EVENTS_AT_ONCE));
}

/** Once a day: looks at every blob there is. */
export async function removeOrphans({ store, clock }: ServerContext): Promise<void> {
  await removeOrphanBlobs(store, clock.now());
}

/** With every sweep: goes on where the previous one stopped. */
export async function compact({ store }: ServerContext): Promise<void> {
  for (let more = true; more;) ({ more } = await compactLogs(store));
}
