// Clients that mean harm, on a real socket: they hold on to connections, and send what would unpack into much.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { eventually } from '../../test/support/eventually.ts';
import { LIMITS } from '../core/limits.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';

import { serve, type RunningServer, type ServeOptions } from './serve.ts';
import { expectProblem } from './test-app.suite.ts';

let root: string;
let server: RunningServer;
let key: string;

async function start(more: Partial<ServeOptions> = {}): Promise<void> {
  server = await serve({
    ...{ host: '127.0.0.1', port: 0, data_dir: join(root, 'data'), database: null, log: silentLog, clock: systemClock },
    ...{ version: '0.4.2', random: () => 0.5, static_dir: root, read_threads: 0, ...more },
  });
  ({ key } = await server.createLocalKey('tests'));
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-hostile-'));
  await start();
});

afterEach(async () => {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

interface Line {
  readonly socket: Socket;
  readonly reply: () => string;
  readonly isClosed: () => boolean;
}

function send(text: string): Line {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let reply = '';
  let closed = false;
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => (reply += piece));
  socket.on('error', () => {});
  socket.on('close', () => (closed = true));
  socket.write(text);
  return { socket, reply: () => reply, isClosed: () => closed };
}

const closes = (line: Line): Promise<void> =>
  eventually(
    () => {
      // A byte at every look keeps everything busy that waits for silence.
      if (!line.socket.destroyed) line.socket.write(' ');
      expect(line.isClosed(), line.reply()).toBe(true);
    },
    { within: 5_000 },
  );

describe('a body that is announced and never comes', () => {
  it.each([
    ['of a read that is open to all', 'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n', 200],
    ['of a read that is refused', 'GET /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n', 401],
    ['of the dashboard', 'GET / HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nContent-Length: 5\r\n\r\n', 503],
    ['of a write that is refused', 'POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{', 401],
    ['of an upload that is refused', 'PUT /api/v1/attempt/checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nx', 401],
    ['for nothing at all', 'POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx', 404],
  ])('%s holds no connection', async (_what, text, status) => {
    const line = send(text);
    await closes(line);
    expect(line.reply()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe('a head that is no head', () => {
  it.each([
    ['too large', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'y'.repeat(100_000)}\r\n\r\n`, 431],
    ['of too many lines', `GET / HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(20_000)}\r\n`, 431],
    ['with two lengths of the body', 'POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['with a bare line end', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n', 400],
  ])('%s ends its connection', async (_what, text, status) => {
    const line = send(text);
    await eventually(() => expect(line.isClosed()).toBe(true));
    expect(line.reply()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(line.reply().match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

/** On a connection of its own, which ends with it. */
function post(path: string, body: object): Promise<number> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}/api/v1${path}`, { method: 'POST', headers, agent: false }, (reply) => {
      reply.resume().on('end', () => resolve(reply.statusCode ?? 0));
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}

describe('a reader that does not read', () => {
  it('is cut when nothing moves for long', async () => {
    await server.stop();
    await start({ unread_ms: 400 });
    expect(await post('/experiments', { name: 'digits-tune' })).toBe(201);
    await post('/experiments/digits-tune/jobs', { matrix: { text: Array.from({ length: 1_000 }, (_, n) => `${n}${'x'.repeat(14_000)}`) } });
    // This process has both ends of every connection.
    const open = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    await eventually(() => expect(open()).toBe(0));
    const line = send(`GET /api/v1/experiments/digits-tune/jobs?limit=1000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
    line.socket.pause();
    await eventually(() => expect(open()).toBe(2));
    await eventually(() => expect(open()).toBe(1));
    line.socket.resume();
    await eventually(() => expect(line.isClosed()).toBe(true), { within: 5_000 });
    const whole = Number(/content-length: (\d+)/i.exec(line.reply())?.[1]);
    expect(whole).toBeGreaterThan(14_000_000);
    expect(line.reply().length).toBeLessThan(whole);
  });

  it('is not one that waits: a log that says nothing for long is followed all the same', async () => {
    await server.stop();
    await start({ unread_ms: 100 });
    expect(await post('/experiments', { name: 'digits-tune' })).toBe(201);
    expect(await post('/experiments/digits-tune/jobs', { jobs: [{}], command: 'true' })).toBe(201);
    const line = send(`GET /api/v1/experiments/digits-tune/jobs/1/log?follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`);
    await eventually(() => expect(line.reply()).toMatch(/^HTTP\/1\.1 200 /));
    const begun = performance.now();
    await eventually(() => expect(performance.now() - begun).toBeGreaterThan(500));
    expect(line.isClosed()).toBe(false);
    expect(await post('/experiments/digits-tune/jobs/1/cancel', {})).toBe(200);
    await eventually(() => expect(line.reply()).toMatch(/\r\n0\r\n\r\n$/));
  });
});

describe('packed bodies', () => {
  const packed = (body: Buffer, encoding: string): Promise<Response> =>
    fetch(`${server.url}/api/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-encoding': encoding },
      body,
    } as unknown as RequestInit);

  it('are never unpacked: a bomb of a gigabyte is a few bytes that are no JSON', async () => {
    const bomb = gzipSync(gzipSync(Buffer.alloc(256 * 1024 * 1024)));
    expect(bomb.byteLength).toBeLessThan(10_000);
    const before = process.memoryUsage.rss();
    for (const encoding of ['gzip', 'deflate', 'br', 'gzip, gzip']) await expectProblem(await packed(bomb, encoding), 400, 'malformed_json');
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('are counted as they come', async () => {
    await expectProblem(await packed(Buffer.alloc(LIMITS.body_bytes.value + 1), 'gzip'), 413, 'too_large');
  });
});
