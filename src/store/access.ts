// Who may do what, as it is stored: API keys, sessions, one-time links, PINs, and the experiments they are good for.
import { LIMITS } from '../core/limits.ts';
import { Refusal } from '../core/refusal.ts';
import { hashSecret, newSecret } from '../runtime/ids.ts';

import type { Role, SessionTable } from './schema-access.ts';
import { valueSet } from './sql.ts';
import type { Reader } from './store.ts';
import type { Transaction } from './writer.ts';

/** Of a transaction or of committed data. */
type Source = Pick<Reader, 'sql' | 'query'>;

export interface ApiKey {
  readonly id: number;
  readonly name: string;
  readonly prefix: string;
  readonly role: Role;
  /** Ids; null for all. */
  readonly experiments: readonly number[] | null;
  readonly created_at: number;
  readonly last_used_at: number | null;
  readonly expires_at: number | null;
}

export interface Session {
  readonly id: number;
  readonly kind: 'pin' | 'link' | 'key';
  readonly name: string;
  readonly role: Role;
  /** Ids; null for all. */
  readonly experiments: readonly number[] | null;
  readonly last_seen_at: number;
  readonly expires_at: number;
}

type StoredKey = Omit<ApiKey, 'experiments'> & { readonly experiments_json: string | null };

const KEY_COLUMNS = ['id', 'name', 'prefix', 'role', 'experiments_json', 'created_at', 'last_used_at', 'expires_at'] as const;

export async function findKey(source: Source, hash: string): Promise<ApiKey | null> {
  const [row] = await source.sql.all<StoredKey>(`select ${KEY_COLUMNS.join(', ')} from api_key where hash = ?`, [hash]);
  return row === undefined ? null : toKey(row);
}

/** For credentials that were made with a key and are good as long as it is. */
export async function findKeyById(source: Source, id: number): Promise<ApiKey | null> {
  const [row] = await source.sql.all<StoredKey>(`select ${KEY_COLUMNS.join(', ')} from api_key where id = ?`, [id]);
  return row === undefined ? null : toKey(row);
}

export async function listKeys(source: Source): Promise<ApiKey[]> {
  const rows = await source.query.selectFrom('api_key').select(KEY_COLUMNS).orderBy('id').execute();
  return rows.map(toKey);
}

function toKey(row: StoredKey): ApiKey {
  const { experiments_json, ...rest } = row;
  return { ...rest, experiments: experiments_json === null ? null : (JSON.parse(experiments_json) as number[]) };
}

export interface NewKey {
  readonly name: string;
  readonly role: Role;
  readonly experiments: readonly number[] | null;
  readonly expires_at: number | null;
  /** Who makes it. */
  readonly actor: string;
}

const PREFIX_CHARACTERS = 7;

/** The secret is returned this once; only its hash is kept. */
export async function createKey(tx: Transaction, wanted: NewKey): Promise<ApiKey & { readonly key: string }> {
  const { count } = await tx.query.selectFrom('api_key').select(tx.query.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
  const most = LIMITS.api_keys.value;
  if (Number(count) >= most)
    throw new Refusal(
      'too_many',
      `This server has ${most} API keys, which is the most there may be. Delete keys that nobody uses (drover key ls, drover key rm).`,
    );
  const key = newSecret('jd_');
  const prefix = key.slice(0, PREFIX_CHARACTERS);
  const { name, role, experiments, expires_at } = wanted;
  const { id } = await tx.query
    .insertInto('api_key')
    .values({
      name,
      prefix,
      hash: hashSecret(key),
      role,
      experiments_json: experiments === null ? null : JSON.stringify(experiments),
      account_id: null,
      created_at: tx.now,
      last_used_at: null,
      expires_at,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  tx.event({ kind: 'key_created', experiment_id: null, actor: wanted.actor, data: { id, name, role } });
  return { id, name, prefix, role, experiments, created_at: tx.now, last_used_at: null, expires_at, key };
}

/** Keys that are good for this experiment and no other: those that its owner disposes of. */
export async function listOwnKeys(source: Source, experimentId: number): Promise<ApiKey[]> {
  const rows = await source.query
    .selectFrom('api_key')
    .select(KEY_COLUMNS)
    .where('experiments_json', '=', JSON.stringify([experimentId]))
    .where('role', '<>', 'admin')
    .orderBy('id')
    .execute();
  return rows.map(toKey);
}

export async function deleteKey(tx: Transaction, id: number, actor: string): Promise<void> {
  const row = await tx.query.selectFrom('api_key').select('name').where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', `There is no API key ${id}. List them with: drover key ls`);
  await tx.query.deleteFrom('api_key').where('id', '=', id).execute();
  await tx.query.deleteFrom('session').where('api_key_id', '=', id).execute();
  tx.event({ kind: 'key_deleted', experiment_id: null, actor, data: { id, name: row.name } });
}

/** Notes that keys and sessions were used, for people who wonder which ones still are. */
export async function touchUsed(tx: Transaction, used: { readonly keys: readonly number[]; readonly sessions: readonly number[] }): Promise<void> {
  const ids = valueSet(tx.sql.dialect, 'int');
  if (used.keys.length > 0) await tx.sql.run(`update api_key set last_used_at = ? where id in ${ids}`, [tx.now, JSON.stringify(used.keys)]);
  if (used.sessions.length > 0) await tx.sql.run(`update session set last_seen_at = ? where id in ${ids}`, [tx.now, JSON.stringify(used.sessions)]);
}

/** With `s` the session and `k` its key: a key that ended, or that may not do any more what the session was opened for, ends it. */
const KEY_STANDS = `(s.api_key_id is null or (k.role = s.role and (s.kind = 'key' or k.experiments_json is null) and (k.expires_at is null or k.expires_at > ?)))`;

/** A session that is still good: not over, opened with the PIN that the experiment has now, or through a key that still stands. */
export async function findSession(source: Source, hash: string, now: number): Promise<Session | null> {
  const [row] = await source.sql.all<StoredSession>(
    `select s.id, s.kind, coalesce(e.name, s.name) as name, s.role, s.experiment_id, k.experiments_json, s.last_seen_at, s.expires_at,
       case when s.kind = 'pin' then (case when e.pin_version = s.pin_version then 1 else 0 end) else 1 end as fresh
     from session s left join experiment e on e.id = s.experiment_id left join api_key k on k.id = s.api_key_id
     where s.hash = ? and s.expires_at > ? and s.kind in ('pin', 'link', 'key') and ${KEY_STANDS}`,
    [hash, now, now],
  );
  if (row === undefined || Number(row.fresh) !== 1) return null;
  const { experiment_id, experiments_json, fresh: _fresh, ...session } = row;
  // A session by key may what the key may, no longer and no more.
  if (session.kind === 'key') return { ...session, experiments: experiments_json === null ? null : (JSON.parse(experiments_json) as number[]) };
  return { ...session, experiments: experiment_id === null ? null : [experiment_id] };
}

interface StoredSession extends Omit<Session, 'experiments'> {
  readonly experiment_id: number | null;
  readonly experiments_json: string | null;
  readonly fresh: number | null;
}

type NewSession = Pick<SessionTable, 'kind' | 'name' | 'role' | 'experiment_id' | 'pin_version' | 'api_key_id' | 'expires_at'> & { readonly secret: string };

async function insertSession(tx: Transaction, session: NewSession): Promise<number> {
  const { secret, ...columns } = session;
  const { id } = await tx.query
    .insertInto('session')
    .values({ ...columns, hash: hashSecret(secret), account_id: null, created_at: tx.now, last_seen_at: tx.now })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

export interface OpenedSession {
  readonly id: number;
  /** For the cookie; only its hash is kept. */
  readonly secret: string;
  readonly name: string;
  readonly role: Role;
}

const sessionEnd = (now: number): number => now + LIMITS.session_seconds.value * 1000;

/** `pin` is the PIN's row as it was compared: a PIN that was changed meanwhile opens nothing. */
export async function openPinSession(tx: Transaction, pin: StoredPin): Promise<OpenedSession> {
  const secret = newSecret('jds_');
  const { experiment_id, name, pin_version } = pin;
  const id = await insertSession(tx, {
    secret,
    kind: 'pin',
    name,
    role: 'operator',
    experiment_id,
    pin_version,
    api_key_id: null,
    expires_at: sessionEnd(tx.now),
  });
  tx.event({ kind: 'login', experiment_id, actor: `pin:${name}`, data: { by: 'pin' } });
  return { id, secret, name, role: 'operator' };
}

/** Null when the key is not good (any more). */
export async function openKeySession(
  tx: Transaction,
  secretOfKey: string,
): Promise<(OpenedSession & { readonly experiments: readonly number[] | null }) | null> {
  const key = await findKey(tx, hashSecret(secretOfKey));
  if (key === null || (key.expires_at !== null && key.expires_at <= tx.now)) return null;
  const secret = newSecret('jds_');
  const { name, role, experiments } = key;
  const expires_at = Math.min(sessionEnd(tx.now), key.expires_at ?? Infinity);
  const id = await insertSession(tx, { secret, kind: 'key', name, role, api_key_id: key.id, experiment_id: null, pin_version: null, expires_at });
  tx.event({ kind: 'login', experiment_id: null, actor: `link:${name}`, data: { by: 'key' } });
  return { id, secret, name, role, experiments };
}

export interface LoginLink {
  readonly secret: string;
  readonly expires_at: number;
}

export interface LinkMaker {
  readonly name: string;
  readonly role: Role;
  /** The key behind it, if any: with the key end the link and the sessions that it opened. */
  readonly api_key_id: number | null;
}

/** A one-time link with the name and role of its maker. */
export async function createLoginLink(tx: Transaction, maker: LinkMaker): Promise<LoginLink> {
  const secret = newSecret('jdl_');
  const expires_at = Math.min(tx.now + LIMITS.login_link_seconds.value * 1000, await keyEnd(tx, maker.api_key_id));
  await insertSession(tx, { secret, kind: 'login_link', ...maker, experiment_id: null, pin_version: null, expires_at });
  return { secret, expires_at };
}

/** The key behind a session, so that what the session makes ends with that key too; null when there is none. */
export async function keyOfSession(tx: Transaction, id: number): Promise<number | null> {
  const row = await tx.query.selectFrom('session').select('api_key_id').where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new Refusal('unauthenticated', 'The session has ended. Log in again.');
  return row.api_key_id === null ? null : Number(row.api_key_id);
}

/** Refuses a key that was deleted since the caller was recognised. */
async function keyEnd(tx: Transaction, id: number | null): Promise<number> {
  if (id === null) return Infinity;
  const row = await tx.query.selectFrom('api_key').select('expires_at').where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new Refusal('unauthenticated', 'The API key was deleted meanwhile. Make another one with: drover key create');
  return row.expires_at === null ? Infinity : Number(row.expires_at);
}

/** Turns an unused link into a session; null when there is no such link, it was used, or its time or that of its key is over. */
export async function useLoginLink(tx: Transaction, linkSecret: string): Promise<OpenedSession | null> {
  const hash = hashSecret(linkSecret);
  const [link] = await tx.sql.all<LinkMaker & { readonly expires_at: number; readonly key_expires_at: number | null }>(
    `select s.name, s.role, s.api_key_id, s.expires_at, k.expires_at as key_expires_at from session s left join api_key k on k.id = s.api_key_id
     where s.hash = ? and s.kind = 'login_link' and ${KEY_STANDS}`,
    [hash, tx.now],
  );
  const used = await tx.sql.run(`delete from session where hash = ? and kind = 'login_link'`, [hash]);
  if (link === undefined || used === 0 || link.expires_at <= tx.now) return null;
  const secret = newSecret('jds_');
  const { name, role, api_key_id } = link;
  const expires_at = Math.min(sessionEnd(tx.now), link.key_expires_at ?? Infinity);
  const id = await insertSession(tx, { secret, kind: 'link', name, role, api_key_id, experiment_id: null, pin_version: null, expires_at });
  tx.event({ kind: 'login', experiment_id: null, actor: `link:${name}`, data: { by: 'link' } });
  return { id, secret, name, role };
}

export async function endSession(tx: Transaction, id: number): Promise<void> {
  await tx.query.deleteFrom('session').where('id', '=', id).execute();
}

/** Removes sessions and links whose time is over; returns how many. */
export async function pruneSessions(tx: Transaction): Promise<number> {
  return tx.sql.run(`delete from session where expires_at <= ?`, [tx.now]);
}

export interface StoredPin {
  readonly experiment_id: number;
  readonly name: string;
  readonly pin_cipher: string;
  readonly pin_version: number;
  readonly pin_changed_at: number;
}

export async function findPin(source: Source, experiment: string): Promise<StoredPin | null> {
  const row = await source.query
    .selectFrom('experiment')
    .select(['id as experiment_id', 'name', 'pin_cipher', 'pin_version', 'pin_changed_at'])
    .where('name', '=', experiment)
    .executeTakeFirst();
  return row ?? null;
}

/** Ends every session that the old PIN opened. */
export async function changePin(
  tx: Transaction,
  change: { readonly experiment_id: number; readonly pin_cipher: string; readonly actor: string },
): Promise<void> {
  const { experiment_id, pin_cipher, actor } = change;
  const changed = await tx.sql.run(`update experiment set pin_cipher = ?, pin_changed_at = ?, pin_version = pin_version + 1 where id = ?`, [
    pin_cipher,
    tx.now,
    experiment_id,
  ]);
  if (changed === 0) throw new Refusal('experiment_not_found', 'The experiment was deleted meanwhile.');
  await tx.sql.run(`delete from session where kind = 'pin' and experiment_id = ?`, [experiment_id]);
  tx.event({ kind: 'pin_changed', experiment_id, actor });
}

export interface AgentIdentity {
  readonly id: number;
  readonly host: string;
  readonly instance: string;
  /** Known, but good for nothing since then. */
  readonly revoked_at: number | null;
}

export async function findAgent(source: Source, hash: string): Promise<AgentIdentity | null> {
  const [row] = await source.sql.all<AgentIdentity>(`select id, host, instance, revoked_at from agent where secret_hash = ?`, [hash]);
  return row ?? null;
}

export interface AttemptIdentity {
  /** Of the job: part of what the token signs. */
  readonly created_at: number;
  readonly experiment: string;
  readonly number: number;
  /** When the server recorded its end; null while it is live, or when this record does not know it. */
  readonly recorded_at: number | null;
}

/** What an attempt's token is checked against; null when the job does not exist. */
export async function findAttempt(
  source: Source,
  reference: { readonly job_id: number; readonly attempt: number; readonly rank: number },
): Promise<AttemptIdentity | null> {
  const [row] = await source.sql.all<AttemptIdentity>(
    `select j.created_at, e.name as experiment, j.number, a.recorded_at
     from job j join experiment e on e.id = j.experiment_id left join attempt a on a.job_id = j.id and a.attempt = ? and a.rank = ?
     where j.id = ?`,
    [reference.attempt, reference.rank, reference.job_id],
  );
  return row ?? null;
}

/** The ids of these names; refuses a name that is not an experiment. */
export async function experimentIds(source: Source, names: readonly string[]): Promise<number[]> {
  const rows = await source.query
    .selectFrom('experiment')
    .select(['id', 'name'])
    .where('name', 'in', [...names])
    .execute();
  const known = new Map(rows.map((row) => [row.name, row.id]));
  return [...new Set(names)].map((name) => {
    const id = known.get(name);
    if (id === undefined) throw new Refusal('experiment_not_found', `There is no experiment ${name}. List them with: drover experiment ls`);
    return id;
  });
}
