// What must hold of logs on every engine.
import { randomBytes } from 'node:crypto';

import { beforeEach, describe, expect, it } from 'vitest';

import { endAttempt, insertAttempt, type InsertedExperiment, insertExperiment, insertJob } from '../../test/support/rows.ts';
import { LIMITS } from '../core/limits.ts';
import { systemClock } from '../runtime/clock.ts';

import type { AttemptReference } from './attempt-proof.ts';
import { type LogStream, readLogState, STREAMS, type StreamName } from './log-chunks.ts';
import { compactLogs } from './log-compaction.ts';
import { readLogIndex } from './log-index.ts';
import { readLogBytes, viewLog } from './log-reading.ts';
import { appendLogs, type LogEnd, type LogPiece } from './logs.ts';
import { removeOrphanBlobs } from './orphans.ts';
import type { Store } from './store.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const HEAD = LIMITS.log_head_bytes.value;
const TAIL = LIMITS.log_tail_bytes.value;

/** `opened` gives the store that the tests share; each has an experiment of its own. */
export function logsSuite(opened: () => Store): void {
  let store: Store;
  let experiment: InsertedExperiment;
  let job: number;
  let attempt: AttemptReference;

  beforeEach(async () => {
    store = opened();
    experiment = await insertExperiment(store);
    job = await insertJob(store, experiment, 42);
    attempt = await insertAttempt(store, job);
  });

  const streamOf = (name: StreamName = 'stdout', of: AttemptReference = attempt): LogStream => ({
    job_id: of.job_id,
    attempt: of.attempt,
    rank: of.rank,
    stream: STREAMS[name],
  });
  const piece = (offset: number, content: string | Uint8Array | { dropped_bytes: number }, changes: Partial<LogPiece> = {}): LogPiece => ({
    ...attempt,
    stream: 'stdout',
    offset,
    at: 0,
    content: typeof content === 'string' ? Buffer.from(content) : content,
    ...changes,
  });
  const append = (pieces: LogPiece[], sentAt = 0): Promise<LogEnd[]> => store.write((tx) => appendLogs(tx, store, { agent_id: 1, sent_at: sentAt, pieces }));
  const endOf = async (pieces: LogPiece[]): Promise<number | undefined> => (await append(pieces))[0]?.end;

  async function read(from = 0, length?: number, stream = streamOf()): Promise<Buffer> {
    const { range } = await viewLog(store, { stream, from, length });
    const parts: Uint8Array[] = [];
    for await (const part of readLogBytes(store, store.blobs, { stream, ...range })) parts.push(part);
    return Buffer.concat(parts);
  }
  const text = async (from = 0, length?: number): Promise<string> => (await read(from, length)).toString();
  const rows = () =>
    store.query.selectFrom('log_chunk').select(['first_offset', 'length', 'blob_key', 'dropped']).where('job_id', '=', job).orderBy('first_offset').execute();
  const blobs = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const blob of store.blobs.list()) keys.push(blob.key);
    return keys.sort();
  };
  /** Of all tests so far: they share the store. */
  const namedBlobs = async (): Promise<string[]> => {
    const named = await store.query.selectFrom('log_chunk').select('blob_key').where('blob_key', 'is not', null).execute();
    return named.flatMap((row) => row.blob_key ?? []).sort();
  };

  describe('appending', () => {
    it('stores each byte once, whatever is sent again', async () => {
      expect(await endOf([piece(0, 'epoch 1\n')])).toBe(8);
      expect(await endOf([piece(0, 'epoch 1\n')])).toBe(8);
      expect(await endOf([piece(0, 'epoch 1\nepo'), piece(6, '1\nepoch 2\n')])).toBe(16);
      expect(await endOf([piece(3, 'ch')])).toBe(16);
      expect(await text()).toBe('epoch 1\nepoch 2\n');
    });

    it('refuses a gap and says where to go on', async () => {
      expect(await endOf([piece(0, 'abc'), piece(5, 'fgh')])).toBe(3);
      expect(await endOf([piece(5, 'fgh'), piece(3, 'de')])).toBe(8);
      expect(await text()).toBe('abcdefgh');
    });

    it('keeps streams, ranks and attempts apart', async () => {
      const second = await insertAttempt(store, job, 1);
      const ends = await append([piece(0, 'out'), piece(0, 'error', { stream: 'stderr' }), piece(0, 'second', second)]);
      expect(ends).toContainEqual({ job_id: job, attempt: 1, rank: 0, stream: 'stdout', end: 3 });
      expect(ends).toContainEqual({ job_id: job, attempt: 1, rank: 0, stream: 'stderr', end: 5 });
      expect(ends).toContainEqual({ job_id: job, attempt: 1, rank: 1, stream: 'stdout', end: 6 });
      expect((await read(0, undefined, streamOf('stderr'))).toString()).toBe('error');
      expect((await read(0, undefined, streamOf('stdout', second))).toString()).toBe('second');
    });

    it('takes any bytes as they are', async () => {
      const bytes = Buffer.from([0, 1, 255, 254, 10, 0, 0xc3, 0x28, 39, 63]);
      await append([piece(0, bytes)]);
      expect(await read()).toEqual(bytes);
    });

    it('skips what nobody proved a right to, and leaves it out of the reply', async () => {
      const other = await insertAttempt(store, await insertJob(store, experiment, 43));
      const forged = [piece(0, 'x', { token: other.token }), piece(0, 'x', { job_id: 999_999 }), piece(0, 'x', { attempt: 7 }), piece(0, 'x', { rank: 3 })];
      expect(await append([...forged, piece(0, 'mine', { ...other })])).toEqual([{ job_id: other.job_id, attempt: 1, rank: 0, stream: 'stdout', end: 4 }]);
      expect(await append(forged)).toEqual([]);
      expect(await text()).toBe('');
    });

    it('takes the log of a superseded attempt on that attempt', async () => {
      await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
      const next = await insertAttempt(store, job);
      expect(await endOf([piece(0, 'late')])).toBe(4);
      expect(await text()).toBe('late');
      expect(await read(0, undefined, streamOf('stdout', next))).toHaveLength(0);
    });

    it('corrects moments by the clock of the agent', async () => {
      const before = await store.write(async (tx) => tx.now);
      await append([piece(0, 'x', { at: 1_000_000 - 5_000 })], 1_000_000);
      const after = await store.write(async (tx) => tx.now);
      const [moment] = await readLogIndex(store, store.blobs, { stream: streamOf(), most: 10 });
      expect(moment!.at).toBeGreaterThanOrEqual(before - 5_000);
      expect(moment!.at).toBeLessThanOrEqual(after - 5_000);
    });

    it('records one event for a set', async () => {
      const others = await Promise.all([43, 44, 46].map(async (number) => insertAttempt(store, await insertJob(store, experiment, number))));
      await append([piece(0, 'a'), ...others.map((other) => piece(0, 'b', { ...other }))]);
      await append([piece(0, 'a')]);
      const events = await store.query
        .selectFrom('event')
        .select(['kind', 'experiment_id', 'jobs'])
        .where('kind', '=', 'logs_appended')
        .where('experiment_id', '=', experiment.id)
        .execute();
      expect(events).toEqual([{ kind: 'logs_appended', experiment_id: experiment.id, jobs: '42-44,46' }]);
    });
  });

  describe('reading', () => {
    it('gives any range, counted from the start or the end', async () => {
      await append([piece(0, 'abc'), piece(3, 'def'), piece(6, 'ghi')]);
      expect(await text(2, 5)).toBe('cdefg');
      expect(await text(-4)).toBe('fghi');
      expect(await text(-100, 4)).toBe('abcd');
      expect(await text(9)).toBe('');
      expect(await text(50)).toBe('');
      expect(await text(0, 0)).toBe('');
    });

    it('skips holes and tells them', async () => {
      await append([piece(0, 'abc'), piece(3, { dropped_bytes: 4 }), piece(7, { dropped_bytes: 10 }), piece(17, 'xyz')]);
      expect(await text()).toBe('abcxyz');
      expect(await text(5, 13)).toBe('x');
      expect(await viewLog(store, { stream: streamOf(), from: 5, length: 13 })).toEqual({ size: 20, range: { from: 5, to: 18 }, holes: [{ from: 5, to: 17 }] });
      expect(await endOf([piece(3, 'the dropped bytes')])).toBe(20);
    });

    it('reads thousands of small pieces', async () => {
      const lines = Array.from({ length: 5_000 }, (_, index) => `line ${index}\n`);
      let offset = 0;
      await append(lines.map((line) => piece((offset += line.length) - line.length, line)));
      expect(await text()).toBe(lines.join(''));
      expect(await text(-20, 10)).toBe(lines.join('').slice(-20, -10));
    });

    it('tells the state of the stream', async () => {
      await append([piece(0, 'abc')]);
      expect(await readLogState(store, streamOf())).toEqual({ size: 3, job_ended: false, attempts: 1, attempt: { ended: false, recorded_at: null } });
      await endAttempt(store, attempt, { outcome: 'succeeded', status: 'done' });
      expect(await readLogState(store, streamOf())).toMatchObject({ job_ended: true, attempt: { ended: true } });
      expect(await readLogState(store, { ...streamOf(), attempt: 9 })).toMatchObject({ size: 0, attempt: null });
      expect(await readLogState(store, { ...streamOf(), job_id: 1 })).toBeNull();
    });
  });

  describe('compaction', () => {
    /** Appends random bytes in pieces of this size. */
    async function fill(size: number, pieceSize: number, from = 0): Promise<Buffer> {
      const bytes = randomBytes(size);
      for (let start = 0; start < size; start += MIB) {
        const pieces: LogPiece[] = [];
        for (let at = start; at < Math.min(size, start + MIB); at += pieceSize)
          pieces.push(piece(from + at, bytes.subarray(at, Math.min(size, at + pieceSize)), { at: from + at }));
        await append(pieces);
      }
      return bytes;
    }

    it('moves a growing log into blobs, byte for byte', async () => {
      const bytes = await fill(4 * MIB + 300 * KIB, 64 * KIB);
      expect(await compactLogs(store)).toMatchObject({ blobs: 1, rows: 64 });
      expect((await rows())[0]).toEqual({ first_offset: 0, length: 4 * MIB, blob_key: expect.any(String), dropped: 0 });
      expect((await read()).equals(bytes)).toBe(true);
      expect(await blobs()).toEqual(await namedBlobs());
      const more = await fill(100, 100, bytes.byteLength);
      expect((await read(3 * MIB, MIB + 77)).equals(bytes.subarray(3 * MIB, 4 * MIB + 77))).toBe(true);
      expect((await read(-200)).equals(Buffer.concat([bytes.subarray(-100), more]))).toBe(true);
    });

    it('leaves a small growing log alone, and compacts it when its attempt has ended', async () => {
      const bytes = await fill(40_000, 1_000);
      expect(await compactLogs(store)).toMatchObject({ blobs: 0 });
      await endAttempt(store, attempt, { outcome: 'failed', status: 'aborted' });
      expect(await compactLogs(store)).toMatchObject({ blobs: 1, rows: 40 });
      expect(await compactLogs(store)).toMatchObject({ blobs: 0 });
      expect((await read()).equals(bytes)).toBe(true);
    });

    it('keeps the times of the pieces', async () => {
      const now = await store.write(async (tx) => tx.now);
      await append(
        Array.from({ length: 50 }, (_, index) => piece(index * 10, '123456789\n', { at: index * 1_000 })),
        0,
      );
      const before = await readLogIndex(store, store.blobs, { stream: streamOf(), most: 1_000 });
      await endAttempt(store, attempt, { outcome: 'succeeded', status: 'done' });
      await compactLogs(store);
      expect(await rows()).toHaveLength(1);
      const after = await readLogIndex(store, store.blobs, { stream: streamOf(), most: 1_000 });
      expect(after).toEqual(before);
      expect(after[49]!.at - after[0]!.at).toBe(49_000);
      expect(after[0]!.at).toBeGreaterThanOrEqual(now);
      const merged = await readLogIndex(store, store.blobs, { stream: streamOf(), most: 7 });
      expect(merged.length).toBeLessThanOrEqual(7);
      expect(merged.reduce((sum, one) => sum + one.length, 0)).toBe(500);
    });

    it('does not compact over a hole', async () => {
      await append([piece(0, randomBytes(MIB)), piece(MIB, { dropped_bytes: 10 }), piece(MIB + 10, randomBytes(MIB))]);
      expect(await compactLogs(store)).toMatchObject({ blobs: 2 });
      expect((await rows()).map((row) => row.dropped)).toEqual([0, 1, 0]);
    });

    it('goes on reading while it is compacted', async () => {
      const bytes = await fill(3 * MIB, 32 * KIB);
      const parts: Uint8Array[] = [];
      for await (const part of readLogBytes(store, store.blobs, { stream: streamOf(), from: 0, to: bytes.byteLength })) {
        if (parts.length === 1) expect(await compactLogs(store)).toMatchObject({ blobs: 1 });
        parts.push(part);
      }
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    });

    it('compacts once when two servers do it at the same time', async () => {
      const bytes = await fill(2 * MIB, 64 * KIB);
      const both = await Promise.all([compactLogs(store), compactLogs(store)]);
      expect(both.map((one) => one.blobs).sort((a, b) => a - b)).toEqual([0, 1]);
      expect((await read()).equals(bytes)).toBe(true);
      expect(await blobs()).toEqual(await namedBlobs());
    });

    it('removes blobs that nothing names once they are a day old', async () => {
      await fill(MIB, 64 * KIB);
      await compactLogs(store);
      const named = await namedBlobs();
      await store.blobs.put(
        (async function* () {
          yield Buffer.from('left over');
        })(),
      );
      expect(await removeOrphanBlobs(store, systemClock.now())).toBe(0);
      expect(await removeOrphanBlobs(store, systemClock.now() + 25 * 3600 * 1000)).toBe(1);
      expect(await blobs()).toEqual(named);
    });
  });

  it('keeps the beginning and the end of a log without bound', { timeout: 60_000 }, async () => {
    const line = Buffer.alloc(MIB, 'flood\n');
    const size = HEAD + TAIL + 20 * MIB;
    for (let offset = 0; offset < size; offset += 4 * MIB) {
      await append([0, 1, 2, 3].map((index) => piece(offset + index * MIB, line)));
      if (offset % (16 * MIB) === 0) await compactLogs(store);
    }
    await compactLogs(store);
    const { size: stored, holes } = await viewLog(store, { stream: streamOf(), from: 0 });
    expect(holes).toHaveLength(1);
    const hole = holes[0]!;
    expect(hole.from).toBeGreaterThanOrEqual(HEAD);
    expect(hole.to).toBeLessThanOrEqual(stored - TAIL);
    expect(hole.to - hole.from).toBeGreaterThan(8 * MIB);
    expect((await rows()).filter((row) => row.dropped === 1)).toHaveLength(1);
    expect(await blobs()).toEqual(await namedBlobs());
    let bytes = 0;
    for await (const part of readLogBytes(store, store.blobs, { stream: streamOf(), from: 0, to: stored })) bytes += part.byteLength;
    expect(bytes).toBe(stored - (hole.to - hole.from));
  });
}
