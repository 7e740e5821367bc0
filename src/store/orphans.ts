// Finds blobs that no row names: a crash between storing a blob and committing its row leaves one behind.
import type { Reader, Store } from './store.ts';

const DAY_MS = 24 * 3600 * 1000;
const ROWS_AT_ONCE = 5_000;

/** So many blobs are held in memory and looked up together. */
const BLOBS_AT_ONCE = 200_000;

/** Removes blobs older than a day that nothing points to; returns how many. For the sweeper, once a day. */
export async function removeOrphanBlobs(store: Store, now: number): Promise<number> {
  let removed = 0;
  let old = new Set<string>();
  for await (const blob of store.blobs.list()) {
    if (blob.modified_at < now - DAY_MS) old.add(blob.key);
    if (old.size < BLOBS_AT_ONCE) continue;
    removed += await removeUnnamed(store, old);
    old = new Set();
  }
  return removed + (await removeUnnamed(store, old));
}

async function removeUnnamed(store: Store, keys: Set<string>): Promise<number> {
  if (keys.size === 0) return 0;
  for await (const named of namedBlobs(store)) for (const key of named) keys.delete(key);
  for (const key of keys) await store.blobs.remove(key);
  return keys.size;
}

async function* namedBlobs(reader: Reader): AsyncGenerator<string[]> {
  for (let after = 0; ;) {
    const rows = await reader.sql.all<{ id: number; blob_key: string }>(`select id, blob_key from artifact where id > ? order by id limit ${ROWS_AT_ONCE}`, [
      after,
    ]);
    yield rows.map((row) => row.blob_key);
    if (rows.length < ROWS_AT_ONCE) break;
    after = rows.at(-1)!.id;
  }
  for (let after = 0; ;) {
    // Whole jobs at a time: the next page begins behind the last job of this one.
    const rows = await reader.sql.all<{ job_id: number }>(`select distinct job_id from log_chunk where job_id > ? order by job_id limit ${ROWS_AT_ONCE}`, [
      after,
    ]);
    const last = rows.at(-1);
    if (last === undefined) return;
    const blobs = await reader.sql.all<{ blob_key: string }>(`select blob_key from log_chunk where job_id > ? and job_id <= ? and blob_key is not null`, [
      after,
      last.job_id,
    ]);
    yield blobs.map((row) => row.blob_key);
    after = last.job_id;
  }
}
