// Jobs that wait for their slot: when they are asked for, when they begin, and how they are given back. Processes end when the test says so.

import { afterEach, beforeEach, expect, test } from 'vitest';

import { until } from '../../test/support/agent-fixture.ts';
import { type ManualClock, manualClock } from '../../test/support/manual-clock.ts';
import { openWorkforce, type TestWorkforce } from '../../test/support/workforce.ts';
import type { LeaseShape, SyncReplyShape } from '../contract/index.ts';
import type { JobProcess, ProcessEnd } from './job-process.ts';
import type { Workforce } from './workforce.ts';

let clock: ManualClock;
let stage: TestWorkforce;
let workforce: Workforce;
let news: number;
/** Ends the process of a job. */
let running: Map<number, () => void>;
/** Numbers of the jobs in the order in which they began. */
let begun: number[];
/** Number of the last job of runShortJobs. */
let short: number;

beforeEach(() => {
  clock = manualClock();
  news = 0;
  running = new Map();
  begun = [];
  short = 1000;
  const start = ({ number }: LeaseShape): JobProcess => {
    begun.push(number);
    const ended = new Promise<ProcessEnd>((resolve) => {
      running.set(number, () => {
        running.delete(number);
        resolve({ kind: 'exited', exit_code: 0, signal: null, at: clock.now() });
      });
    });
    return { pid: 4711, started_at: clock.now(), ran_ms: 0, ended, hasEnded: () => false, signal: () => undefined, groupLives: () => false };
  };
  const runner = { start: async ({ lease }: { lease: LeaseShape }) => start(lease), adopt: async ({ lease }: { lease: LeaseShape }) => start(lease) };
  stage = openWorkforce(clock, runner, () => (news += 1));
  ({ workforce } = stage);
});
afterEach(() => stage.close());

const lease = (number: number, slot: number): LeaseShape => ({
  ...{ job_id: number, experiment: 'digits-tune', number, attempt: 1, rank: 0, token: `token${number}abcdefgh`, slot },
  ...{ params: {}, command: 'true', machine: null, timeout_seconds: null, grace_seconds: 5 },
});

/** One exchange with a server that settles all ends. */
function exchange(reply: Partial<SyncReplyShape> = {}) {
  const told = stage.request();
  const settled = told.finished.map(({ job_id, attempt, rank }) => ({ job_id, attempt, rank, result: 'recorded' as const }));
  const brought = stage.receive({ settled, ...reply }, told);
  return { told, brought };
}

async function runs(number: number): Promise<void> {
  await until(`job ${number} runs`, () => running.has(number) && workforce.attempts().some((one) => one.lease.number === number && one.phase === 'running'));
}

async function end(number: number, after_ms: number): Promise<void> {
  clock.advance(after_ms);
  running.get(number)!();
  await until(`job ${number} ended`, () => !workforce.live().some((one) => one.lease.number === number));
}

async function runShortJobs(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    const number = (short += 1);
    exchange({ leases: [lease(number, 0)] });
    await runs(number);
    await end(number, 5);
  }
  exchange();
  begun = [];
}

test('only after several short jobs in a row are there more wanted than slots are free', async () => {
  await runShortJobs(7);
  expect(workforce.describe().ahead_slots).toEqual([]);
  await runShortJobs(1);
  const { free_slots, ahead_slots } = workforce.describe();
  expect(free_slots).toEqual([0, 1]);
  expect(ahead_slots.slice(0, 4)).toEqual([0, 1, 0, 1]);
  expect(ahead_slots).toHaveLength(32);
});

test('a job that came ahead begins when its slot is free, and not before; those at a slot go in order', async () => {
  await runShortJobs(8);
  expect(exchange({ leases: [lease(1, 0), lease(2, 1), lease(3, 0), lease(4, 0)] }).brought).toBe('jobs');
  await runs(1);
  await runs(2);
  expect(begun.toSorted((a, b) => a - b)).toEqual([1, 2]);
  expect(workforce.describe().running).toMatchObject([{ job_id: 1 }, { job_id: 2 }, { job_id: 3, started_at: null }, { job_id: 4, started_at: null }]);
  expect(workforce.describe().free_slots).toEqual([]);
  await end(1, 5);
  await runs(3);
  expect(begun).toHaveLength(3);
  await end(3, 5);
  await runs(4);
  await end(4, 5);
  await end(2, 5);
  expect(workforce.describe()).toMatchObject({ free_slots: [0, 1], running: [], finished: [{ job_id: 1 }, { job_id: 2 }, { job_id: 3 }, { job_id: 4 }] });
});

test('while enough jobs wait, ends are told together, but not late', async () => {
  await runShortJobs(8);
  const leases = Array.from({ length: 34 }, (_, index) => lease(index + 1, index % 2));
  exchange({ leases });
  await runs(1);
  const before = news;
  await end(1, 5);
  await runs(3);
  expect(news).toBe(before);
  clock.advance(50);
  expect(news).toBe(before + 1);
});

test('what waits behind a job that turns out to be long is given back unbegun, and nothing more is asked for there', async () => {
  await runShortJobs(8);
  exchange({ leases: [lease(1, 0), lease(2, 0), lease(3, 0)] });
  await runs(1);
  clock.advance(150);
  expect(new Set(workforce.describe().ahead_slots)).toEqual(new Set([1]));
  clock.advance(1_000);
  expect(workforce.describe().finished).toEqual([]);
  clock.advance(1_000);
  const { told } = exchange();
  expect(told.finished).toMatchObject([
    { job_id: 2, outcome: 'released', started_at: null },
    { job_id: 3, outcome: 'released', started_at: null },
  ]);
  expect(told.running).toMatchObject([{ job_id: 1 }]);
  expect(told.ahead_slots).toEqual([]);
  expect(begun).toEqual([1]);
});

test('where every job takes a while, but each ends, none is given back before its turn', async () => {
  await runShortJobs(8);
  exchange({ leases: [1, 2, 3, 4].map((number) => lease(number, 0)) });
  for (const number of [1, 2, 3, 4]) {
    await runs(number);
    await end(number, 1_500);
  }
  expect(workforce.describe().finished.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
});

test('a worker that is told to pause gives back what waits for it and keeps what runs', async () => {
  await runShortJobs(8);
  exchange({ leases: [lease(1, 0), lease(2, 1), lease(3, 0), lease(4, 1)] });
  await runs(1);
  await runs(2);
  exchange({ workers: [{ slot: 0, worker_id: 'host_egg_0', desired_state: 'pause', desired_version: 1 }] });
  expect(workforce.describe()).toMatchObject({ finished: [{ job_id: 3, outcome: 'released' }], running: [{ job_id: 1 }, { job_id: 2 }, { job_id: 4 }] });
  expect(new Set(workforce.describe().ahead_slots)).toEqual(new Set([1]));
});

test('a job that is cancelled while it waits never begins; what comes after the doors were closed does not wait', async () => {
  await runShortJobs(8);
  exchange({ leases: [lease(1, 0), lease(2, 0), lease(3, 0)] });
  await runs(1);
  exchange({ revoked: [{ job_id: 2, attempt: 1, rank: 0, reason: 'cancelled' }] });
  expect(workforce.describe().finished).toMatchObject([{ job_id: 2, outcome: 'cancelled', started_at: null }]);
  workforce.close();
  expect(exchange({ leases: [lease(4, 0)] }).told.finished).toMatchObject([{ job_id: 2 }, { job_id: 3, outcome: 'released' }]);
  expect(workforce.describe().finished).toMatchObject([{ job_id: 4, outcome: 'released' }]);
  await end(1, 5);
  expect(begun).toEqual([1]);
});
