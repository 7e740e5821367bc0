// What a stored log is made of: rows that follow each other without gaps, each with its bytes in the row, in a blob, or dropped.
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

/** Bytes written so far, per attempt and rank of these jobs, holes included. */
export async function readLogSizes(reader: Reader, jobIds: readonly number[]): Promise<(AttemptName & { readonly stdout: number; readonly stderr: number })[]> {
  const end = (stream: number): string =>
    `coalesce((select c.first_offset + c.length from log_chunk c
       where c.job_id = a.job_id and c.attempt = a.attempt and c.rank = a.rank and c.stream = ${stream}
       order by c.first_offset desc limit 1), 0)`;
  return reader.sql.all(
    `select a.job_id, a.attempt, a.rank, ${end(STREAMS.stdout)} as stdout, ${end(STREAMS.stderr)} as stderr
     from ${rowSet(reader.sql.dialect, { job_id: 'int' })} as v cross join attempt a where a.job_id = v.job_id
     order by a.job_id, a.attempt, a.rank`,
    [JSON.stringify([...new Set(jobIds)].map((id) => [id]))],
  );
}
