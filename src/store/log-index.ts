// When the pieces of a log arrived. Rows know their own moment; a compacted blob carries the moments of its pieces behind its bytes.
import type { Blobs } from './blobs.ts';
import { type ChunkRow, type LogStream, OF_STREAM, streamValues } from './log-chunks.ts';
import type { Reader } from './store.ts';

export interface LogPieceMoment {
  readonly offset: number;
  readonly length: number;
  readonly at: number;
  readonly dropped: boolean;
}

/** Moments kept for one blob. */
const PIECES_PER_BLOB = 1_000;
/** No trailer is longer: pieces times two numbers of at most 16 digits. */
const TRAILER_BYTES = 48 * 1024;

/** What stands in a blob behind the bytes of its pieces: `[[length, at], …]`. */
export function encodeTrailer(pieces: readonly LogPieceMoment[]): Uint8Array {
  return Buffer.from(JSON.stringify(mergePieces(pieces, PIECES_PER_BLOB).map((piece) => [piece.length, piece.at])));
}

/** The pieces of a blob; one piece when its trailer cannot be read, because times are less than the log. */
async function readTrailer(blobs: Blobs, chunk: ChunkRow): Promise<LogPieceMoment[]> {
  const whole = { offset: chunk.first_offset, length: chunk.length, at: chunk.at, dropped: false };
  try {
    const parts: Uint8Array[] = [];
    for await (const part of blobs.read(chunk.blob_key!, { from: chunk.length, to: chunk.length + TRAILER_BYTES })) parts.push(part as Uint8Array);
    const pairs = JSON.parse(Buffer.concat(parts).toString('utf8')) as [number, number][];
    let offset = chunk.first_offset;
    return pairs.map(([length, at]) => {
      const piece = { offset, length, at, dropped: false };
      offset += length;
      return piece;
    });
  } catch {
    return [whole];
  }
}

/** The pieces of a stream, merged to at most `most`. */
export async function readLogIndex(reader: Reader, blobs: Blobs, question: { readonly stream: LogStream; readonly most: number }): Promise<LogPieceMoment[]> {
  const rows = await reader.sql.all<ChunkRow>(
    `select first_offset, length, at, blob_key, dropped from log_chunk where ${OF_STREAM} order by first_offset`,
    streamValues(question.stream),
  );
  const pieces: LogPieceMoment[] = [];
  for (const row of rows) {
    if (row.blob_key !== null) pieces.push(...(await readTrailer(blobs, row)));
    else pieces.push({ offset: row.first_offset, length: row.length, at: row.at, dropped: row.dropped === 1 });
  }
  return mergePieces(pieces, question.most);
}

/** Joins neighbours until there are few enough; a hole stays a piece of its own. */
function mergePieces(pieces: readonly LogPieceMoment[], most: number): LogPieceMoment[] {
  const joined = Math.max(1, Math.ceil(pieces.length / most));
  const merged: { offset: number; length: number; at: number; dropped: boolean; count: number }[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (last !== undefined && last.dropped === piece.dropped && (piece.dropped || last.count < joined)) {
      last.length += piece.length;
      last.count += 1;
    } else merged.push({ ...piece, count: 1 });
  }
  return merged.map(({ offset, length, at, dropped }) => ({ offset, length, at, dropped }));
}
