// Reads a log as bytes, piece by piece, so that its size does not matter. Meanwhile pieces may be compacted or trimmed: every page
// of rows is matched with the bytes that are found, and read again from where it stopped matching.
import type { Blobs } from './blobs.ts';
import { type ChunkRow, type LogStream, OF_STREAM, readLogEnds, streamKey, streamValues, toBytes } from './log-chunks.ts';
import type { Reader } from './store.ts';

export interface LogRange {
  readonly from: number;
  /** Excluded. */
  readonly to: number;
}

export interface LogView {
  /** Up to which offset the stream has arrived. */
  readonly size: number;
  readonly range: LogRange;
  /** Parts of the range that were dropped. */
  readonly holes: readonly LogRange[];
}

export interface LogQuestion {
  readonly stream: LogStream;
  /** Negative: from the end. */
  readonly from: number;
  readonly length?: number | undefined;
}

export async function viewLog(reader: Reader, question: LogQuestion): Promise<LogView> {
  const { stream } = question;
  const ends = await readLogEnds(reader, [stream]);
  const size = ends.get(streamKey(stream)) ?? 0;
  const from = question.from < 0 ? Math.max(0, size + question.from) : Math.min(question.from, size);
  const to = question.length === undefined ? size : Math.min(size, from + question.length);
  return { size, range: { from, to }, holes: await readHoles(reader, stream, { from, to }) };
}

async function readHoles(reader: Reader, stream: LogStream, { from, to }: LogRange): Promise<LogRange[]> {
  const rows = await reader.sql.all<Pick<ChunkRow, 'first_offset' | 'length'>>(
    `select first_offset, length from log_chunk where ${OF_STREAM} and dropped = 1 and first_offset < ? and first_offset + length > ? order by first_offset`,
    [...streamValues(stream), to, from],
  );
  const holes: { from: number; to: number }[] = [];
  for (const { first_offset, length } of rows) {
    const last = holes.at(-1);
    if (last !== undefined && last.to === first_offset) last.to += length;
    else holes.push({ from: first_offset, to: first_offset + length });
  }
  return holes.map((hole) => ({ from: Math.max(hole.from, from), to: Math.min(hole.to, to) }));
}

const ROWS_PER_PAGE = 512;
const BYTES_PER_PAGE = 1024 * 1024;
/** A row whose bytes are not found although it is listed again and again is damage, not compaction. */
const TRIES = 5;

/** The bytes of a range, holes skipped. */
export async function* readLogBytes(reader: Reader, blobs: Blobs, { stream, from, to }: LogRange & { readonly stream: LogStream }): AsyncGenerator<Uint8Array> {
  let position = from;
  let tries = 0;
  while (position < to) {
    const rows = await readPage(reader, stream, { from: position, to });
    if (rows.length === 0) return;
    const bytes = await readInlineBytes(reader, stream, rows);
    const before = position;
    for (const row of rows) {
      const end = row.first_offset + row.length;
      if (row.dropped === 0) {
        const part = { from: position - row.first_offset, to: Math.min(end, to) - row.first_offset };
        const pieces = row.blob_key === null ? inlinePiece(bytes.get(row.first_offset), row, part) : await openBlob(blobs, row.blob_key, part);
        if (pieces === null) break;
        yield* pieces;
      }
      position = Math.min(end, to);
    }
    tries = position === before ? tries + 1 : 0;
    if (tries === TRIES) throw new Error(`The log has no bytes at offset ${position}.`);
  }
}

/** The next rows, as many as may be held in memory at once: blobs are streamed and count nothing. */
async function readPage(reader: Reader, stream: LogStream, { from, to }: LogRange): Promise<ChunkRow[]> {
  const rows = await reader.sql.all<ChunkRow>(
    `select first_offset, length, at, blob_key, dropped from log_chunk
     where ${OF_STREAM} and first_offset < ? and first_offset >= coalesce(
       (select max(first_offset) from log_chunk where ${OF_STREAM} and first_offset <= ?), 0)
     order by first_offset limit ${ROWS_PER_PAGE}`,
    [...streamValues(stream), to, ...streamValues(stream), from],
  );
  let held = 0;
  const count = rows.findIndex((row) => {
    if (isInline(row)) held += row.length;
    return held > BYTES_PER_PAGE;
  });
  return count === -1 ? rows : rows.slice(0, Math.max(1, count));
}

function isInline(row: ChunkRow): boolean {
  return row.dropped === 0 && row.blob_key === null;
}

async function readInlineBytes(reader: Reader, stream: LogStream, rows: readonly ChunkRow[]): Promise<Map<number, Uint8Array>> {
  const inline = rows.filter(isInline);
  if (inline.length === 0) return new Map();
  const found = await reader.sql.all<{ first_offset: number; data: Uint8Array | ArrayBuffer }>(
    `select first_offset, data from log_chunk where ${OF_STREAM} and data is not null and first_offset >= ? and first_offset <= ?`,
    [...streamValues(stream), inline[0]!.first_offset, inline.at(-1)!.first_offset],
  );
  return new Map(found.map((row) => [row.first_offset, toBytes(row.data)]));
}

function inlinePiece(bytes: Uint8Array | undefined, row: ChunkRow, part: LogRange): Uint8Array[] | null {
  return bytes?.byteLength === row.length ? [bytes.subarray(part.from, part.to)] : null;
}

/** Null when the blob is gone: the rows have changed meanwhile. Once open, it can be read to its end. */
async function openBlob(blobs: Blobs, key: string, part: LogRange): Promise<AsyncIterable<Uint8Array> | null> {
  const pieces = (blobs.read(key, part) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  try {
    const first = await pieces.next();
    return resumed(first, pieces);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function* resumed(first: IteratorResult<Uint8Array>, pieces: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await pieces.next()) yield next.value;
  } finally {
    await pieces.return?.();
  }
}
