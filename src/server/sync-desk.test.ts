// Which of the agents that wait hear of new jobs, and that those who get none go on waiting.
import { afterEach, beforeEach, expect, test } from 'vitest';

import { manualClock, type ManualClock } from '../../test/support/manual-clock.ts';
import { finished, makeAgent, makeExperiment, makeJobs, times } from '../../test/support/queue.ts';
import { memoryStores } from '../../test/support/stores.ts';
import type { JobTemplate } from '../store/create-jobs.ts';
import type { Store } from '../store/store.ts';

import { createSyncDesk, type SyncDesk } from './sync-desk.ts';

const AGENTS = 40;

let close: () => Promise<void>;
let store: Store;
let clock: ManualClock;
let desk: SyncDesk;
let experiment: number;
/** Numbers of the jobs that each agent was given, once it was answered. */
let answers: Map<number, number[]>;
let waiting: Promise<void>[];

beforeEach(async () => {
  const maker = memoryStores();
  clock = manualClock();
  store = await maker.open(clock);
  close = () => maker.close();
  experiment = await makeExperiment(store);
  desk = createSyncDesk(store, clock, () => 0.5);
  answers = new Map();
  waiting = [];
  for (let index = 0; index < AGENTS; index += 1) {
    const agent = await makeAgent(store, { workers: 1, machine_class: index === AGENTS - 1 ? 'rare' : 'usual' });
    const message = await agent.compose({});
    waiting.push(
      desk.sync(message, 25_000, new AbortController().signal).then((answer) => {
        answers.set(index, typeof answer === 'string' ? [] : answer.leases.map((lease) => lease.number));
      }),
    );
  }
  // All have been told that there is nothing before anything is made.
  await store.write(async () => undefined);
  await settled();
});
afterEach(async () => {
  desk.close();
  await Promise.all(waiting);
  await close();
});

/** Whatever can go on without time passing has gone on. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function submit(count: number, template: Partial<JobTemplate> = {}): Promise<void> {
  await makeJobs(store, experiment, times(count), template);
  await store.write(async (tx) => tx.wake('all'));
  await settled();
}

test('one job goes to the agent that waits longest, and all others go on waiting', async () => {
  await submit(1);
  expect([...answers]).toEqual([[0, [1]]]);
});

test('a job that only the last of them can run gets there', async () => {
  await submit(1, { machine_class: 'rare' });
  expect([...answers]).toEqual([[AGENTS - 1, [1]]]);
});

test('as many jobs as agents leave nobody waiting', async () => {
  await submit(AGENTS - 1);
  await submit(1, { machine_class: 'rare' });
  expect(answers.size).toBe(AGENTS);
  expect([...answers.values()].flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: AGENTS }, (_, index) => index + 1));
});

test('jobs that come while others are still told of are not missed', async () => {
  await makeJobs(store, experiment, times(2));
  void store.write(async (tx) => tx.wake('all'));
  await makeJobs(store, experiment, times(AGENTS - 3));
  await store.write(async (tx) => tx.wake('all'));
  await settled();
  expect(answers.size).toBe(AGENTS - 1);
});

test('an agent that keeps what nobody has on record is told so, and waits as all others do', async () => {
  await makeJobs(store, experiment, times(1), { machine_class: 'own' });
  const agent = await makeAgent(store, { machine_class: 'own' });
  const [lease] = (await agent.sync()).leases;
  const { job_id, attempt, rank } = { ...lease!, job_id: lease!.job_id + 1_000 };
  const message = await agent.compose({ free_slots: [], finished: [finished(lease!), finished({ ...lease!, job_id })] });
  const first: unknown[] = [];
  const second: unknown[] = [];
  await desk.sync(message, 25_000, new AbortController().signal).then((answer) => first.push(answer));
  const again = await agent.compose({ free_slots: [], finished: [finished({ ...lease!, job_id })] });
  void desk.sync(again, 25_000, new AbortController().signal).then((answer) => second.push(answer));
  await settled();
  expect([first, second]).toMatchObject([[{ settled: [{ job_id: lease!.job_id }], unknown: [{ job_id }] }], []]);
  clock.advance(25_000);
  await settled();
  expect(second).toMatchObject([{ settled: [], unknown: [{ job_id, attempt, rank }] }]);
});
