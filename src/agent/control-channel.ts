// The local way to talk to a running agent: a Unix socket that only its user can open, one JSON line asked, one answered.
import { createHash } from 'node:crypto';
import { chmodSync, rmSync, statSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import * as z from 'zod';

import { makeDirectories } from '../runtime/make-directories.ts';
import type { AgentStatus } from './agent.ts';

const Request = z.discriminatedUnion('command', [
  z.object({ command: z.literal('status') }),
  z.object({
    command: z.literal('stop'),
    slots: z.array(z.int()).optional(),
    grace_seconds: z.number().min(0).optional(),
  }),
  z.object({ command: z.enum(['drain', 'resume']), slots: z.array(z.int()) }),
  z.object({ command: z.literal('restart_keep') }),
]);

export type ControlRequest = z.output<typeof Request>;

export interface ControlStatus extends AgentStatus {
  readonly pid: number;
}

export type ControlReply = { readonly ok: true; readonly status: ControlStatus } | { readonly ok: false; readonly problem: string };

export interface ControlServer {
  close(): Promise<void>;
}

/** The longest path that a socket address holds on Linux is 107 bytes; macOS has 103. */
const LONGEST_PATH = 103;

export function socketPath(instanceFile: string): string {
  const beside = instanceFile.replace(/\.json$/, '.sock');
  if (Buffer.byteLength(beside) <= LONGEST_PATH) return beside;
  const name = createHash('sha256').update(instanceFile).digest('hex').slice(0, 16);
  return join(tmpdir(), `drover-${userInfo().uid}`, `${name}.sock`);
}

export async function serveControl(path: string, answer: (request: ControlRequest) => ControlStatus): Promise<ControlServer> {
  const directory = join(path, '..');
  makeDirectories(directory, 0o700);
  const owner = statSync(directory);
  if (process.getuid !== undefined && owner.uid !== process.getuid())
    throw new Error(`${directory} belongs to another user; the control socket cannot be there.`);
  chmodSync(directory, 0o700);
  // The caller holds the instance, so whatever stands here was left by a process that is gone.
  rmSync(path, { force: true });
  const server = createServer((socket) => serveOne(socket, answer));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return { close: () => new Promise((resolve) => server.close(() => resolve())) };
}

function serveOne(socket: Socket, answer: (request: ControlRequest) => ControlStatus): void {
  socket.on('error', () => socket.destroy());
  readLine(socket, (line) => {
    const reply = line === null ? null : replyTo(line, answer);
    socket.end(reply === null ? '' : `${JSON.stringify(reply)}\n`);
  });
}

function replyTo(line: string, answer: (request: ControlRequest) => ControlStatus): ControlReply {
  try {
    const request = Request.safeParse(JSON.parse(line));
    return request.success ? { ok: true, status: answer(request.data) } : { ok: false, problem: 'unknown command' };
  } catch {
    return { ok: false, problem: 'not JSON' };
  }
}

/** Null when nobody answers there: `refused` says for certain that no process has the socket open. */
export async function askControl(path: string, request: ControlRequest): Promise<ControlReply | 'refused' | null> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.setTimeout(5_000, () => done(null));
    const done = (reply: ControlReply | 'refused' | null): void => {
      socket.destroy();
      resolve(reply);
    };
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? 'refused' : null));
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    readLine(socket, (line) => done(line === null ? null : (JSON.parse(line) as ControlReply)));
  });
}

const LONGEST_LINE = 4 * 1024 * 1024;

/** Calls back once: with the first line, or with null when the other side goes before it is whole. */
function readLine(socket: Socket, callback: (line: string | null) => void): void {
  let text = '';
  let called = false;
  const done = (line: string | null): void => {
    if (!called) callback(line);
    called = true;
  };
  socket.setEncoding('utf8');
  socket.on('data', (part: string) => {
    text += part;
    const end = text.indexOf('\n');
    if (end >= 0) done(text.slice(0, end));
    else if (text.length > LONGEST_LINE) done(null);
  });
  socket.on('close', () => done(null));
}
