// One request to the server with the token of this attempt, and tries with growing waits.
import { createReadStream } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { JobError, numberSetting, type Server } from './place.ts';
import { openRequest } from './proxy.ts';

export interface Payload {
  readonly name: string;
  readonly kind: 'artifact' | 'checkpoint';
  readonly size: number;
  /** A path, or the bytes. */
  readonly content: string | Uint8Array;
}

export interface Reply {
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

const IDLE_SECONDS = 60;
const LONGEST_WAIT_MS = 20_000;

export function download(server: Server, path: string): Promise<Reply> {
  return exchange(server, { method: 'GET', path });
}

/** Uploads, and returns the server's reply. The same key again is the same upload. */
export async function put(server: Server, path: string, payload: Payload, key: string): Promise<Record<string, unknown>> {
  const { body } = await exchange(server, { method: 'PUT', path, payload, key });
  const stored = parseObject(body);
  // Anything else, a login page of some proxy for example, did not store the file.
  if (stored['success'] !== true) throw new JobError('unexpected_reply', `${server.url} did not answer like a Drover server.`, { retryable: true });
  return stored;
}

/** Calls until it succeeds, is refused for good, or the tries are used up. No try begins later than `longest_ms` after the first. */
export async function withTries<T>(call: () => Promise<T>, { tries, longest_ms }: { readonly tries: number; readonly longest_ms: number }): Promise<T> {
  const begun = performance.now();
  let left = numberSetting('JD_UPLOAD_MAX_WAIT_SECONDS', 30) * 1000;
  for (let turn = 1; ; turn += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof JobError) || !error.retryable || turn >= tries) throw error;
      const longest = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** turn);
      const wait = Math.min(left, Math.max(1000 + Math.random() * (longest - 1000), error.retry_after_ms));
      left -= wait;
      if (performance.now() - begun + wait > longest_ms) throw error;
      await sleep(wait);
    }
  }
}

interface Asked {
  readonly method: 'GET' | 'PUT';
  /** Below `/api/v1/attempt/`. */
  readonly path: string;
  readonly payload?: Payload;
  readonly key?: string;
}

async function exchange(server: Server, asked: Asked): Promise<Reply> {
  const reply = await send(server, asked).catch((error: unknown) => {
    if (error instanceof JobError) throw error;
    throw new JobError('unreachable', `${server.url} cannot be reached: ${(error as Error).message}`, { retryable: true });
  });
  if (reply.status === 200 || reply.status === 201) return reply;
  const problem = parseObject(reply.body);
  const { code, detail, title } = problem;
  const retry_after_ms = Number(/^\d{1,6}$/.exec(reply.headers['retry-after'] ?? '')?.[0] ?? 0) * 1000;
  const said = [detail, title, code].find((text) => typeof text === 'string') ?? '';
  if (typeof code === 'string') throw new JobError(code, said, { retryable: problem['retryable'] === true, retry_after_ms });
  if (reply.status === 413) throw new JobError('too_large', `${server.url} refuses an upload of this size.`);
  const retryable = reply.status < 400 || reply.status >= 500 || [404, 408, 425, 429].includes(reply.status);
  throw new JobError('unexpected_reply', `${server.url} answered ${reply.status}.`, { retryable, retry_after_ms });
}

async function send(server: Server, { method, path, payload, key }: Asked): Promise<Reply & { readonly status: number }> {
  const url = addressOf(server, path);
  const headers = {
    authorization: `Bearer ${server.token}`,
    ...(payload === undefined ? {} : { 'content-type': 'application/octet-stream', 'content-length': payload.size, 'idempotency-key': key ?? '' }),
  };
  const request = await openRequest(url, { method, headers, timeout: numberSetting('JD_TIMEOUT_SECONDS', IDLE_SECONDS) * 1000 });
  return new Promise((resolve, reject) => {
    request.on('timeout', () => request.destroy(new Error('it does not answer')));
    request.on('error', reject);
    request.on('response', (reply) => {
      const pieces: Buffer[] = [];
      reply.on('data', (piece: Buffer) => pieces.push(piece));
      reply.on('error', reject);
      // A connection that ends too early says so.
      reply.on('aborted', () => reject(new Error('the reply was cut short')));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(pieces) }));
    });
    sendContent(request, payload);
  });
}

function addressOf({ url }: Server, path: string): URL {
  const address = `${url}/api/v1/attempt/${path}`;
  if (/^https?:\/\//.test(url) && URL.canParse(address)) return new URL(address);
  throw new JobError('invalid_server', `JD_SERVER=${JSON.stringify(url)} is not a usable address; it looks like http://127.0.0.1:5000.`);
}

/** Exactly as many bytes as were announced: a file that grows is cut there, one that shrinks is an error. */
function sendContent(request: ClientRequest, payload: Payload | undefined): void {
  if (payload === undefined || payload.size === 0) return void request.end();
  if (typeof payload.content !== 'string') return void request.end(payload.content);
  const file = createReadStream(payload.content, { end: payload.size - 1 });
  file.on('error', (error) => request.destroy(error));
  file.on('end', () => {
    if (file.bytesRead === payload.size) return void request.end();
    request.destroy(new JobError('file_changed', 'The file became shorter while it was read; upload it when nothing writes to it.'));
  });
  file.pipe(request, { end: false });
}

function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
