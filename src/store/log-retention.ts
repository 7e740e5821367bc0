// Keeps the beginning and the end of a log that grows without bound; what is deleted between them stays as one hole.
import { LIMITS } from '../core/limits.ts';

import { type ChunkRow, type LogStream, OF_STREAM, streamValues } from './log-chunks.ts';
import type { Transaction } from './writer.ts';

const HEAD = LIMITS.log_head_bytes.value;
const TAIL = LIMITS.log_tail_bytes.value;
/** A stream is trimmed each time it grew by this much, not with every line. */
const STEP = 1024 * 1024;

/** Deletes whole chunks beyond the kept parts. Returns blobs that nothing points to any more, to be removed after the commit. */
export async function trimLog(tx: Transaction, stream: LogStream, grown: { readonly before: number; readonly end: number }): Promise<string[]> {
  const { before, end } = grown;
  if (end <= HEAD + TAIL || Math.floor(before / STEP) === Math.floor(end / STEP)) return [];
  const middle = await tx.sql.all<Pick<ChunkRow, 'first_offset' | 'length' | 'at' | 'dropped'>>(
    `select first_offset, length, at, dropped from log_chunk
     where ${OF_STREAM} and first_offset >= ? and first_offset < ? and first_offset + length <= ? order by first_offset`,
    [...streamValues(stream), HEAD, end - TAIL, end - TAIL],
  );
  const first = middle[0];
  if (first === undefined || (middle.length === 1 && first.dropped === 1)) return [];
  const length = middle.reduce((sum, row) => sum + row.length, 0);
  const removed = await tx.sql.all<{ blob_key: string | null }>(
    `delete from log_chunk where ${OF_STREAM} and first_offset >= ? and first_offset < ? returning blob_key`,
    [...streamValues(stream), first.first_offset, first.first_offset + length],
  );
  await tx.sql.run(
    `insert into log_chunk (job_id, attempt, rank, stream, first_offset, length, at, data, blob_key, dropped) values (?, ?, ?, ?, ?, ?, ?, null, null, 1)`,
    [...streamValues(stream), first.first_offset, length, first.at],
  );
  return removed.flatMap((row) => row.blob_key ?? []);
}
