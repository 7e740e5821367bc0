// Ships what jobs print, by offset, while they run: bytes as they are, in order, with a hole where the backlog is longer
// than the server keeps anyway.
import type { Client, LogChunkShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { toIso, type Clock } from '../runtime/clock.ts';
import { maskPiece, type SecretMask } from './secret-mask.ts';
import { ship, STUCK_MS, type Piece, type Refusals } from './shipment.ts';
import { attemptKey, growthAt, referenceOf, UNREADABLE_AGAIN_MS, type LogName, type Spool } from './spool.ts';
import type { SpoolFiles } from './spool-files.ts';

export interface LogShippingParts extends Refusals {
  readonly clock: Clock;
  readonly client: Pick<Client, 'agents'>;
  readonly files: SpoolFiles;
  /** Takes note of what is about to be given back to the disk. */
  readonly onPunch: (spool: Spool, punched: { stdout: number; stderr: number }) => void;
}

const PIECE_BYTES = 1024 * 1024;
/** Files below this size keep their shipped bytes; above it they are given back in steps. */
const PUNCH_FROM_BYTES = 64 * 1024 * 1024;
const PUNCH_STEP_BYTES = 16 * 1024 * 1024;

/** What may be the beginning of a secret waits so long for the rest of it; then a live log goes on. */
export const QUIET_MS = 2_000;

/** Ships up to one request of what waits. */
export async function shipLogs(spools: readonly Spool[], parts: LogShippingParts, signal: AbortSignal): Promise<'more' | 'idle'> {
  const pieces = await collect(spools, parts);
  if (pieces.length === 0) return 'idle';
  await ship(pieces, (some) => send(some, parts, signal), parts);
  return 'more';
}

async function send(pieces: readonly Piece<LogChunkShape>[], { client, clock, onUnknown, onDeleted }: LogShippingParts, signal: AbortSignal): Promise<void> {
  const reply = await client.agents.logs({ body: { sent_at: toIso(clock.now()), chunks: pieces.map((piece) => piece.item) } }, { signal });
  const ends = new Map(reply.ends.map((end) => [`${attemptKey(end)}.${end.stream}`, end.end]));
  const deleted = new Set(reply.deleted.map(attemptKey));
  for (const { spool, item } of pieces) {
    if (deleted.has(attemptKey(item))) onDeleted(spool);
    const end = ends.get(`${attemptKey(item)}.${item.stream}`);
    if (end === undefined) onUnknown(spool);
    else if (end === item.offset) spool.postponed_until = clock.monotonic() + STUCK_MS;
    if (end !== undefined) spool.streams[item.stream].shipped = end;
  }
}

async function collect(spools: readonly Spool[], parts: LogShippingParts): Promise<Piece<LogChunkShape>[]> {
  const pieces: Piece<LogChunkShape>[] = [];
  let room = LIMITS.log_append_bytes.value;
  for (const spool of spools) {
    if (spool.given_up || spool.postponed_until > parts.clock.monotonic()) continue;
    for (const stream of ['stdout', 'stderr'] as const) {
      const piece = room > 0 ? await nextChunk(spool, stream, { ...parts, room: Math.min(room, PIECE_BYTES) }) : null;
      if (piece === null) continue;
      pieces.push({ spool, item: piece.chunk });
      room -= piece.bytes;
    }
  }
  return pieces;
}

async function nextChunk(spool: Spool, stream: LogName, parts: LogShippingParts & { room: number }): Promise<{ chunk: LogChunkShape; bytes: number } | null> {
  const { size, shipped } = spool.streams[stream];
  if (shipped >= size) return null;
  const growth = growthAt(spool, stream, shipped);
  const base = { ...referenceOf(spool.attempt), stream, offset: shipped, at: toIso(growth?.at ?? parts.clock.now()) };
  const hole = holeFrom(shipped, size, spool.attempt.state.punched[stream]);
  if (hole > 0) return { chunk: { ...base, dropped_bytes: hole }, bytes: 0 };
  punch(spool, stream, parts);
  const head = LIMITS.log_head_bytes.value;
  const seen = (growth?.size ?? size) - shipped;
  const length = Math.min(parts.room, seen, size - shipped > LIMITS.log_tail_bytes.value && shipped < head ? head - shipped : Infinity);
  const bytes = await readPiece(spool, stream, { parts, length });
  if (bytes === null) {
    if (spool.attempt.phase === 'ended') return { chunk: { ...base, dropped_bytes: size - shipped }, bytes: 0 };
    spool.postponed_until = parts.clock.monotonic() + UNREADABLE_AGAIN_MS;
    return null;
  }
  return bytes.length === 0 ? null : { chunk: { ...base, data: bytes.toString('base64') }, bytes: bytes.length };
}

/** Bytes from where shipping stands, without secrets; none while they may be the beginning of one. */
function readPiece(spool: Spool, stream: LogName, { parts, length }: { readonly parts: LogShippingParts; readonly length: number }): Promise<Buffer | null> {
  const { mask } = spool.attempt;
  if (mask !== null) return readMasked(spool, stream, { parts, length, mask });
  return parts.files.read(spool.directory, stream, { from: spool.streams[stream].shipped, length });
}

/** With as much before and after as a secret can be long: one that lies across the ends of the piece is masked all the same, whatever was shipped when. */
async function readMasked(
  spool: Spool,
  stream: LogName,
  { parts, length, mask }: { readonly parts: LogShippingParts; readonly length: number; readonly mask: SecretMask },
): Promise<Buffer | null> {
  const { shipped, grown_at } = spool.streams[stream];
  const before = Math.min(mask.longest, shipped);
  const asked = before + length + mask.longest;
  const bytes = await parts.files.read(spool.directory, stream, { from: shipped - before, length: asked });
  if (bytes === null) return null;
  const isOver = spool.attempt.phase === 'ended' || parts.clock.monotonic() - grown_at >= QUIET_MS;
  return maskPiece(mask, { bytes, before, wanted: length, is_end: isOver && bytes.length < asked });
}

/** Length of the hole that begins at `shipped`: bytes that are no longer on this disk, or a backlog longer than is kept. */
export function holeFrom(shipped: number, size: number, punched: number): number {
  const tail = LIMITS.log_tail_bytes.value;
  if (shipped < punched) return punched - shipped;
  return shipped >= LIMITS.log_head_bytes.value && size - shipped > tail ? size - tail - shipped : 0;
}

function punch(spool: Spool, stream: LogName, { files, onPunch }: LogShippingParts): void {
  const { size, shipped } = spool.streams[stream];
  const { punched } = spool.attempt.state;
  // A secret that began before what comes next must still be seen.
  const end = shipped - (spool.attempt.mask?.longest ?? 0);
  if (size < PUNCH_FROM_BYTES || end - punched[stream] < PUNCH_STEP_BYTES) return;
  // On record first: after a crash nobody may take the zeros for what the job printed.
  onPunch(spool, { ...punched, [stream]: end });
  files.punch(spool.directory, stream, end);
}
