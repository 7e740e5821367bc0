// What is read and written in plain SQL for access, events and idempotency means the same on every engine.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { hashSecret } from '../runtime/ids.ts';
import { manualClock } from '../../test/support/manual-clock.ts';
import { diskStores, memoryStores, postgresStores, type StoreMaker } from '../../test/support/stores.ts';

import {
  changePin,
  createKey,
  createLoginLink,
  deleteKey,
  endSession,
  experimentIds,
  findAgent,
  findAttempt,
  findKey,
  findPin,
  findSession,
  keyOfSession,
  listKeys,
  openPinSession,
  pruneSessions,
  touchUsed,
  useLoginLink,
} from './access.ts';
import { commandWorkers, listWorkers, registerAgent, revokeAgent } from './agents.ts';
import { experimentHistory, jobHistory, newestEvent, nextEvents, pruneEvents, readEventsAfter } from './events.ts';
import { createExperiment } from './experiments.ts';
import { pruneIdempotency, runOnce } from './idempotency.ts';
import type { Store } from './store.ts';

const engines: readonly [string, () => Promise<StoreMaker | null>][] = [
  ['SQLite in memory', async () => memoryStores()],
  ['SQLite on disk', async () => diskStores()],
  ['PostgreSQL', postgresStores],
];

describe.each(engines)('access on %s', (_name, makeStores) => {
  const clock = manualClock();
  let maker: StoreMaker | null = null;
  let store: Store;
  let experiment: number;

  beforeAll(async () => {
    maker = await makeStores();
    if (maker === null) return;
    store = await maker.open(clock);
    experiment = await store.write((tx) => createExperiment(tx, { name: 'digits-tune', description: '', settings: {}, pin_cipher: 'cipher' }, 'test'));
  });

  afterAll(async () => {
    await maker?.close();
  });

  it('keeps keys', async ({ skip }) => {
    if (maker === null) return skip();
    const made = await store.write((tx) => createKey(tx, { name: 'a', role: 'operator', experiments: [experiment], expires_at: 5, actor: 'test' }));
    const { key, ...kept } = made;
    expect(await findKey(store, hashSecret(key))).toEqual(kept);
    await store.write((tx) => touchUsed(tx, { keys: [made.id], sessions: [1] }));
    expect((await listKeys(store)).map(({ last_used_at }) => last_used_at)).toEqual([expect.any(Number)]);
    await store.write((tx) => deleteKey(tx, made.id, 'test'));
    expect(await findKey(store, hashSecret(key))).toBeNull();
    await expect(store.write((tx) => deleteKey(tx, made.id, 'test'))).rejects.toMatchObject({ code: 'not_found' });
    await expect(experimentIds(store, ['digits-tune', 'no'])).rejects.toMatchObject({ code: 'experiment_not_found' });
    expect(await experimentIds(store, ['digits-tune'])).toEqual([experiment]);
  });

  it('keeps sessions, as long as their PIN', async ({ skip }) => {
    if (maker === null) return skip();
    const now = (await store.write(async (tx) => tx.now)) + 1;
    const pin = (await findPin(store, 'digits-tune'))!;
    expect(pin).toMatchObject({ experiment_id: experiment, pin_cipher: 'cipher', pin_version: 1 });
    const session = await store.write((tx) => openPinSession(tx, pin));
    const find = (secret: string, at = now) => findSession(store, hashSecret(secret), at);
    expect(await find(session.secret)).toMatchObject({ id: session.id, kind: 'pin', name: 'digits-tune', role: 'operator', experiments: [experiment] });
    expect(await find(session.secret, now + 8 * 24 * 3600 * 1000)).toBeNull();
    await store.write((tx) => changePin(tx, { experiment_id: experiment, pin_cipher: 'other', actor: 'test' }));
    const stale = await store.write((tx) => openPinSession(tx, pin));
    expect(await find(session.secret)).toBeNull();
    expect(await find(stale.secret)).toBeNull();
    const link = await store.write((tx) => createLoginLink(tx, { name: 'admin', role: 'admin', api_key_id: null }));
    expect(await find(link.secret)).toBeNull();
    const opened = await store.write((tx) => useLoginLink(tx, link.secret));
    expect(await store.write((tx) => useLoginLink(tx, link.secret))).toBeNull();
    expect(await find(opened!.secret)).toMatchObject({ kind: 'link', role: 'admin', experiments: null });
    await store.write((tx) => endSession(tx, opened!.id));
    expect(await find(opened!.secret)).toBeNull();
    expect(await store.write(pruneSessions)).toBe(0);
    expect(await findAttempt(store, { job_id: 1, attempt: 1, rank: 0 })).toBeNull();
  });

  it('keeps link sessions as long as their key', async ({ skip }) => {
    if (maker === null) return skip();
    const now = await store.write(async (tx) => tx.now);
    const wanted = { name: 'a', role: 'admin', experiments: null, expires_at: now + 60_000, actor: 'test' } as const;
    const key = await store.write((tx) => createKey(tx, wanted));
    const link = await store.write((tx) => createLoginLink(tx, { name: 'a', role: 'admin', api_key_id: key.id }));
    expect(link.expires_at).toBe(now + 60_000);
    const opened = await store.write((tx) => useLoginLink(tx, link.secret));
    const find = (at: number) => findSession(store, hashSecret(opened!.secret), at);
    expect(await find(now)).toMatchObject({ role: 'admin', expires_at: now + 60_000 });
    expect(await store.write((tx) => keyOfSession(tx, opened!.id))).toBe(key.id);
    await store.write((tx) => tx.sql.run('update api_key set expires_at = null where id = ?', [key.id]));
    expect(await find(now)).not.toBeNull();
    await store.write((tx) => tx.sql.run(`update api_key set role = 'owner' where id = ?`, [key.id]));
    expect(await find(now)).toBeNull();
    await store.write((tx) => deleteKey(tx, key.id, 'test'));
    await expect(store.write((tx) => keyOfSession(tx, opened!.id))).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('keeps agents out for good once they are revoked', async ({ skip }) => {
    if (maker === null) return skip();
    const facts = {
      workers: 1,
      drives: [],
      machine_class: null,
      has_script: false,
      total: { cpus: 1, memory_bytes: 1, gpus: 0 },
      version: '1',
      process_id: null,
    };
    const place = { host: 'gpunode', instance: 'egg', platform: '', experiments: [experiment], secret_hash: 'hash' };
    const terms = { lost_after_ms: 600_000, next_sync_within_ms: 30_000, nextWord: () => 'fox' };
    await store.write((tx) => registerAgent(tx, { ...facts, ...place, ...terms }, 'test'));
    const served = { id: experiment, name: 'digits-tune' };
    const ask = { selection: {}, state: 'pause', dry_run: true, actor: 'test' } as const;
    expect(await store.write((tx) => commandWorkers(tx, served, { ...ask, may_operate: [experiment] }))).toMatchObject({ matched: 1, refused: 0 });
    await expect(store.write((tx) => commandWorkers(tx, served, { ...ask, may_operate: [] }))).rejects.toMatchObject({ code: 'forbidden' });
    expect(await findAgent(store, 'hash')).toMatchObject({ host: 'gpunode', instance: 'egg', revoked_at: null });
    const revoke = (name: string) => store.write((tx) => revokeAgent(tx, served, { name, actor: 'test' }));
    await expect(revoke('gpunode_fox')).rejects.toMatchObject({ code: 'not_found' });
    const done = await revoke('gpunode_egg');
    expect(done.running_jobs).toBe(0);
    expect(await revoke('gpunode_egg')).toEqual(done);
    expect(Number((await findAgent(store, 'hash'))!.revoked_at)).toBe(done.revoked_at);
    expect(await listWorkers(store, experiment)).toEqual([]);
  });

  it('reads events after a cursor and as history', async ({ skip }) => {
    if (maker === null) return skip();
    const start = await newestEvent(store);
    await store.write(async (tx) => {
      tx.event({ kind: 'jobs_held', experiment_id: experiment, actor: 'a', numbers: { from: 1, to: 9 } });
      tx.event({ kind: 'jobs_held', experiment_id: experiment, actor: 'a', numbers: [1, 9], data: { last: true } });
    });
    const after = await readEventsAfter(store, start);
    expect(after).toMatchObject({
      reset: false,
      cursor: start + 2,
      events: [
        { jobs: '1-9', experiment: 'digits-tune' },
        { jobs: '1,9', data_json: '{"last":true}' },
      ],
    });
    expect(await nextEvents(store, start + 1)).toHaveLength(1);
    expect((await readEventsAfter(store, start + 3)).reset).toBe(true);
    const page = { experiment_id: experiment, before: Number.MAX_SAFE_INTEGER, limit: 2 };
    expect((await experimentHistory(store, page)).map(({ id }) => id)).toEqual([start + 2, start + 1]);
    expect((await jobHistory(store, page, 5)).map(({ jobs }) => jobs)).toEqual(['1-9']);
    expect(await store.write((tx) => pruneEvents(tx, tx.now + 1, 100))).toBe(0);
  });

  it('runs a write once', async ({ skip }) => {
    if (maker === null) return skip();
    const once = (key: string, body_hash: string) =>
      store.write((tx) =>
        runOnce(tx, store.key, { actor: 'key:1', route: 'r', key, body_hash }, async () => {
          tx.event({ kind: 'login', experiment_id: null, actor: 'once' });
          return { at: tx.now, text: 'ä' };
        }),
      );
    const before = await newestEvent(store);
    const first = await once('k', 'h');
    expect(await once('k', 'h')).toEqual(first);
    await expect(once('k', 'other')).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    expect(await newestEvent(store)).toBe(before + 1);
    expect(await store.write((tx) => pruneIdempotency(tx, tx.now + 8 * 24 * 3600 * 1000))).toBe(1);
  });
});
