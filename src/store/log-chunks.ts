// What a stored log is made of: rows that follow each other without gaps, each with its bytes in the row, in a blob, or dropped.
import { isEnded, type JobStatus } from '../core/job.ts';

import type { AttemptName } from './attempt-proof.ts';
import { rowSet } from './sql.ts';
import type { Reader } from './store.ts';

export const STREAMS = { stdout: 1, stderr: 2 } as const;
export type StreamName = keyof typeof STREAMS;

export interface LogStream extends AttemptName {
  /** 1 stdout, 2 stderr. */
  readonly stream: number;
}

/** A row without its bytes. */
export interface ChunkRow {
  readonly first_offset: number;
  readonly length: number;
  readonly at: number;
  readonly blob_key: string | null;
  readonly dropped: 0 | 1;
}

/** Selects a stream's rows; takes streamValues. Columns are named so that the bytes are read only when asked for. */
export const OF_STREAM = 'job_id = ? and attempt = ? and rank = ? and stream = ?';

export function streamValues(stream: LogStream): [number, number, number, number] {
  return [stream.job_id, stream.attempt, stream.rank, stream.stream];
}

export function streamKey(stream: LogStream): string {
  return `${stream.job_id}.${stream.attempt}.${stream.rank}.${stream.stream}`;
}

/** libsql gives blobs as ArrayBuffer, pg as Buffer. */
export function toBytes(data: Uint8Array | ArrayBuffer): Uint8Array {
  return data instanceof Uint8Array ? data : new Uint8Array(data);
}

/** Up to which offset each stream is stored, by streamKey: one statement for the whole set. */
export async function readLogEnds(reader: Reader, streams: readonly LogStream[]): Promise<Map<string, number>> {
  if (streams.length === 0) return new Map();
  const rows = await reader.sql.all<LogStream & { end_offset: number | null }>(
    `select v.job_id, v.attempt, v.rank, v.stream,
       (select c.first_offset + c.length from log_chunk c
        where c.job_id = v.job_id and c.attempt = v.attempt and c.rank = v.rank and c.stream = v.stream
        order by c.first_offset desc limit 1) as end_offset
     from ${rowSet(reader.sql.dialect, { job_id: 'int', attempt: 'int', rank: 'int', stream: 'int' })} as v`,
    [JSON.stringify(streams.map(streamValues))],
  );
  return new Map(rows.map((row) => [streamKey(row), row.end_offset ?? 0]));
}

/** Where a stream stands: how much has arrived, and whether its attempt goes on. */
export interface LogState {
  readonly size: number;
  readonly job_ended: boolean;
  /** Attempts that the job has had; the newest has this number. */
  readonly attempts: number;
  /** Null when there is no such attempt (yet). */
  readonly attempt: { readonly ended: boolean; readonly recorded_at: number | null } | null;
}

/** Null when the job is gone. */
export async function readLogState(reader: Reader, stream: LogStream): Promise<LogState | null> {
  const { job_id, attempt, rank } = stream;
  const [row] = await reader.sql.all<{
    status: JobStatus;
    attempts: number;
    known: number | null;
    outcome: string | null;
    recorded_at: number | null;
    size: number | null;
  }>(
    `select j.status, j.attempts, a.attempt as known, a.outcome, a.recorded_at,
       (select first_offset + length from log_chunk where ${OF_STREAM} order by first_offset desc limit 1) as size
     from job j left join attempt a on a.job_id = j.id and a.attempt = ? and a.rank = ? where j.id = ?`,
    [...streamValues(stream), attempt, rank, job_id],
  );
  if (row === undefined) return null;
  const known = row.known === null ? null : { ended: row.outcome !== null, recorded_at: row.recorded_at };
  return { size: row.size ?? 0, job_ended: isEnded(row.status), attempts: row.attempts, attempt: known };
}
