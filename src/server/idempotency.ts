// A write of a caller who may have to repeat it: with an Idempotency-Key it happens once, whatever the network does.
import { createHash } from 'node:crypto';

import { knowsOnce, runOnce } from '../store/idempotency.ts';
import type { Unit } from '../store/writer.ts';

import { actorKey } from './access.ts';
import type { Call } from './context.ts';

/** Runs the unit in one transaction with the memory of it; its reply must survive JSON. `route` names the endpoint and what it is about. */
export function writeOnce<T>(call: Call, route: string, body: unknown, unit: Unit<T>): Promise<T> {
  const { store } = call.context;
  const key = call.idempotency_key;
  if (key === null) return store.write(unit);
  const body_hash = createHash('sha256')
    .update(JSON.stringify(body) ?? '')
    .digest('base64url');
  return store.write((tx) => runOnce(tx, store.key, { actor: actorKey(call.actor), route, key, body_hash }, unit));
}

/** Whether this call was written before, so that what goes before the write is not done again. */
export async function wasWritten(call: Call, route: string): Promise<boolean> {
  const key = call.idempotency_key;
  return key !== null && knowsOnce(call.context.store, { actor: actorKey(call.actor), route, key });
}
