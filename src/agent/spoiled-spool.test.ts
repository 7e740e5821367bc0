// What a job spoils between a look at its files and their shipment: it costs the job its own data, and never the agent its time.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { manualClock } from '../../test/support/manual-clock.ts';
import { contract, createClient, type LogChunkShape } from '../contract/index.ts';
import { silentLog } from '../runtime/log.ts';
import type { Attempt } from './attempt-life.ts';
import { NEW_STATE } from './attempt-store.ts';
import { shipLogs } from './log-shipping.ts';
import { shipMetrics } from './metric-shipping.ts';
import { createSpool, isDelivered, refresh, type Spool } from './spool.ts';
import { createSpoolFiles, type SpoolFiles } from './spool-files.ts';
import { shipUploads } from './upload-shipping.ts';

const lease = {
  ...{ job_id: 7, experiment: 'digits-tune', number: 3, attempt: 1, rank: 0, token: 'abcdefgh12345', slot: 0 },
  ...{ params: {}, command: 'true', machine: null, timeout_seconds: null, grace_seconds: 5 },
};
const name = { job_id: 7, attempt: 1, rank: 0 };
const signal = new AbortController().signal;
const nothing = () => undefined;
const clock = manualClock();
const files = createSpoolFiles(silentLog);

let directory: string;
let attempt: Attempt;
let spool: Spool;
let chunks: LogChunkShape[];
let uploads: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-spoiled-'));
  mkdirSync(join(directory, 'uploads'));
  attempt = {
    ...{ lease, slot: 0, phase: 'running', directory, started_at: 1, state: NEW_STATE, end: null },
    ...{ settled: true, unwanted: false, told_unstarted: false, place: null, process_id: null, execution_told: false, mask: null },
  };
  spool = createSpool(attempt, directory);
  [chunks, uploads] = [[], []];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const client = createClient(contract, {
  base_url: '',
  fetch: (url, request) => {
    if (url.includes('/attempt/artifacts/')) {
      uploads.push(url);
      return Promise.resolve(Response.json({ success: true, filename: 'a', version: 0, size_bytes: 1 }));
    }
    const sent = (JSON.parse(String(request?.body)) as { chunks: LogChunkShape[] }).chunks;
    chunks.push(...sent);
    const ends = sent.map(({ stream, offset, dropped_bytes = 0 }) => ({ ...name, stream, end: offset + dropped_bytes }));
    return Promise.resolve(Response.json({ ends, deleted: [] }));
  },
});

const look = () => refresh(spool, files, { monotonic: clock.monotonic(), now: clock.now() });

function spoil(file: string, content: string): void {
  writeFileSync(join(directory, file), content);
  look();
  rmSync(join(directory, file));
  execFileSync('sh', ['-c', 'mkfifo "$0"', join(directory, file)]);
}

test('a log that is no file any more: waited for while the job runs, and a hole after its end', async () => {
  const parts = { clock, client, files, onRefused: nothing, onUnknown: nothing, onDeleted: nothing, onPunch: nothing };
  spoil('stdout', 'hello\n');
  expect(await shipLogs([spool], parts, signal)).toBe('idle');
  expect([chunks, spool.postponed_until > clock.monotonic()]).toEqual([[], true]);
  attempt.phase = 'ended';
  spool.postponed_until = 0;
  expect(await shipLogs([spool], parts, signal)).toBe('more');
  expect(chunks).toMatchObject([{ stream: 'stdout', offset: 0, dropped_bytes: 6 }]);
  expect(isDelivered(spool)).toBe(true);
});

test('metrics that are no file any more are given up at the end', async () => {
  const parts = { clock, client, files, onRefused: nothing, onUnknown: nothing, onDeleted: nothing, onBroken: nothing };
  spoil('metrics.jsonl', '{"m":{"loss":1},"s":1,"t":1}\n');
  expect(await shipMetrics([spool], parts, signal)).toBe('idle');
  expect([isDelivered(spool), spool.postponed_until > clock.monotonic()]).toEqual([false, true]);
  attempt.phase = 'ended';
  spool.postponed_until = 0;
  expect(await shipMetrics([spool], parts, signal)).toBe('idle');
  expect(isDelivered(spool)).toBe(true);
});

const DESCRIPTION = '1767225600000-0a0a0a0a.json';
const immovable: SpoolFiles = {
  ...files,
  removeUpload: () => {
    throw Object.assign(new Error('read-only'), { code: 'EACCES' });
  },
  putAside: () => {
    throw Object.assign(new Error('read-only'), { code: 'EACCES' });
  },
};

test.each([
  ['that was delivered', JSON.stringify({ key: 'k', name: 'a', kind: 'artifact', file: 'data', size: 1 }), 1, []],
  ['whose description makes no sense', 'nonsense', 0, [DESCRIPTION]],
])('an upload %s and cannot be moved out of the way is dealt with once', async (_what, description, delivered, refused) => {
  writeFileSync(join(directory, 'uploads', 'data'), 'x');
  writeFileSync(join(directory, 'uploads', DESCRIPTION), description);
  look();
  expect(spool.uploads_waiting).toBe(true);
  const told: string[] = [];
  const parts = { log: silentLog, client, files: immovable, onRefused: (_spool: Spool, file: string) => void told.push(file) };
  for (let times = 0; times < 3; times += 1) {
    await shipUploads(spool, parts, signal);
    look();
    expect(spool.uploads_waiting).toBe(false);
  }
  expect([uploads.length, told]).toEqual([delivered, refused]);
});
