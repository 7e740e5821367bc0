// Appends to logs. A log is addressed by offset, so what arrives twice changes nothing and what arrives too early is not taken:
// the reply says where each stream ends, and the agent goes on from there.
import { attemptKey, type AttemptReference, lockDeliveries, numbersByExperiment, proveAttempts, type ProvenAttempt } from './attempt-proof.ts';
import { type LogStream, readLogEnds, streamKey, STREAMS, streamValues, type StreamName } from './log-chunks.ts';
import { trimLog } from './log-retention.ts';
import { rowSet } from './sql.ts';
import type { Store } from './store.ts';
import type { Transaction } from './writer.ts';

export interface LogPiece extends AttemptReference {
  readonly stream: StreamName;
  readonly offset: number;
  /** When the agent read it, by the agent's clock. */
  readonly at: number;
  /** The bytes, or the length of a hole that the agent had to leave. */
  readonly content: Uint8Array | { readonly dropped_bytes: number };
}

export interface LogDelivery {
  readonly agent_id: number;
  /** The agent's clock when it sent this; the difference to the server's corrects all moments. */
  readonly sent_at: number;
  readonly pieces: readonly LogPiece[];
}

export interface LogEnd {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
  readonly stream: StreamName;
  readonly end: number;
}

/** What is stored of a piece: its part beyond the known end. */
interface NewChunk extends LogStream {
  readonly first_offset: number;
  readonly length: number;
  readonly at: number;
  readonly bytes: Uint8Array | null;
}

/** Streams that nobody proved a right to are not in the reply: their agent keeps what it has. */
export async function appendLogs(tx: Transaction, store: Pick<Store, 'key' | 'blobs'>, delivery: LogDelivery): Promise<LogEnd[]> {
  await lockDeliveries(tx, delivery.agent_id);
  const proof = await proveAttempts(tx, store.key, delivery.pieces);
  const streams = new Map<string, LogStream & { readonly name: StreamName; readonly owner: ProvenAttempt }>();
  const pieces: LogPiece[] = [];
  for (const piece of delivery.pieces) {
    const owner = proof(piece);
    if (owner === null) continue;
    pieces.push(piece);
    const stream = { job_id: piece.job_id, attempt: piece.attempt, rank: piece.rank, stream: STREAMS[piece.stream], name: piece.stream, owner };
    streams.set(streamKey(stream), stream);
  }
  const before = await readLogEnds(tx, [...streams.values()]);
  const ends = new Map(before);
  const chunks = cutToNew(pieces, ends, tx.now - delivery.sent_at);
  if (chunks.length > 0) await insertChunks(tx, chunks);
  for (const [key, stream] of streams) {
    const blobs = await trimLog(tx, stream, { before: before.get(key) ?? 0, end: ends.get(key) ?? 0 });
    if (blobs.length > 0) tx.afterCommit(() => blobs.forEach((blob) => void store.blobs.remove(blob).catch(() => {})));
  }
  const changed = new Set(chunks.map(attemptKey));
  recordEvents(
    tx,
    [...streams.values()].filter((stream) => changed.has(attemptKey(stream))).map((stream) => stream.owner),
  );
  return [...streams].map(([key, { job_id, attempt, rank, name }]) => ({ job_id, attempt, rank, stream: name, end: ends.get(key) ?? 0 }));
}

/** Cuts what is known already, leaves out what would leave a gap, and moves the ends forward. */
function cutToNew(pieces: readonly LogPiece[], ends: Map<string, number>, shift: number): NewChunk[] {
  const chunks: NewChunk[] = [];
  for (const piece of [...pieces].sort((a, b) => a.offset - b.offset)) {
    const stream: LogStream = { job_id: piece.job_id, attempt: piece.attempt, rank: piece.rank, stream: STREAMS[piece.stream] };
    const key = streamKey(stream);
    const end = ends.get(key) ?? 0;
    const { content } = piece;
    const newEnd = piece.offset + (content instanceof Uint8Array ? content.byteLength : content.dropped_bytes);
    if (piece.offset > end || newEnd <= end || !Number.isSafeInteger(newEnd)) continue;
    const bytes = content instanceof Uint8Array ? content.subarray(end - piece.offset) : null;
    chunks.push({ ...stream, first_offset: end, length: newEnd - end, at: Math.round(piece.at + shift), bytes });
    ends.set(key, newEnd);
  }
  return chunks;
}

/** One statement: the rows as a list, their bytes as one value that is cut up in the database. */
async function insertChunks(tx: Transaction, chunks: readonly NewChunk[]): Promise<void> {
  const bytes = Buffer.concat(chunks.flatMap((chunk) => chunk.bytes ?? []));
  let position = 1;
  const rows = chunks.map((chunk) => {
    const row = [...streamValues(chunk), chunk.first_offset, chunk.length, chunk.at, chunk.bytes === null ? 1 : 0, position, chunk.bytes?.byteLength ?? 0];
    position += chunk.bytes?.byteLength ?? 0;
    return row;
  });
  const { dialect } = tx.sql;
  const all = dialect === 'sqlite' ? '?' : 'cast(? as bytea)';
  const columns = { job_id: 'int', attempt: 'int', rank: 'int', stream: 'int', first_offset: 'int', length: 'int', at: 'int' } as const;
  await tx.sql.run(
    `insert into log_chunk (job_id, attempt, rank, stream, first_offset, length, at, dropped, data)
     select v.job_id, v.attempt, v.rank, v.stream, v.first_offset, v.length, v.at, v.dropped,
       case when v.dropped = 1 then null else substr(${all}, cast(v.position as integer), cast(v.size as integer)) end
     from ${rowSet(dialect, { ...columns, dropped: 'int', position: 'int', size: 'int' })} as v`,
    [bytes, JSON.stringify(rows)],
  );
}

function recordEvents(tx: Transaction, attempts: readonly ProvenAttempt[]): void {
  for (const [experiment_id, jobs] of numbersByExperiment(attempts)) {
    const [jobId] = jobs.values();
    tx.event({ kind: 'logs_appended', experiment_id, actor: null, numbers: [...jobs.keys()], ...(jobs.size === 1 ? { job_id: jobId! } : {}) });
  }
}
