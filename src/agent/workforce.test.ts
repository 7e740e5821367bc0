// What the server is told of jobs, with processes that start and end when the test says so.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { until } from '../../test/support/agent-fixture.ts';
import { openWorkforce, type TestWorkforce } from '../../test/support/workforce.ts';
import type { LeaseShape } from '../contract/index.ts';
import { systemClock } from '../runtime/clock.ts';
import type { JobProcess, ProcessEnd } from './job-process.ts';
import type { Workforce } from './workforce.ts';

const lease: LeaseShape = {
  ...{ job_id: 7, experiment: 'digits-tune', number: 3, attempt: 1, rank: 0, token: 'abcdefgh12345', slot: 0 },
  ...{ params: {}, command: 'true', machine: null, timeout_seconds: null, grace_seconds: 5 },
};

let stage: TestWorkforce;
let workforce: Workforce;
let news: number;
let signals: string[];
let startProcess: () => void;
let endProcess: (end: ProcessEnd) => void;

beforeEach(() => {
  news = 0;
  signals = [];
  const started = new Promise<void>((resolve) => (startProcess = resolve));
  const ended = new Promise<ProcessEnd>((resolve) => (endProcess = resolve));
  const job: JobProcess = {
    pid: 4711,
    started_at: 1,
    ran_ms: 0,
    ended,
    hasEnded: () => false,
    signal: (name) => void signals.push(name),
    groupLives: () => false,
  };
  const runner = { start: () => started.then(() => job), adopt: () => Promise.resolve(job) };
  stage = openWorkforce(systemClock, runner, () => (news += 1));
  ({ workforce } = stage);
});
afterEach(() => stage.close());

test('a job that starts after it was told of is news', async () => {
  stage.receive({ leases: [lease] });
  expect(workforce.describe().running).toMatchObject([{ job_id: 7, started_at: null }]);
  expect(news).toBe(0);
  startProcess();
  await until('the news', () => news === 1);
  expect(workforce.describe().running[0]!.started_at).not.toBeNull();
});

test('the same lease offered again is the same attempt, running, ended and forgotten', async () => {
  const twice = { leases: [lease, lease] };
  stage.receive(twice);
  startProcess();
  await until('it runs', () => workforce.describe().running[0]?.started_at);
  stage.receive(twice);
  expect(workforce.attempts()).toHaveLength(1);
  expect(workforce.describe().free_slots).toEqual([1]);
  endProcess({ kind: 'exited', exit_code: 0, signal: null, at: 2 });
  await until('it ended', () => workforce.describe().finished.length === 1);
  stage.receive({ leases: [lease], settled: [{ job_id: 7, attempt: 1, rank: 0, result: 'recorded' }] });
  expect(workforce.attempts()).toHaveLength(0);
  stage.receive(twice);
  expect(workforce.attempts()).toHaveLength(0);
  expect(workforce.describe()).toMatchObject({ free_slots: [0, 1], running: [], finished: [] });
});

test('an end that a reply settles before it was sent stays until it was sent', async () => {
  stage.receive({ leases: [lease] });
  startProcess();
  await until('it runs', () => workforce.describe().running[0]?.started_at);
  const before = stage.request();
  endProcess({ kind: 'exited', exit_code: 0, signal: null, at: 2 });
  await until('it ended', () => workforce.describe().finished.length === 1);
  stage.receive({ settled: [{ job_id: 7, attempt: 1, rank: 0, result: 'repeated' }] }, before);
  expect(workforce.describe().finished).toHaveLength(1);
});

test('an attempt whose job was deleted is stopped, its end told to nobody, and nothing of it kept', async () => {
  stage.receive({ leases: [lease] });
  startProcess();
  await until('it runs', () => workforce.describe().running[0]?.started_at);
  const place = workforce.attempts()[0]!.directory!;
  writeFileSync(join(place, 'stdout'), 'nobody wants this');
  stage.receive({ revoked: [{ job_id: 7, attempt: 1, rank: 0, reason: 'deleted' }] });
  expect(signals).toEqual(['SIGTERM']);
  expect(workforce.describe().running).toHaveLength(1);
  endProcess({ kind: 'exited', exit_code: null, signal: 'SIGTERM', at: 2 });
  await until('it was forgotten', () => workforce.attempts().length === 0);
  expect(workforce.describe()).toMatchObject({ free_slots: [0, 1], running: [], finished: [] });
  await until('its directory is gone', () => !existsSync(place));
});

test('an end that was waiting to be told is dropped with its job', async () => {
  stage.receive({ leases: [lease] });
  startProcess();
  await until('it runs', () => workforce.describe().running[0]?.started_at);
  writeFileSync(join(workforce.attempts()[0]!.directory!, 'stdout'), 'nobody wants this');
  endProcess({ kind: 'exited', exit_code: 0, signal: null, at: 2 });
  await until('it ended', () => workforce.describe().finished.length === 1);
  stage.receive({ revoked: [{ job_id: 7, attempt: 1, rank: 0, reason: 'deleted' }] });
  expect(workforce.attempts()).toHaveLength(0);
});

test('a lease that comes after the doors were closed is given back without a start', () => {
  workforce.close();
  stage.receive({ leases: [lease] });
  expect(workforce.describe()).toMatchObject({ free_slots: [], running: [], finished: [{ outcome: 'released', started_at: null }] });
});

test('a worker that is drained here finishes its job, and the server hears when it has left and when it is back', async () => {
  stage.receive({ leases: [lease] });
  startProcess();
  await until('it runs', () => workforce.describe().running[0]?.started_at);
  workforce.drain([0]);
  expect(stage.request()).toMatchObject({ free_slots: [1] });
  expect(stage.request()).not.toHaveProperty('left_slots');
  expect(signals).toEqual([]);
  endProcess({ kind: 'exited', exit_code: 0, signal: null, at: 2 });
  await until('its end is told', () => workforce.describe().finished.length === 1);
  expect(stage.request()).toMatchObject({ free_slots: [1], left_slots: [0] });
  stage.receive({});
  expect(stage.request()).not.toHaveProperty('left_slots');
  workforce.slots.commandHere([0], 'run');
  expect(stage.request()).toMatchObject({ free_slots: [0, 1], left_slots: [] });
});

test('what waits for the slot of a drained worker is given back', async () => {
  stage.receive({ leases: [lease] });
  startProcess();
  await until('it runs', () => workforce.describe().running[0]?.started_at);
  workforce.drain([0]);
  stage.receive({ leases: [{ ...lease, job_id: 8, number: 4, token: 'ijklmnop67890' }] });
  expect(workforce.describe().finished).toMatchObject([{ job_id: 8, outcome: 'released' }]);
});
