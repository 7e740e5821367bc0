// Ships metric points and progress from the spool files, in whole lines, by offset.
import type { Client, MetricBatchShape } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { toIso, type Clock } from '../runtime/clock.ts';
import { readMetricLines } from './metric-lines.ts';
import { ship, STUCK_MS, type Piece, type Refusals } from './shipment.ts';
import { attemptKey, referenceOf, UNREADABLE_AGAIN_MS, type Spool } from './spool.ts';
import type { SpoolFiles } from './spool-files.ts';

export interface MetricShippingParts extends Refusals {
  readonly clock: Clock;
  readonly client: Pick<Client, 'agents'>;
  readonly files: SpoolFiles;
  readonly onBroken: (spool: Spool, offsets: readonly number[]) => void;
}

/** A line longer than this is no metric. */
const READ_BYTES = 2 * 1024 * 1024;

export async function shipMetrics(spools: readonly Spool[], parts: MetricShippingParts, signal: AbortSignal): Promise<'more' | 'idle'> {
  const pieces: Piece<MetricBatchShape>[] = [];
  let room = LIMITS.metric_points.value;
  for (const spool of spools) {
    if (room === 0 || spool.given_up || spool.metrics.shipped >= spool.metrics.size || spool.postponed_until > parts.clock.monotonic()) continue;
    const batch = await nextBatch(spool, room, parts);
    if (batch === null) continue;
    // Also when it holds nothing: the server must know that nothing is missing before what comes next.
    pieces.push({ spool, item: batch });
    room -= batch.points.length;
  }
  if (pieces.length === 0) return 'idle';
  await ship(pieces, (some) => send(some, parts, signal), parts);
  return 'more';
}

async function send(
  pieces: readonly Piece<MetricBatchShape>[],
  { client, clock, onUnknown, onDeleted }: MetricShippingParts,
  signal: AbortSignal,
): Promise<void> {
  const reply = await client.agents.metrics({ body: { sent_at: toIso(clock.now()), batches: pieces.map((piece) => piece.item) } }, { signal });
  const ends = new Map(reply.ends.map((end) => [attemptKey(end), end.end]));
  const deleted = new Set(reply.deleted.map(attemptKey));
  for (const { spool, item } of pieces) {
    if (deleted.has(attemptKey(item))) onDeleted(spool);
    const end = ends.get(attemptKey(item));
    if (end === undefined) onUnknown(spool);
    else if (end === item.from) spool.postponed_until = clock.monotonic() + STUCK_MS;
    if (end !== undefined) spool.metrics.shipped = end;
  }
}

/** Null when no whole line waits. */
async function nextBatch(spool: Spool, room: number, parts: MetricShippingParts): Promise<MetricBatchShape | null> {
  const { shipped: from, size } = spool.metrics;
  const bytes = await parts.files.read(spool.directory, 'metrics.jsonl', { from, length: Math.min(READ_BYTES, size - from) });
  if (bytes === null) {
    if (spool.attempt.phase === 'ended') spool.metrics.size = from;
    else spool.postponed_until = parts.clock.monotonic() + UNREADABLE_AGAIN_MS;
    return null;
  }
  const atEnd = from + bytes.length >= size;
  const complete = spool.attempt.phase === 'ended' && atEnd;
  const lines = readMetricLines({ from, bytes, complete, most_points: room, now: parts.clock.now() });
  const endless = lines.to === from && bytes.length === READ_BYTES && !bytes.includes(10);
  const broken = endless ? [from] : lines.broken;
  if (broken.length > 0) parts.onBroken(spool, broken);
  const to = endless ? from + bytes.length : lines.to;
  if (to === from) return null;
  return { ...referenceOf(spool.attempt), from, to, points: lines.points, progress: lines.progress };
}
