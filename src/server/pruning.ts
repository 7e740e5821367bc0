// What becomes too old goes; what is stored in small pieces is put together. Everything in pieces, so that nobody waits for it.
import { LIMITS } from '../core/limits.ts';
import { pruneSessions } from '../store/access.ts';
import { forgetDeletedJobs } from '../store/deletions.ts';
import { pruneEvents, pruneTransientEvents } from '../store/events.ts';
import { pruneIdempotency } from '../store/idempotency.ts';
import { compactLogs } from '../store/log-compaction.ts';
import { thinSamples } from '../store/machine-samples.ts';
import { pruneOperations } from '../store/operations.ts';
import { removeOrphanBlobs } from '../store/orphans.ts';
import { pruneAgents } from '../store/prune-agents.ts';
import { pruneUnused } from '../store/prune-unused.ts';
import { purgeSome } from '../store/purge-experiment.ts';

import type { ServerContext } from './context.ts';
import { inPieces } from './pacing.ts';

const HISTORY_MS = LIMITS.history_seconds.value * 1000;
const EVENTS = { least: 500, most: 20_000 };
const SAMPLES = { least: 20, most: 1_000 };
const PURGED = { least: 50, most: 5_000 };

/** Every few minutes. */
export async function pruneAll({ store, clock }: ServerContext, signal: AbortSignal): Promise<void> {
  await store.write((tx) => pruneIdempotency(tx, tx.now));
  await store.write(pruneSessions);
  await store.write(pruneOperations);
  await store.write(forgetDeletedJobs);
  await inPieces(clock, EVENTS, async (rows) => (await store.write((tx) => pruneTransientEvents(tx, rows))) && !signal.aborted);
  await inPieces(clock, EVENTS, async (rows) => (await store.write((tx) => pruneEvents(tx, tx.now - HISTORY_MS, rows))) === rows && !signal.aborted);
  await inPieces(clock, SAMPLES, async (rows) => (await store.write((tx) => thinSamples(tx, rows))) && !signal.aborted);
}

/** Rows of deleted experiments. */
export async function purgeExperiments({ store, clock }: ServerContext, signal: AbortSignal): Promise<void> {
  await inPieces(clock, PURGED, async (rows) => {
    const purged = await store.write((tx) => purgeSome(tx, rows));
    for (const key of purged?.blobs ?? []) await store.blobs.remove(key);
    return purged !== null && !signal.aborted;
  });
}

/** Once a day: looks at every blob there is. */
export async function removeOrphans({ store, clock }: ServerContext): Promise<void> {
  await removeOrphanBlobs(store, clock.now());
}

/** Once a day: agents that nobody will hear of again. */
export async function forgetAgents({ store, clock }: ServerContext): Promise<void> {
  await pruneAgents(store, clock.now());
}

/** Once a day: what no job names any more. */
export async function forgetUnused({ store }: ServerContext): Promise<void> {
  await pruneUnused(store, 'demand');
  await pruneUnused(store, 'command');
  await pruneUnused(store, 'execution_place');
}

/** With every sweep: goes on where the previous one stopped. */
export async function compact({ store }: ServerContext): Promise<void> {
  for (let more = true; more;) ({ more } = await compactLogs(store));
}
