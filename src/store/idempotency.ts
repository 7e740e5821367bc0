// A write that carries an idempotency key happens once: its reply is stored in the same commit and given again to whoever repeats it.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';

import type { ServerKey } from './server-key.ts';
import type { Reader } from './store.ts';
import type { Transaction, Unit } from './writer.ts';

export interface OnceKey {
  readonly actor: string;
  readonly route: string;
  readonly key: string;
  readonly body_hash: string;
}

/** Encrypts what is stored, because a reply may hold a new secret that is shown once. */
export async function runOnce<T>(tx: Transaction, serverKey: ServerKey, once: OnceKey, unit: Unit<T>): Promise<T> {
  const identity = [once.actor, once.route, once.key];
  const where = 'actor = ? and route = ? and key = ?';
  await tx.sql.run(`delete from idempotency_key where ${where} and created_at < ?`, [...identity, oldest(tx.now)]);
  // Taking the row first makes another server with the same key wait for this commit.
  const taken = await tx.sql.run(
    `insert into idempotency_key (actor, route, key, body_hash, status, reply_json, created_at) values (?, ?, ?, ?, 200, '', ?) on conflict do nothing`,
    [...identity, once.body_hash, tx.now],
  );
  if (taken === 0) {
    const [known] = await tx.sql.all<{ body_hash: string; reply_json: string }>(`select body_hash, reply_json from idempotency_key where ${where}`, identity);
    if (known === undefined || known.body_hash !== once.body_hash) {
      throw new Refusal(
        'idempotency_mismatch',
        'This idempotency key was used with another body. Use a new key for a new request, and the same key only to repeat one.',
      );
    }
    return JSON.parse(serverKey.decrypt(known.reply_json)) as T;
  }
  const reply = await unit(tx);
  await tx.sql.run(`update idempotency_key set reply_json = ? where ${where}`, [serverKey.encrypt(JSON.stringify(reply)), ...identity]);
  return reply;
}

/** Whether a write with this key was committed. */
export async function knowsOnce(reader: Pick<Reader, 'sql'>, { actor, route, key }: Omit<OnceKey, 'body_hash'>): Promise<boolean> {
  const rows = await reader.sql.all('select 1 as known from idempotency_key where actor = ? and route = ? and key = ?', [actor, route, key]);
  return rows.length > 0;
}

/** Forgets keys whose time is over; returns how many. */
export async function pruneIdempotency(tx: Transaction, now: number): Promise<number> {
  return tx.sql.run(`delete from idempotency_key where created_at < ?`, [oldest(now)]);
}

function oldest(now: number): number {
  return now - LIMITS.idempotency_seconds.value * 1000;
}
