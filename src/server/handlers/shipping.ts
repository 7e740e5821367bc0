// Takes what agents ship beside the sync: pieces of logs, metric points, progress.
import type { contract } from '../../contract/index.ts';
import { LIMITS } from '../../core/limits.ts';
import { Refusal } from '../../core/refusal.ts';
import { fromIso } from '../../runtime/clock.ts';
import { attemptKey, type AttemptName, type AttemptReference } from '../../store/attempt-proof.ts';
import { findDeletedAttempts } from '../../store/deletions.ts';
import { appendLogs, type LogPiece } from '../../store/logs.ts';
import { appendMetrics } from '../../store/metrics.ts';
import type { Transaction } from '../../store/writer.ts';
import type { Call, Handlers } from '../context.ts';

function agentId(call: Call): number {
  if (call.actor.kind !== 'agent') throw new Refusal('forbidden', 'Only an agent can do this, with its secret.');
  return call.actor.id;
}

function refuseMore(count: number, limit: 'log_append_bytes' | 'metric_points'): void {
  const { value, unit } = LIMITS[limit];
  if (count > value)
    throw new Refusal('too_large', `One request takes at most ${value} ${unit === 'bytes' ? 'bytes of logs' : 'points'}. Send it in parts.`, { limit: value });
}

/** Says of what was not taken which of it nobody will ever take; the agent keeps the rest. */
async function withDeleted<End extends AttemptName>(tx: Transaction, call: Call, sent: readonly AttemptReference[], ends: End[]) {
  const taken = new Set(ends.map(attemptKey));
  const refused = [...new Map(sent.filter((piece) => !taken.has(attemptKey(piece))).map((piece) => [attemptKey(piece), piece])).values()];
  const deleted = await findDeletedAttempts(tx, call.context.store.key, refused);
  return { ends, deleted: refused.filter((piece) => deleted.has(attemptKey(piece))).map(({ job_id, attempt, rank }) => ({ job_id, attempt, rank })) };
}

export const shippingHandlers: Pick<Handlers<typeof contract>['agents'], 'logs' | 'metrics'> = {
  async logs({ body }, call) {
    const { store } = call.context;
    let bytes = 0;
    const pieces = body.chunks.flatMap(({ data, dropped_bytes, at, ...piece }): LogPiece[] => {
      const content = data === undefined ? null : Buffer.from(data, 'base64');
      bytes += content?.byteLength ?? 0;
      if (content !== null) return [{ ...piece, at: fromIso(at), content }];
      return dropped_bytes === undefined ? [] : [{ ...piece, at: fromIso(at), content: { dropped_bytes } }];
    });
    refuseMore(bytes, 'log_append_bytes');
    const delivery = { agent_id: agentId(call), sent_at: fromIso(body.sent_at), pieces };
    return store.write(async (tx) => withDeleted(tx, call, pieces, await appendLogs(tx, store, delivery)));
  },
  async metrics({ body }, call) {
    const { store } = call.context;
    refuseMore(
      body.batches.reduce((sum, batch) => sum + batch.points.length, 0),
      'metric_points',
    );
    const batches = body.batches.map((batch) => ({ ...batch, points: batch.points.map((point) => ({ ...point, at: fromIso(point.at) })) }));
    const delivery = { agent_id: agentId(call), sent_at: fromIso(body.sent_at), batches };
    return store.write(async (tx) => withDeleted(tx, call, batches, await appendMetrics(tx, store, delivery)));
  },
};
