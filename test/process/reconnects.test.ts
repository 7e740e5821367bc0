// Browsers that come back to the live stream again and again: memory and descriptors of the server stay where they were.
// RECONNECTS=1000000 tries it as often as that.
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';

import { LIMITS } from '../../src/core/limits.ts';
import { openStage, type TestServer } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { createExperiment } from '../support/experiment.ts';
import { memoryBytes } from '../support/program.ts';

const TIMES = Number(process.env['RECONNECTS'] ?? 4_000);
/** Half of what one key may have open. */
const AT_ONCE = LIMITS.streams_per_actor.value / 2;
const WARM_UP = 2_000;
/** What a garbage collector may not have come to yet. */
const MEMORY_BYTES = 64 * 1024 * 1024;

const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Resolves with the first line of the reply when the stream has begun, or has not. */
function openStream(server: TestServer, cursor: string | null): Promise<{ socket: Socket; status: string; text: string }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('data', (piece: string) => {
      text += piece;
      if (/\r\n\r\n[^]*\n\n|"code"/.test(text)) resolve({ socket, status: text.slice(0, text.indexOf('\r\n')), text });
    });
    const last = cursor === null ? '' : `Last-Event-ID: ${cursor}\r\n`;
    socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n${last}\r\n`);
  });
}

/** All kinds of farewell: in order, at once, and before the reply has come. */
async function comeAndGo(server: TestServer, n: number, cursor: string): Promise<void> {
  if (n % 10 === 9) {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await new Promise((sent) => socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.key}\r\n\r\n`, sent));
    await new Promise<void>((closed) => socket.once('close', () => closed()).resetAndDestroy());
    return;
  }
  const { socket, status } = await openStream(server, n % 3 === 0 ? cursor : n % 3 === 1 ? 'elsewhere.1' : null);
  expect(status).toBe('HTTP/1.1 200 OK');
  await new Promise<void>((closed) => {
    socket.once('close', () => closed());
    if (n % 2 === 0) socket.destroy();
    else socket.resetAndDestroy();
  });
}

test('a stream that is opened and left thousands of times leaves nothing behind', { timeout: 120_000 + TIMES * 10 }, async (context) => {
  const stage = openStage(context);
  const server = await stage.server();
  const experiment = await createExperiment(server, 'live');
  await experiment.add({ command: 'true', times: 50 });
  const first = await openStream(server, null);
  const cursor = /^id: (\S+)$/m.exec(first.text)![1]!;
  first.socket.destroy();
  const rounds = async (from: number, to: number): Promise<void> => {
    let next = from;
    const one = async (): Promise<void> => {
      while (next < to) await comeAndGo(server, (next += 1), cursor);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
  };
  await rounds(0, WARM_UP);
  const before = { memory: memoryBytes(server.pid, 'VmRSS'), descriptors: descriptors(server.pid) };
  await rounds(WARM_UP, WARM_UP + TIMES);
  await eventually(() => expect(descriptors(server.pid)).toBeLessThanOrEqual(before.descriptors));
  const after = memoryBytes(server.pid, 'VmRSS');
  if (TIMES > 100_000) process.stderr.write(`${TIMES} reconnects: ${Math.round(before.memory / 1e6)} MB before, ${Math.round(after / 1e6)} MB after\n`);
  expect(after - before.memory).toBeLessThan(MEMORY_BYTES);

  // All that left were counted off: as many as allowed can be open again, and not one more.
  const open = await Promise.all(Array.from({ length: LIMITS.streams_per_actor.value }, () => openStream(server, null)));
  expect(new Set(open.map(({ status }) => status))).toEqual(new Set(['HTTP/1.1 200 OK']));
  const more = await openStream(server, null);
  expect(more.text).toContain('"code":"too_many"');
  for (const { socket } of [...open, more]) socket.destroy();
  await eventually(() => expect(descriptors(server.pid)).toBeLessThanOrEqual(before.descriptors));
});
