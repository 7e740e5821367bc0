// Metrics that are shipped to a server which keeps what follows without a gap, and forgets when the test says so.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { contract, createClient, type MetricBatchShape } from '../contract/index.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import type { Attempt } from './attempt-life.ts';
import { NEW_STATE } from './attempt-store.ts';
import { shipMetrics } from './metric-shipping.ts';
import { createSpool, isDelivered, refresh, type Spool } from './spool.ts';
import { createSpoolFiles } from './spool-files.ts';

const lease = {
  ...{ job_id: 7, experiment: 'digits-tune', number: 3, attempt: 1, rank: 0, token: 'abcdefgh12345', slot: 0 },
  ...{ params: {}, command: 'true', machine: null, timeout_seconds: null, grace_seconds: 5 },
};

let directory: string;
let spool: Spool;
let stored: number;
let points: number[];
let deleted: boolean;
const files = createSpoolFiles(silentLog);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-metrics-'));
  const attempt: Attempt = {
    ...{ lease, slot: 0, phase: 'ended', directory, started_at: 1, state: NEW_STATE, end: null },
    ...{ settled: true, unwanted: false, told_unstarted: false, place: null, process_id: null, execution_told: false, mask: null },
  };
  spool = createSpool(attempt, directory);
  [stored, points, deleted] = [0, [], false];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const client = createClient(contract, {
  base_url: '',
  fetch: (_url, request) => {
    const { batches } = JSON.parse(String(request?.body)) as { batches: MetricBatchShape[] };
    const name = { job_id: 7, attempt: 1, rank: 0 };
    if (deleted) return Promise.resolve(Response.json({ ends: [], deleted: [name] }));
    for (const batch of batches.filter(({ from, to }) => from <= stored && to > stored)) {
      points.push(...batch.points.filter(({ offset }) => offset >= stored).map(({ value }) => Number(value)));
      stored = batch.to;
    }
    return Promise.resolve(Response.json({ ends: [{ ...name, end: stored }], deleted: [] }));
  },
});

const write = (lines: readonly string[]): void => {
  writeFileSync(join(directory, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
  refresh(spool, files, { monotonic: 0, now: 0 });
};
const line = (value: number): string => JSON.stringify({ m: { loss: value }, s: value, t: 1 });
const ship = async (): Promise<void> => {
  const parts = {
    clock: systemClock,
    client,
    files,
    onRefused: () => undefined,
    onUnknown: () => undefined,
    onBroken: () => undefined,
    onDeleted: ({ attempt }: Spool) => (attempt.unwanted = true),
  };
  for (let left = 20; left > 0 && !isDelivered(spool); left -= 1) {
    spool.postponed_until = 0;
    await shipMetrics([spool], parts, AbortSignal.timeout(5_000));
  }
};

test('what the server has lost is sent again, from there on', async () => {
  write([line(1), line(2)]);
  await ship();
  const before = stored;
  write([line(1), line(2), line(3)]);
  // A restored backup.
  [stored, points] = [0, []];
  await ship();
  expect(points).toEqual([1, 2, 3]);
  expect(stored).toBeGreaterThan(before);
});

test('lines that hold no metric are told of too: the server must not take what follows for early', async () => {
  write(['{broken', '{"nothing": 1}']);
  await ship();
  expect(stored).toBe(spool.metrics.size);
  write(['{broken', '{"nothing": 1}', line(5)]);
  await ship();
  expect(points).toEqual([5]);
});

test('nothing more is sent of a job that was deleted', async () => {
  deleted = true;
  write([line(1)]);
  await ship();
  expect([spool.attempt.unwanted, isDelivered(spool), points]).toEqual([true, true, []]);
});
