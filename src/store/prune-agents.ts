// Forgets agents that ended long ago, with their workers. What they did stays: jobs and attempts name their worker as text.
import { LIMITS } from '../core/limits.ts';

import { valueSet } from './sql.ts';
import type { Store } from './store.ts';

/** Gone for so long, and holding nothing. Needs the moment before which they were last heard. */
const GONE = `(left_at is not null or revoked_at is not null or liveness = 'lost') and coalesce(heard_at, created_at) < ? and coalesce(left_at, 0) < ?
  and not exists (select 1 from lease where lease.agent_id = agent.id)`;

/** Returns how many there were. Looks through all attempts when an agent is gone, so not often. */
export async function pruneAgents(store: Store, now: number): Promise<number> {
  const before = now - LIMITS.agent_kept_seconds.value * 1000;
  const gone = await store.sql.all<{ id: number; left_at: number | null }>(`select id, left_at from agent where ${GONE}`, [before, before]);
  if (gone.length === 0) return 0;
  const set = valueSet(store.dialect, 'int');
  // An attempt that the server ended may have gone on without it: an agent that did not sign off may yet come back with the end of it.
  const waited = await store.sql.all<{ agent_id: number }>(
    `select distinct agent_id from attempt where outcome in ('lost', 'released') and late_at is null and recorded_at > ? and agent_id in ${set}`,
    [now - LIMITS.undelivered_seconds.value * 1000, JSON.stringify(gone.filter((agent) => agent.left_at === null).map((agent) => Number(agent.id)))],
  );
  const kept = new Set(waited.map((row) => Number(row.agent_id)));
  const ids = JSON.stringify(gone.map((agent) => Number(agent.id)).filter((id) => !kept.has(id)));
  return store.write(async (tx) => {
    // Judged again: it may have come back meanwhile.
    const deleted = await tx.sql.all<{ id: number }>(`delete from agent where id in ${set} and ${GONE} returning id`, [ids, before, before]);
    const gone_ids = JSON.stringify(deleted.map((agent) => Number(agent.id)));
    for (const table of ['worker', 'door_worker', 'machine_sample', 'event_worker'])
      await tx.sql.run(`delete from ${table} where agent_id in ${set}`, [gone_ids]);
    return deleted.length;
  });
}
