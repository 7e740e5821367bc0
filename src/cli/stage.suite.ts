// A stage for tests of the command line: streams in memory, a home of its own, and, where a command needs one, a small HTTP server
// that answers in the words of the contract.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';

import { onTestFinished } from 'vitest';

import { systemClock } from '../runtime/clock.ts';
import type { CliDependencies, OutputStream } from './dependencies.ts';
import { runJ } from './j/run.ts';
import { run } from './run.ts';

export interface Stage {
  readonly dependencies: CliDependencies;
  readonly home: string;
  /** Runs `drover` with these words, to its end. */
  drover(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Runs `j` with these words, to its end. */
  j(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Presses Ctrl-C. */
  interrupt(): void;
  type(text: string): void;
}

export interface StageOptions {
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly overrides?: Partial<CliDependencies>;
}

export function createStage(options: StageOptions = {}): Stage {
  const home = mkdtempSync(join(tmpdir(), 'drover-cli-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const listeners = new Set<(signal: NodeJS.Signals) => void>();
  let stdin = new PassThrough();
  const terminal = { isTTY: options.terminal === true, columns: options.columns ?? 80 };
  const unavailable = (): never => {
    throw new Error('this test starts no server and no agent');
  };
  const dependencies: CliDependencies = {
    version: '1.2.3',
    env: { PATH: process.env['PATH'], ...options.env },
    get stdin() {
      return Object.assign(stdin, { isTTY: terminal.isTTY });
    },
    stdout: memoryStream(terminal),
    stderr: memoryStream(terminal),
    clock: systemClock,
    random: () => 0.5,
    cwd: home,
    home,
    platform: 'linux',
    package_root: resolve(import.meta.dirname, '../..'),
    fetch: globalThis.fetch,
    route: () => dependencies.fetch,
    serve: unavailable,
    agent: {
      ...{ start: unavailable, run: unavailable, spawnForeground: unavailable, list: unavailable },
      ...{ stop: unavailable, drain: unavailable, restart: unavailable, scale: unavailable, prune: unavailable },
    },
    launch: () => Promise.resolve(false),
    view: unavailable,
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: unavailable,
    ...options.overrides,
  };
  const to = async (program: typeof run, words: readonly string[]) => {
    const stdout = memoryStream(terminal);
    const stderr = memoryStream(terminal);
    const own = Object.create(dependencies, { stdout: { value: stdout }, stderr: { value: stderr } }) as CliDependencies;
    const code = await program(own, words);
    stdin = new PassThrough();
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  };
  return {
    dependencies,
    home,
    drover: (...words) => to(run, words),
    j: (...words) => to(runJ, words),
    interrupt() {
      for (const listener of listeners) listener('SIGINT');
    },
    type: (text) => void stdin.end(text),
  };
}

export function memoryStream(
  terminal: { isTTY: boolean; columns: number } = { isTTY: false, columns: 80 },
): OutputStream & { text(): string; bytes(): Buffer } {
  const stream = new PassThrough({ highWaterMark: 1 << 30 });
  return Object.assign(stream, {
    ...terminal,
    bytes: () => Buffer.concat([...bufferedChunks(stream)]),
    text: () => Buffer.concat([...bufferedChunks(stream)]).toString('utf8'),
  });
}

const kept = new WeakMap<PassThrough, Buffer[]>();

function bufferedChunks(stream: PassThrough): Buffer[] {
  const chunks = kept.get(stream) ?? [];
  kept.set(stream, chunks);
  for (let chunk = stream.read() as Buffer | null; chunk !== null; chunk = stream.read() as Buffer | null) chunks.push(chunk);
  return chunks;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly headers: IncomingMessage['headers'];
}

export interface Reply {
  readonly status?: number;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Breaks the connection after the bytes, as a server that dies does. */
  readonly cut?: boolean;
}

export interface ContractServer {
  readonly url: string;
  readonly calls: readonly Call[];
  close(): Promise<void>;
}

/** `answer` gives the reply to a call below /api/v1, or null for 404. */
export async function startContractServer(answer: (call: Call) => Reply | null): Promise<ContractServer> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      const call: Call = { method: request.method ?? '', path: url.pathname.replace('/api/v1', ''), query: url.searchParams, body, headers: request.headers };
      calls.push(call);
      send(response, answer(call) ?? problem('not_found', 404, 'There is no such thing.'));
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

export function problem(code: string, status: number, detail: string): Reply {
  return {
    status,
    json: { type: `urn:drover:${code}`, title: code, status, code, retryable: false, detail },
    headers: { 'content-type': 'application/problem+json' },
  };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? null : (JSON.parse(text) as unknown);
}

function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
  if (reply.cut === true) {
    response.write(reply.bytes ?? new Uint8Array(), () => response.destroy());
    return;
  }
  response.end(reply.bytes ?? JSON.stringify(reply.json));
}
