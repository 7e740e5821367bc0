import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { upload, updateCheckpoint, getLastCheckpoint } from './job.ts';
import { made } from './place.ts';

let directory = '';
let spool = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-keeping-'));
  spool = join(directory, 'attempt', 'uploads');
  vi.stubEnv('JD_ATTEMPT_DIR', join(directory, 'attempt'));
  for (const name of ['JD_SERVER', 'JD_WORKER_TOKEN']) vi.stubEnv(name, undefined);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

function file(name: string, size: number): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.alloc(size));
  return path;
}

interface Description {
  readonly kind: string;
  readonly name: string;
  readonly size: number;
}

function waiting(): string[] {
  return readdirSync(spool)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .map((name) => JSON.parse(readFileSync(join(spool, name), 'utf8')) as Description)
    .map(({ kind, name, size }) => `${kind} ${name} ${size}`);
}

const STATE = { weights: new Uint8Array(1000) };

test('what waits is bounded: old states make room, files and the newest state stay', async () => {
  vi.stubEnv('JD_SPOOL_MAX_BYTES', '6000');
  await upload(file('early.txt', 500));
  for (let turn = 0; turn < 20; turn += 1) await updateCheckpoint({ ...STATE, turn });
  await upload(file('late.txt', 500));
  expect(waiting().filter((line) => line.startsWith('artifact'))).toEqual(['artifact early.txt 500', 'artifact late.txt 500']);
  const states = waiting().filter((line) => line.startsWith('checkpoint'));
  expect(states.length).toBeGreaterThan(1);
  expect(states.length).toBeLessThan(6);
  expect(await getLastCheckpoint()).toMatchObject({ turn: 19 });
  // No file without a description is left over from those that went.
  expect(readdirSync(spool)).toHaveLength(2 * waiting().length);
});

test('a file never pushes out the newest state; what does not fit is an error', async () => {
  vi.stubEnv('JD_SPOOL_MAX_BYTES', '3000');
  await updateCheckpoint({ ...STATE, turn: 1 });
  await expect(upload(file('large.bin', 2500))).rejects.toMatchObject({ code: 'spool_full', message: expect.stringContaining('JD_SPOOL_MAX_BYTES') });
  expect(await getLastCheckpoint()).toMatchObject({ turn: 1 });
  expect(waiting()).toHaveLength(1);
});

test('a spool that cannot be written is an error with its reason', async () => {
  writeFileSync(join(directory, 'attempt'), 'in the way');
  await expect(upload(file('a.txt', 1))).rejects.toMatchObject({ code: 'spool_unwritable', message: expect.stringMatching(/a\.txt cannot be kept .*ENOTDIR/) });
});

test('a long name is cut and keeps its ending, as in Python', async () => {
  await upload(file(`${'n'.repeat(220)}.tar.gz`, 1));
  expect(waiting()).toEqual([`artifact ${'n'.repeat(197)}.gz 1`]);
});

test('a file that shrinks while it is read is an error; so is one that the server refuses for good', async () => {
  const size = 64 * 2 ** 20;
  const path = file('shrinks.bin', size);
  const server = createServer((request, reply) => {
    // Not read on until the file is shorter.
    request.once('data', () => {
      request.pause();
      truncateSync(path, 2 ** 20);
      request.resume();
    });
    request.on('error', () => reply.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('JD_SERVER', `127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('JD_WORKER_TOKEN', 'jdt_x');
  await expect(upload(path)).rejects.toMatchObject({ code: 'file_changed' });
  server.closeAllConnections();
  server.close();
});

test('no try begins after the longest time, and a wait that the server asks for is kept', async () => {
  let tries = 0;
  const server = createServer((request, reply) => {
    tries += 1;
    request.resume();
    reply.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '90' }).end(JSON.stringify({ code: 'busy', retryable: true }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('JD_SERVER', `127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('JD_WORKER_TOKEN', 'jdt_x');
  vi.stubEnv('JD_UPLOAD_MAX_WAIT_SECONDS', '1000');
  expect(await upload(file('a.txt', 1))).toEqual({ success: true, queued: true, version: null, filename: 'a.txt', size_bytes: 1 });
  expect(tries).toBe(1);
  server.closeAllConnections();
  server.close();
});

test.skipIf(process.platform !== 'linux')('a workspace that cannot be made is not tried for ever', () => {
  expect(made('/proc/x/y')).toBe('/proc/x/y');
  expect(readdirSync(made(join(directory, 'deep', 'down')))).toEqual([]);
});
