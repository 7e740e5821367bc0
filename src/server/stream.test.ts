import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { API_ROOT } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { newestEvent, pruneEvents } from '../store/events.ts';
import type { NewEvent } from '../store/writer.ts';

import { cookieOf, expectProblem, openTestApp, type TestApp } from './test-app.suite.ts';

let server: TestApp;
let digits: number;
let other: number;

beforeEach(async () => {
  server = await openTestApp();
  digits = await server.newExperiment('digits-tune');
  other = await server.newExperiment('other');
});

afterEach(() => server.close());

interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: {
    readonly kind?: string;
    readonly experiment?: string | null;
    readonly data?: Record<string, unknown>;
    readonly actor?: string | null;
    readonly jobs?: string | null;
  };
}

interface Reader {
  readonly response: Response;
  next(): Promise<Message>;
  /** Whatever comes, comments included; null at the end. */
  raw(): Promise<string | null>;
  leave(): Promise<void>;
}

/** Waits while time goes by, because the stream pauses between its reads. */
async function whilePassing<T>(pending: Promise<T>): Promise<T> {
  let isOver = false;
  const passing = (async () => {
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      server.clock.advance(10);
    }
  })();
  try {
    return await pending;
  } finally {
    isOver = true;
    await passing;
  }
}

async function open(path = '', sent: Parameters<TestApp['send']>[1] = {}): Promise<Reader> {
  const response = await server.send(`${API_ROOT}/events${path}`, sent);
  expect(response.status).toBe(200);
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = '';
  const raw = async (): Promise<string | null> => {
    while (!text.includes('\n\n')) {
      const { done, value } = await reader.read();
      if (done) return null;
      text += decoder.decode(value, { stream: true });
    }
    const end = text.indexOf('\n\n');
    const block = text.slice(0, end);
    text = text.slice(end + 2);
    return block;
  };
  return {
    response,
    raw,
    async next() {
      for (;;) {
        const block = await whilePassing(raw());
        if (block === null) throw new Error('the stream ended');
        if (block.startsWith(':')) continue;
        const fields = Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
        return { id: fields['id']!, event: fields['event']!, data: JSON.parse(fields['data']!) as Message['data'] };
      }
    },
    leave: () => reader.cancel(),
  };
}

const emit = (...events: Partial<NewEvent>[]): Promise<void> =>
  server.store.write(async (tx) => {
    for (const event of events) tx.event({ kind: 'jobs_held', experiment_id: digits, actor: 'test', ...event });
  });

describe('the live stream', () => {
  it('first tells where it stands, then what happens', async () => {
    const reader = await open();
    expect(reader.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(reader.response.headers.get('x-accel-buffering')).toBe('no');
    expect(reader.response.headers.get('cache-control')).toBe('no-store');
    expect(await reader.next()).toMatchObject({ event: 'ready', id: `${server.store.id.slice(0, 8)}.${await newestEvent(server.store)}` });
    await emit({ numbers: [1, 2, 3, 7], data: { why: 'test' } });
    expect(await reader.next()).toMatchObject({
      event: 'jobs_held',
      data: { kind: 'jobs_held', experiment: 'digits-tune', jobs: '1-3,7', actor: 'test', data: { why: 'test' } },
    });
  });

  it('brings what was missed, once and in order', async () => {
    const first = await open();
    const { id } = await first.next();
    await first.leave();
    await emit({ data: { n: 1 } }, { data: { n: 2 } });
    for (const again of [await open('', { headers: { 'last-event-id': id } }), await open(`?last_event_id=${id}`)]) {
      expect(await again.next()).toMatchObject({ event: 'ready', id });
      await emit({ data: { n: 'live' } });
      const seen: unknown[] = [];
      for (let n = 0; n < 3; n += 1) seen.push((await again.next()).data.data!['n']);
      expect(seen.slice(0, 2)).toEqual([1, 2]);
      expect(seen[2]).toBe('live');
      await again.leave();
    }
  });

  it('says reset to who is too far behind, from the future, or from elsewhere', async () => {
    const prefix = server.store.id.slice(0, 8);
    await emit(...Array.from({ length: LIMITS.stream_events.value + 1 }, () => ({})));
    const newest = await newestEvent(server.store);
    for (const cursor of [`${prefix}.1`, `${prefix}.${newest + 5}`, `elsewher.${newest}`, 'rubbish', String(newest)]) {
      const reader = await open('', { headers: { 'last-event-id': cursor } });
      expect(await reader.next()).toMatchObject({ event: 'reset', id: `${prefix}.${newest}` });
      await reader.leave();
    }
    const near = await open('', { headers: { 'last-event-id': `${prefix}.${newest - LIMITS.stream_events.value}` } });
    expect((await near.next()).event).toBe('ready');
    for (let n = 0; n < LIMITS.stream_events.value; n += 1) expect((await near.next()).event).toBe('jobs_held');
  });

  it('says reset when what was missed is pruned', async () => {
    const start = await newestEvent(server.store);
    await emit({}, {}, {});
    await server.store.write((tx) => tx.sql.run('delete from event where id <= ?', [start + 1]));
    const prefix = server.store.id.slice(0, 8);
    expect((await (await open(`?last_event_id=${prefix}.${start}`)).next()).event).toBe('reset');
    expect((await (await open(`?last_event_id=${prefix}.${start + 1}`)).next()).event).toBe('ready');
  });

  it('shows a caller only what they may see, and only what they asked for', async () => {
    const limited = await open('', { key: await server.newKey('viewer', [digits]) });
    const filtered = await open('?experiment=digits-tune');
    const whole = await open();
    for (const reader of [limited, filtered, whole]) await reader.next();
    await emit(
      { experiment_id: other },
      { experiment_id: null, kind: 'key_created' },
      { experiment_id: null, kind: 'agent_registered', actor: 'key:secretive', data: { agent: 'gpunode_egg' } },
      { experiment_id: digits },
    );
    expect(await limited.next()).toMatchObject({ event: 'agent_registered', data: { actor: null, data: {} } });
    expect((await limited.next()).data.experiment).toBe('digits-tune');
    const kinds = async (reader: Reader, count: number): Promise<string[]> => {
      const seen: string[] = [];
      for (let n = 0; n < count; n += 1) seen.push((await reader.next()).event);
      return seen;
    };
    expect(await kinds(filtered, 2)).toEqual(['agent_registered', 'jobs_held']);
    expect(await kinds(whole, 4)).toEqual(['jobs_held', 'key_created', 'agent_registered', 'jobs_held']);
    await expectProblem(
      await server.send(`${API_ROOT}/events?experiment=other`, { key: await server.newKey('viewer', [digits]) }),
      404,
      'experiment_not_found',
    );
  });

  it('beats every 15 seconds', async () => {
    const reader = await open();
    await reader.next();
    server.clock.advance(15_000);
    expect(await reader.raw()).toBe(':');
    server.clock.advance(15_000);
    expect(await reader.raw()).toBe(':');
  });

  it('ends within a minute when the session has ended', async () => {
    const login = await server.send(`${API_ROOT}/login`, { key: null, body: { experiment: 'digits-tune', pin: '402913' } });
    const ended = await open('', { cookie: cookieOf(login) });
    const lasting = await open();
    await server.client().experiments.changePin({ params: { experiment: 'digits-tune' }, body: { new_pin: '111111' } });
    for (let beat = 0; beat < 4; beat += 1) {
      server.clock.advance(15_000);
    }
    while ((await ended.raw()) !== null);
    expect((await lasting.next()).event).toBe('ready');
  });

  it('ends a reader that does not drain, and goes on for the others', async () => {
    const idle = await open();
    const awake = await open();
    await awake.next();
    const data = { text: 'x'.repeat(400_000) };
    for (let n = 0; n < 4; n += 1) {
      await emit({ data });
      expect((await awake.next()).event).toBe('jobs_held');
    }
    let messages = 0;
    while ((await idle.raw()) !== null) messages += 1;
    expect(messages).toBe(3);
  });

  it('is limited per caller, and frees its place', async () => {
    const readers: Reader[] = [];
    for (let n = 0; n < LIMITS.streams_per_actor.value; n += 1) readers.push(await open());
    await expectProblem(await server.send(`${API_ROOT}/events`), 422, 'too_many');
    await (await open('', { key: await server.newKey('viewer') })).leave();
    await readers[0]!.leave();
    await (await open()).leave();
  });

  it('leaves nothing open behind a HEAD', async () => {
    for (let n = 0; n < LIMITS.streams_per_actor.value + 1; n += 1) {
      expect((await server.send(`${API_ROOT}/events`, { method: 'HEAD' })).status).toBe(200);
    }
  });

  it('ends with the server', async () => {
    const reader = await open();
    await reader.next();
    server.stop.abort();
    expect(await reader.raw()).toBeNull();
  });
});

describe('history', () => {
  const history = (query: object = {}, experiment = 'digits-tune') => server.client().server.history({ params: { experiment }, query });

  it('comes newest first, in pages', async () => {
    await emit(...Array.from({ length: 5 }, (_, n) => ({ data: { n } })), { experiment_id: other });
    const first = await history({ limit: 4 });
    expect(first.events.map((event) => event.data['n'])).toEqual([4, 3, 2, 1]);
    const second = await history({ limit: 4, cursor: first.next_cursor! });
    expect(second.events.map((event) => event.kind)).toEqual(['jobs_held', 'experiment_created']);
    expect(second.next_cursor).toBeNull();
    await expectProblem(await server.send(`${API_ROOT}/experiments/digits-tune/events?cursor=abc`), 422, 'invalid_input');
  });

  it('of a job has its own events, sets that hold its number, and its claims and ends', async () => {
    const client = server.client();
    await client.jobs.create({ params: { experiment: 'digits-tune' }, body: { command: 'true', jobs: [{ params: {} }, { params: {} }, { params: {} }] } });
    const [job] = await server.store.sql.all<{ id: number }>('select id from job where number = 2');
    server.clock.advance(1000);
    const claimed = server.clock.now();
    await emit({ kind: 'jobs_claimed', numbers: [1, 2] });
    server.clock.advance(1000);
    await emit(
      { kind: 'jobs_claimed', numbers: [1, 3] },
      { kind: 'jobs_held', numbers: [1, 3] },
      { kind: 'jobs_held', numbers: { from: 1, to: 3 } },
      { kind: 'jobs_edited', job_id: job!.id, numbers: [2] },
    );
    server.clock.advance(1000);
    const recorded = server.clock.now();
    await emit({ kind: 'jobs_finished', numbers: [2, 3] }, { experiment_id: other, numbers: [2] });
    await server.store.write((tx) =>
      tx.sql.run(
        `insert into attempt (job_id, attempt, rank, agent_id, worker_id, slot, revision, nonce, claimed_at, recorded_at) values (?, 1, 0, 1, 'w', 0, 1, 'n', ?, ?)`,
        [job!.id, claimed, recorded],
      ),
    );
    const { events } = await history({ number: 2 });
    expect(events.map((event) => [event.kind, event.jobs])).toEqual([
      ['jobs_finished', '2-3'],
      ['jobs_edited', '2'],
      ['jobs_held', '1-3'],
      ['jobs_claimed', '1-2'],
      ['jobs_created', '1-3'],
    ]);
    const page = await history({ number: 2, limit: 2 });
    const rest = await history({ number: 2, limit: 10, cursor: page.next_cursor! });
    expect([...page.events, ...rest.events]).toEqual(events);
    expect((await history({ number: 99 })).events).toEqual([]);
  });

  it('finds the few sets of a number among many', async () => {
    await emit(...Array.from({ length: 1_500 }, (_, n) => ({ numbers: n % 500 === 0 ? [1, 2, 3] : [1, 3] })));
    expect((await history({ number: 2 })).events).toHaveLength(3);
  });

  it('is pruned by age, but for what streams may still need', async () => {
    const keep = LIMITS.stream_events.value;
    await emit(...Array.from({ length: keep }, () => ({})));
    const before = await newestEvent(server.store);
    expect(before).toBeGreaterThan(keep);
    server.clock.advance(10_000);
    const prune = (olderThan: number, limit = 10_000): Promise<number> => server.store.write((tx) => pruneEvents(tx, olderThan, limit));
    expect(await prune(server.clock.now() - 20_000)).toBe(0);
    expect(await prune(server.clock.now(), 1)).toBe(1);
    expect(await prune(server.clock.now())).toBe(before - keep - 1);
    expect(await prune(server.clock.now())).toBe(0);
  });
});

it('status counts what the caller may see', async () => {
  await server.client().jobs.create({ params: { experiment: 'digits-tune' }, body: { command: 'true', jobs: [{ params: {} }] } });
  const all = await server.client().server.status({});
  expect(all.server).toMatchObject({ version: '0.4.2', database: 'sqlite', store_id: server.store.id });
  expect(all.experiments).toMatchObject([
    { name: 'digits-tune', counts: { pending: 1, total: 1, created: 1 } },
    { name: 'other', counts: { total: 0 } },
  ]);
  const limited = await server.client(await server.newKey('viewer', [other])).server.status({});
  expect(limited.experiments.map(({ name }) => name)).toEqual(['other']);
});
