import { setImmediate as turn } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { endAttempt, insertAttempt, insertJob } from '../../../test/support/rows.ts';
import { LIMITS } from '../../core/limits.ts';
import type { AttemptReference } from '../../store/attempt-proof.ts';
import { expectProblem, type TestApp } from '../test-app.suite.ts';

import { EXPERIMENT, JOB, NOW, openRunningJob, type RunningJob } from './running-job.suite.ts';

let running: RunningJob;
let server: TestApp;
let attempt: AttemptReference;

beforeEach(async () => {
  running = await openRunningJob();
  ({ server, attempt } = running);
});
afterEach(() => server.close());

interface Shipped {
  readonly offset: number;
  readonly text?: string;
  readonly dropped_bytes?: number;
  readonly stream?: 'stdout' | 'stderr';
  readonly at?: string;
}

const ship = (pieces: readonly Shipped[], of = attempt) =>
  server.client(running.agent_key).agents.logs({
    body: {
      sent_at: NOW,
      chunks: pieces.map(({ offset, text, dropped_bytes, stream = 'stdout', at = NOW }) => ({
        ...of,
        stream,
        offset,
        at,
        ...(text === undefined ? {} : { data: Buffer.from(text).toString('base64') }),
        ...(dropped_bytes === undefined ? {} : { dropped_bytes }),
      })),
    },
  });

describe('logs', () => {
  it('come back byte for byte, with headers that keep a browser from running them', async () => {
    const text = '<script>alert(1)</script>\u001b[31mred\r\n\u0000';
    expect(await ship([{ offset: 0, text }])).toEqual({
      ends: [{ job_id: running.job, attempt: 1, rank: 0, stream: 'stdout', end: Buffer.byteLength(text) }],
      deleted: [],
    });
    const response = await server.send(`${JOB}/log`);
    expect(await response.text()).toBe(text);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'drover-log-from': '0',
      'drover-log-size': String(Buffer.byteLength(text)),
      'drover-log-live': 'true',
      'drover-log-holes': '',
    });
  });

  it('are read in part: from the end, by length, by HTTP range', async () => {
    await ship([{ offset: 0, text: 'abcdefghij' }]);
    const read = async (query: string, range?: string) => {
      const response = await server.send(`${JOB}/log${query}`, { headers: range === undefined ? {} : { range } });
      return [response.status, response.headers.get('content-range'), await response.text()];
    };
    expect(await read('?from=-3')).toEqual([200, null, 'hij']);
    expect(await read('?from=2&length=3')).toEqual([200, null, 'cde']);
    expect(await read('?from=99')).toEqual([200, null, '']);
    expect(await read('', 'bytes=2-4')).toEqual([206, 'bytes 2-4/*', 'cde']);
    await endAttempt(server.store, attempt, { outcome: 'succeeded', status: 'done' });
    server.clock.advance(60_000);
    expect(await read('', 'bytes=-4')).toEqual([206, 'bytes 6-9/10', 'ghij']);
    expect(await read('', 'bytes=8-')).toEqual([206, 'bytes 8-9/10', 'ij']);
    expect(await read('', 'bytes=0-1,4-5')).toEqual([200, null, 'abcdefghij']);
    const beyond = await server.send(`${JOB}/log`, { headers: { range: 'bytes=10-' } });
    expect(beyond.headers.get('content-range')).toBe('bytes */10');
    await expectProblem(beyond, 416, 'range_not_satisfiable');
  });

  it('tell their holes, and a range over one is answered with the whole', async () => {
    await ship([
      { offset: 0, text: 'abc' },
      { offset: 3, dropped_bytes: 7 },
      { offset: 10, text: 'xyz' },
    ]);
    const response = await server.send(`${JOB}/log`, { headers: { range: 'bytes=1-11' } });
    expect([response.status, response.headers.get('drover-log-holes'), await response.text()]).toEqual([200, '3-10', 'abcxyz']);
    const outside = await server.send(`${JOB}/log`, { headers: { range: 'bytes=10-11' } });
    expect([outside.status, await outside.text()]).toEqual([206, 'xy']);
  });

  it('show when their pieces were written, both streams together', async () => {
    const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
    await ship([
      { offset: 0, text: 'a', at: at(1) },
      { offset: 1, text: 'b', at: at(3) },
      { offset: 0, text: 'error', stream: 'stderr', at: at(2) },
    ]);
    const { pieces } = await server.client().results.logIndex({ params: { experiment: EXPERIMENT, number: 42 } });
    expect(pieces.map(({ stream, offset, length }) => [stream, offset, length])).toEqual([
      ['stdout', 0, 1],
      ['stderr', 0, 5],
      ['stdout', 1, 1],
    ]);
    expect(pieces[0]).toEqual({ stream: 'stdout', offset: 0, length: 1, at: at(1), dropped: false });
  });

  it('of an unknown attempt are not confirmed, and too much at once is refused', async () => {
    expect(await ship([{ offset: 0, text: 'x' }], { ...attempt, attempt: 9 })).toEqual({ ends: [], deleted: [] });
    expect(await ship([{ offset: 0, text: 'x' }], { ...attempt, token: 'A'.repeat(28) })).toEqual({ ends: [], deleted: [] });
    await expect(ship([{ offset: 0, text: 'x'.repeat(LIMITS.log_append_bytes.value + 1) }])).rejects.toMatchObject({ code: 'too_large' });
    await expectProblem(await server.send(`${JOB}/log?attempt=9`), 404, 'not_found');
    await expectProblem(await server.send('/api/v1/experiments/digits-tune/jobs/9/log'), 404, 'job_not_found');
  });
});

describe('following a log', () => {
  /** Collects what a stream brings while time passes; `until` is a fact that is waited for. */
  function collect(response: Response) {
    const state = { text: '', done: false };
    const reader = response.body!.getReader();
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        state.text += Buffer.from(value).toString();
      }
      state.done = true;
    })();
    return {
      state,
      reader,
      async until(fact: () => boolean, seconds = 60) {
        const deadline = server.clock.monotonic() + seconds * 1000;
        while (!fact()) {
          if (server.clock.monotonic() > deadline) throw new Error(`not within ${seconds} s: ${JSON.stringify(state)}`);
          server.clock.advance(10);
          await turn();
        }
      },
    };
  }
  const follow = async (query = '') => collect(await server.send(`${JOB}/log?follow=true${query}`));

  it('brings what is there, then what comes, and ends soon after the attempt', async () => {
    await ship([{ offset: 0, text: 'epoch 1\n' }]);
    const { state, until } = await follow();
    await until(() => state.text === 'epoch 1\n');
    await ship([{ offset: 8, text: 'epoch 2\n' }]);
    await until(() => state.text === 'epoch 1\nepoch 2\n');
    await endAttempt(server.store, attempt, { outcome: 'succeeded', status: 'done' });
    await ship([{ offset: 16, text: 'done\n' }]);
    await until(() => state.done, 5);
    expect(state.text).toBe('epoch 1\nepoch 2\ndone\n');
  });

  it('is what the whole log of an attempt gets that ended just now: its last output may still be on its way', async () => {
    await ship([{ offset: 0, text: 'epoch 1\n' }]);
    await endAttempt(server.store, attempt, { outcome: 'succeeded', status: 'done' });
    const { state, until } = collect(await server.send(`${JOB}/log`));
    await ship([{ offset: 8, text: 'done\n' }]);
    await until(() => state.done, 5);
    expect(state.text).toBe('epoch 1\ndone\n');
    expect(await (await server.send(`${JOB}/log?length=7`)).text()).toBe('epoch 1');
  });

  it('ends when the agent of an ended attempt never ships the rest', async () => {
    const { state, until } = await follow();
    await ship([{ offset: 0, text: 'beginning' }]);
    await endAttempt(server.store, attempt, { outcome: 'lost', status: 'pending' });
    await until(() => state.done, 20);
    expect(state.text).toBe('beginning');
  });

  it('does not wait at all for an attempt that ended long ago', async () => {
    await ship([{ offset: 0, text: 'old' }]);
    await endAttempt(server.store, attempt, { outcome: 'succeeded', status: 'done' });
    server.clock.advance(3_600_000);
    const { state, until } = await follow();
    await until(() => state.done, 0.2);
    expect(state.text).toBe('old');
  });

  it('waits for a job that has not begun', async () => {
    const other = await insertJob(server.store, running.experiment, 43);
    const { state, until } = collect(await server.send(`/api/v1/experiments/${EXPERIMENT}/jobs/43/log?follow=true`));
    const begun = await insertAttempt(server.store, other);
    await ship([{ offset: 0, text: 'hello' }], begun);
    await until(() => state.text === 'hello');
    expect(state.done).toBe(false);
    await endAttempt(server.store, begun, { outcome: 'succeeded', status: 'done' });
    await until(() => state.done);
  });

  it('begins and ends where it is asked to', async () => {
    await ship([{ offset: 0, text: 'abcdef' }]);
    const { state, until } = await follow('&from=-2&length=4');
    await until(() => state.text === 'ef');
    await ship([{ offset: 6, text: 'ghijkl' }]);
    await until(() => state.done);
    expect(state.text).toBe('efgh');
  });

  it('ends when the server stops, and when the reader goes', async () => {
    const first = await follow();
    const second = await follow();
    await ship([{ offset: 0, text: 'x' }]);
    await first.until(() => first.state.text === 'x' && second.state.text === 'x');
    await second.reader.cancel();
    server.stop.abort();
    await first.until(() => first.state.done && second.state.done);
  });
});
