import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { endAttempt, insertAttempt } from '../../../test/support/rows.ts';
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

const tokenOf = (of: AttemptReference): string => `jdt_${of.job_id}.${of.attempt}.${of.rank}.${of.token}`;

describe('metrics', () => {
  it('are shipped, summarised and read', async () => {
    const point = (line: number, name: string, value: number | 'NaN', step: number | null) => ({ offset: line * 10, name, value, step, at: NOW });
    const points = [point(0, 'loss', 2, 0), point(1, 'loss', 'NaN', 1), point(2, 'odd', 'NaN', null)];
    const batches = [{ ...attempt, from: 0, to: 30, points, progress: { done: 1, total: 4 } }];
    expect(await server.client(running.agent_key).agents.metrics({ body: { sent_at: NOW, batches } })).toEqual({
      ends: [{ job_id: running.job, attempt: 1, rank: 0, end: 30 }],
      deleted: [],
    });
    const params = { experiment: EXPERIMENT, number: 42 };
    expect(await server.client().results.metricNames({ params })).toEqual({
      metrics: [
        { name: 'loss', points: 2, last: null, min: 2, max: 2, last_step: 1 },
        { name: 'odd', points: 1, last: null, min: null, max: null, last_step: null },
      ],
    });
    expect(await server.client().results.metricSeries({ params, query: { name: 'loss' } })).toEqual({
      name: 'loss',
      total: 2,
      series: [
        {
          attempt: 1,
          points: [
            { step: 0, value: 2, at: NOW },
            { step: 1, value: null, at: NOW },
          ],
        },
      ],
    });
    expect((await server.client().jobs.get({ params })).job.progress).toEqual({ done: 1, total: 4 });
    const latest = { params: { experiment: EXPERIMENT }, query: { numbers: '1-42', metric: ['none', 'loss'] } };
    expect(await server.client().results.latestMetrics(latest)).toEqual({
      metrics: ['none', 'loss'],
      jobs: [{ number: 42, attempt: 1, values: [null, 'not_finite'] }],
    });
  });

  it('have latest values only by names, of jobs by numbers, and so many at once', async () => {
    const refused = async (query: string): Promise<void> =>
      void (await expectProblem(await server.send(`/api/v1/experiments/${EXPERIMENT}/metrics?${query}`), 422, 'invalid_input'));
    await refused('numbers=1-3');
    await refused('metric=loss');
    await refused('numbers=all&metric=loss');
    await refused('numbers=1&metric=loss&metric=loss');
    await refused(`numbers=1${Array.from({ length: LIMITS.latest_metrics.value + 1 }, (_, index) => `&metric=m${index}`).join('')}`);
  });

  it('are not wanted any more when their job was deleted, nor are its logs; what is only unknown is kept', async () => {
    await endAttempt(server.store, attempt, { outcome: 'lost', status: 'pending' });
    await server.client().jobs.remove({ params: { experiment: EXPERIMENT, number: 42 } });
    const agent = server.client(running.agent_key).agents;
    const unknown = { ...attempt, job_id: attempt.job_id + 1 };
    const batches = [attempt, unknown].map((of) => ({ ...of, from: 0, to: 10, points: [], progress: null }));
    const deleted = [{ job_id: running.job, attempt: 1, rank: 0 }];
    expect(await agent.metrics({ body: { sent_at: NOW, batches } })).toEqual({ ends: [], deleted });
    const chunks = [attempt, unknown].map((of) => ({ ...of, stream: 'stdout' as const, offset: 0, at: NOW, data: 'eA==' }));
    expect(await agent.logs({ body: { sent_at: NOW, chunks } })).toEqual({ ends: [], deleted });
  });

  it('are refused when there are too many at once', async () => {
    const one = { name: 'loss', value: 1, step: null, at: NOW };
    const batch = (from: number) => ({
      ...attempt,
      from,
      to: from + 6_000,
      points: Array.from({ length: 6_000 }, (_, index) => ({ ...one, offset: from + index })),
    });
    await expect(server.client(running.agent_key).agents.metrics({ body: { sent_at: NOW, batches: [batch(0), batch(6_000)] } })).rejects.toMatchObject({
      code: 'too_large',
    });
  });
});

describe('files', () => {
  const put = (name: string, content: BodyInit, options: { key?: string; headers?: Record<string, string>; of?: AttemptReference } = {}) =>
    server.app.request(`/api/v1/attempt/artifacts/${encodeURIComponent(name)}`, {
      method: 'PUT',
      body: content,
      duplex: 'half',
      headers: {
        authorization: `Bearer ${tokenOf(options.of ?? attempt)}`,
        ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
        ...options.headers,
      },
    } as RequestInit);
  const get = (name: string, query = '', headers: Record<string, string> = {}) =>
    server.send(`${JOB}/artifacts/${encodeURIComponent(name)}${query}`, { headers });
  const list = async () => (await server.client().results.artifacts({ params: { experiment: EXPERIMENT, number: 42 } })).artifacts;
  const blobs = async () => {
    let count = 0;
    for await (const _blob of server.store.blobs.list()) count += 1;
    return count;
  };
  const streamed = (pieces: readonly Uint8Array[], error?: Error) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        if (error === undefined) controller.close();
        else controller.error(error);
      },
    });

  it('are stored with versions and come back whole', async () => {
    const bytes = randomBytes(300_000);
    const first = await put('model.bin', bytes);
    expect(await first.json()).toEqual({ success: true, filename: 'model.bin', version: 0, size_bytes: 300_000 });
    expect(await (await put('model.bin', 'second')).json()).toMatchObject({ version: 1 });
    const response = await get('model.bin', '?version=0');
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': '300000',
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="model.bin"; filename*=UTF-8''model.bin`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      etag: `"${sha256}"`,
    });
    expect(await (await get('model.bin')).text()).toBe('second');
    expect((await list()).map(({ name, version, superseded }) => [name, version, superseded])).toEqual([
      ['model.bin', 1, false],
      ['model.bin', 0, false],
    ]);
    await expectProblem(await get('model.bin', '?version=2'), 404, 'artifact_not_found');
    await expectProblem(await get('model.bin', '?kind=checkpoint'), 404, 'artifact_not_found');
  });

  it('are served in part, or not at all when the client has them', async () => {
    await put('a.txt', 'abcdefghij');
    const etag = (await get('a.txt')).headers.get('etag')!;
    const part = await get('a.txt', '', { range: 'bytes=3-5' });
    expect([part.status, part.headers.get('content-range'), part.headers.get('content-length'), await part.text()]).toEqual([206, 'bytes 3-5/10', '3', 'def']);
    expect((await get('a.txt', '', { 'if-none-match': `"other", W/${etag}` })).status).toBe(304);
    expect((await get('a.txt', '', { range: 'bytes=3-5', 'if-range': '"other"' })).status).toBe(200);
    expect((await get('a.txt', '', { range: 'bytes=3-5', 'if-range': etag })).status).toBe(206);
    await expectProblem(await get('a.txt', '', { range: 'bytes=10-' }), 416, 'range_not_satisfiable');
  });

  it('may be empty', async () => {
    expect(await (await put('empty', '')).json()).toMatchObject({ size_bytes: 0 });
    const response = await get('empty');
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each([
    ['page.html', 'application/octet-stream'],
    ['image.svg', 'application/octet-stream'],
    ['script.js', 'application/octet-stream'],
    ['result.json', 'application/json'],
    ['plot.PNG', 'image/png'],
    ['table.csv', 'text/plain; charset=utf-8'],
    ['Makefile', 'application/octet-stream'],
  ])('%s is served as %s', async (name, type) => {
    await put(name, '<script>alert(1)</script>');
    const response = await get(name);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment;/);
  });

  it('keep their names, whatever these are, and none is a path', async () => {
    const name = 'r\u00e9sum\u00e9 "\u640d" 100%;.txt';
    await put(name, 'x');
    expect((await get(name)).headers.get('content-disposition')).toBe(
      `attachment; filename="r_sum_ ___ 100_;.txt"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%22%E6%90%8D%22%20100%25%3B.txt`,
    );
    for (const trick of ['../../etc/passwd', '..', 'a\\b', 'line\nbreak', 'x'.repeat(201)]) {
      const response = await put(trick, 'x');
      expect([trick, response.status < 500, response.ok]).toEqual([trick, true, false]);
    }
    expect(await list()).toHaveLength(1);
    expect(await blobs()).toBe(1);
  });

  it('are the same upload with the same key', async () => {
    expect(await (await put('a.txt', 'abc', { key: 'k-1' })).json()).toMatchObject({ version: 0 });
    expect(await (await put('a.txt', 'abc', { key: 'k-1' })).json()).toMatchObject({ version: 0 });
    await expectProblem(await put('a.txt', 'other', { key: 'k-1' }), 409, 'idempotency_mismatch');
    expect(await blobs()).toBe(1);
  });

  it('leave nothing behind when they are too large, too short or broken off', async () => {
    const limit = LIMITS.artifact_bytes.value;
    await expectProblem(await put('big', 'x', { headers: { 'content-length': String(limit + 1) } }), 413, 'too_large');
    const piece = new Uint8Array(16 * 1024 * 1024);
    await expectProblem(await put('big', streamed(Array.from({ length: limit / piece.byteLength + 1 }, () => piece))), 413, 'too_large');
    await expectProblem(await put('short', streamed([Buffer.from('abc')]), { headers: { 'content-length': '10' } }), 422, 'invalid_input');
    expect((await put('broken', streamed([Buffer.from('abc')], new Error('socket hang up')))).ok).toBe(false);
    expect(await list()).toEqual([]);
    expect(await blobs()).toBe(0);
  });

  it('are cut when they are too slow', async () => {
    let reply: Response | null = null;
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('a few bytes')) });
    void Promise.resolve(put('slow', body)).then((response) => (reply = response));
    while (reply === null) {
      server.clock.advance(1_000);
      await turn();
      expect(server.clock.monotonic()).toBeLessThan(3_600_000);
    }
    await expectProblem(reply, 408, 'too_slow');
    expect(await blobs()).toBe(0);
  });

  it('of somebody without the token are refused before they are read', async () => {
    const forged = { ...attempt, token: 'A'.repeat(28) };
    await expectProblem(await put('x', 'x', { of: forged }), 401, 'unauthenticated');
    expect(await blobs()).toBe(0);
  });

  it("may be checkpoints: the latest is the job's, whoever wrote it", async () => {
    const checkpoint = (of: AttemptReference, content?: string) =>
      server.send('/api/v1/attempt/checkpoint', { key: tokenOf(of), ...(content === undefined ? {} : { method: 'PUT', text: content }) });
    await expectProblem(await checkpoint(attempt), 404, 'artifact_not_found');
    expect(await (await checkpoint(attempt, 'state 1')).json()).toEqual({ success: true, filename: 'checkpoint', version: 0, size_bytes: 7 });
    await endAttempt(server.store, attempt, { outcome: 'lost', status: 'pending' });
    const second = await insertAttempt(server.store, running.job);
    expect(await (await checkpoint(attempt, 'too late')).json()).toMatchObject({ version: 1 });
    const latest = await checkpoint(second);
    expect([await latest.text(), latest.headers.get('drover-checkpoint-version'), latest.headers.get('drover-checkpoint-at')]).toEqual([
      'state 1',
      '0',
      String(Date.parse(NOW)),
    ]);
    expect(await (await get('checkpoint', '?kind=checkpoint')).text()).toBe('state 1');
    // For a script that could not read the latest; what came too late is passed over here, too.
    expect(await (await checkpoint(second, 'state 2')).json()).toMatchObject({ version: 2 });
    const before = (version: number) => server.send(`/api/v1/attempt/checkpoint?before=${version}`, { key: tokenOf(second) });
    const older = await before(2);
    expect([await older.text(), older.headers.get('drover-checkpoint-version')]).toEqual(['state 1', '0']);
    await expectProblem(await before(0), 404, 'artifact_not_found');
  });
});
