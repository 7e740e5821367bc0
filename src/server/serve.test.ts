// The server on a real socket: what only shows there.
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { contract, createClient, type Client } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';

import { serve, type RunningServer, type ServeOptions } from './serve.ts';
import { expectProblem } from './test-app.suite.ts';

let root: string;
let server: RunningServer;
let key: string;
let client: Client<Response>;

const start = (more: Partial<ServeOptions> = {}): Promise<RunningServer> =>
  serve({
    host: '127.0.0.1',
    port: 0,
    data_dir: join(root, 'data'),
    database: null,
    log: silentLog,
    clock: systemClock,
    version: '0.4.2',
    random: () => 0.5,
    static_dir: root,
    read_threads: 0,
    ...more,
  });

function clientOf(own: string): Client<Response> {
  return createClient(contract, {
    base_url: server.url,
    headers: { authorization: `Bearer ${own}` },
    fetch: (url, request) => fetch(url, request as RequestInit),
  });
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'drover-serve-'));
  server = await start();
  ({ key } = await server.createLocalKey('tests'));
  client = clientOf(key);
});

afterEach(async () => {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Sends raw text and collects what comes back. */
function raw(text: string): { readonly socket: Socket; readonly reply: () => string; readonly closed: Promise<void> } {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let reply = '';
  socket.setEncoding('utf8');
  socket.on('data', (piece: string) => (reply += piece));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.write(text);
  return { socket, reply: () => reply, closed };
}

async function until(fact: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await fact())) {
    if (performance.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function newAgent(): Promise<Client<Response>> {
  const { secret } = await client.agents.register({
    body: { host: 'h', instance: 'egg', experiments: null, workers: 1, total: { cpus: 1, memory_bytes: 1, gpus: 0 }, version: '0.4.2' },
  });
  return clientOf(secret);
}

const sync = (agent: Client<Response>, wait_seconds: number) =>
  agent.agents.sync({
    body: {
      incarnation: 'one',
      sync_seq: 1,
      sent_at: new Date().toISOString(),
      wait_seconds,
      free_slots: [0],
      free: { cpus: 1, memory_bytes: 1, gpus: 0 },
      running: [],
      finished: [],
    },
  });

describe('a running server', () => {
  it('can be used at once: key, link, PIN', async () => {
    await client.experiments.create({ body: { name: 'digits-tune' } });
    expect(await server.pin('digits-tune')).toMatch(/^\d{6}$/);
    expect(await server.pin('nothing-here')).toBeNull();
    const link = await server.loginLink();
    expect(link).toMatch(new RegExp(`^${server.url}/login#link=jdl_`));
    const login = await fetch(`${server.url}/api/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ link_token: link.split('=')[1] }),
    });
    expect(await login.json()).toMatchObject({ actor: { kind: 'link', role: 'admin' } });
    expect((await client.server.status({})).server).toMatchObject({ store_id: server.store_id, database: 'sqlite' });
  });

  it('keeps everything over a restart', async () => {
    await client.experiments.create({ body: { name: 'digits-tune' } });
    const pin = await server.pin('digits-tune');
    await server.stop();
    server = await start();
    client = clientOf(key);
    expect(await server.pin('digits-tune')).toBe(pin);
    expect((await client.experiments.list({})).experiments.map(({ name }) => name)).toEqual(['digits-tune']);
  });

  it('refuses a port that is taken, with the code that says so, and leaves its data free', async () => {
    const port = Number(new URL(server.url).port);
    const data_dir = join(root, 'second');
    await expect(start({ port, data_dir })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const second = await start({ data_dir });
    await second.stop();
  });

  it('answers HEAD without a body and JSON with its length', async () => {
    const head = await fetch(`${server.url}/api/v1/status`, { method: 'HEAD', headers: { authorization: `Bearer ${key}` } });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const get = await fetch(`${server.url}/api/v1/status`, { headers: { authorization: `Bearer ${key}` } });
    expect(Number(get.headers.get('content-length'))).toBe((await get.text()).length);
  });

  it('bounds bodies that do not say how long they are', async () => {
    const piece = new Uint8Array(1024 * 1024).fill(32);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += piece.byteLength;
        controller.enqueue(piece);
        if (sent > LIMITS.body_bytes.value * 2) controller.close();
      },
    });
    const response = await fetch(`${server.url}/api/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit);
    await expectProblem(response, 413, 'too_large');
  });

  it('takes the forwarded address only from a proxy that it was told of', async () => {
    await client.experiments.create({ body: { name: 'digits-tune' } });
    let guesses = 0;
    const guess = (): Promise<Response> =>
      fetch(`${server.url}/api/v1/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': `203.0.113.${(guesses += 1)}` },
        body: JSON.stringify({ experiment: 'digits-tune', pin: 'wrong' }),
      });
    expect([(await guess()).status, (await guess()).status, (await guess()).status]).toEqual([401, 401, 429]);
  });
});

describe('slow clients', () => {
  it('are cut when a small body does not come', async () => {
    await server.stop();
    const callbacks: (() => void)[] = [];
    // The clock that only runs when told: a minute passes at once.
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback) => {
        if (ms === 60_000) callbacks.push(callback);
        return ms === 60_000 ? { cancel: () => void callbacks.splice(callbacks.indexOf(callback), 1) } : systemClock.after(ms, callback);
      },
    };
    server = await start({ clock });
    const slow = raw(
      `POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"na`,
    );
    await until(() => callbacks.length > 0);
    callbacks[0]!();
    await slow.closed;
    expect(slow.reply()).toMatch(/^HTTP\/1\.1 408 /);
    expect(slow.reply()).toContain('"code":"too_slow"');
  });
});

describe('stopping', () => {
  it('answers hanging polls, ends streams, and is done in time', async () => {
    await client.experiments.create({ body: { name: 'digits-tune' } });
    const agent = await newAgent();
    const hanging = sync(agent, 25);
    await until(async () => (await client.workers.list({ params: { experiment: 'digits-tune' } })).workers.some((worker) => worker.last_seen_at !== null));
    const stream = (await client.server.events({})).body!.getReader();
    await stream.read();
    const began = performance.now();
    await server.stop();
    await server.closed;
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await hanging).toMatchObject({ leases: [], superseded: false });
    expect((await stream.read()).done).toBe(true);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
  });

  it('lets a request finish that is under way', async () => {
    const body = '{"name":"late"}';
    const late = raw(
      `POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
    );
    await until(() => late.reply().startsWith('HTTP/1.1 100 '));
    late.socket.write(body.slice(0, 4));
    const stopped = server.stop();
    late.socket.write(body.slice(4));
    await stopped;
    await late.closed;
    expect(late.reply()).toContain('HTTP/1.1 201 ');
  });

  it('does not wait for idle connections, and twice is once', async () => {
    const idle = raw(`GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(() => idle.reply().includes('ok'));
    const began = performance.now();
    await Promise.all([server.stop(), server.stop()]);
    await idle.closed;
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});
