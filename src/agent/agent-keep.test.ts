// An agent that leaves its jobs running for the next process: what that one could not know of is given back before.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { until } from '../../test/support/agent-fixture.ts';
import { contract, createClient, type LeaseShape, type SyncReplyShape, type SyncRequestShape } from '../contract/index.ts';
import { systemClock as clock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { createAgent, type Agent } from './agent.ts';
import { createAttemptStore } from './attempt-store.ts';
import type { ProcessEnd } from './job-process.ts';
import { createSecretSeal } from './secret-seal.ts';
import { createSpoolFiles } from './spool-files.ts';

const SHORT_JOBS = 8;
const LONG_JOB = SHORT_JOBS + 1;

let directory: string;
let agent: Agent;
/** What the server was told. */
let ends: Map<number, string>;
let endLongJob: (end: ProcessEnd) => void;

const lease = (number: number): LeaseShape => ({
  ...{ job_id: number, experiment: 'digits-tune', number, attempt: 1, rank: 0, token: `token${number}abcdefgh`, slot: 0 },
  ...{ params: {}, command: 'true', machine: null, timeout_seconds: null, grace_seconds: 5 },
});

/** Gives out short jobs one by one, then one that lasts, and two that wait behind it as soon as it is asked for more. */
function serverOfJobs(): (request: SyncRequestShape) => SyncReplyShape | null {
  let given = 0;
  return ({ finished, free_slots, ahead_slots }) => {
    for (const end of finished) ends.set(end.job_id, end.outcome);
    const count = free_slots.length > 0 && given < LONG_JOB ? 1 : ahead_slots.length > 0 && given === LONG_JOB ? 2 : 0;
    const leases = Array.from({ length: count }, () => lease((given += 1)));
    if (leases.length === 0 && finished.length === 0) return null;
    return {
      ...{ store_id: 's', store_position: 1, now: new Date(clock.now()).toISOString(), next_sync_within_seconds: 30, superseded: false, leases },
      ...{
        settled: finished.map(({ job_id, attempt, rank }) => ({ job_id, attempt, rank, result: 'recorded' as const })),
        revoked: [],
        unknown: [],
        workers: [],
      },
    };
  };
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-keep-'));
  ends = new Map();
  const answer = serverOfJobs();
  const longEnd = new Promise<ProcessEnd>((resolve) => (endLongJob = resolve));
  const run = ({ number }: LeaseShape) => ({
    ...{ pid: 4711, started_at: clock.now(), ran_ms: 0, hasEnded: () => false, signal: () => undefined, groupLives: () => false },
    ended: number < LONG_JOB ? Promise.resolve<ProcessEnd>({ kind: 'exited', exit_code: 0, signal: null, at: clock.now() }) : longEnd,
  });
  const fetch = async (url: string, call: { body?: unknown; signal?: unknown }) => {
    const reply = answer(JSON.parse(String(call.body)) as SyncRequestShape);
    // Nothing to say: the call hangs until it is given up.
    if (reply === null) await new Promise((_, reject) => (call.signal as AbortSignal).addEventListener('abort', () => reject(new Error(`${url}: given up`))));
    return { status: 200, headers: { get: () => 'application/json' }, text: async () => JSON.stringify(reply) };
  };
  agent = createAgent({
    ...{ clock, log: silentLog, random: () => 0.5, worker_ids: ['host_egg_0'], once: false, drives: false, has_script: false, incarnation: 'i' },
    client: createClient(contract, { base_url: 'http://server', fetch }),
    store: createAttemptStore({ data: directory, owner: 'me', clock, seal: createSecretSeal('jda_test') }),
    runner: { start: async (attempt) => run(attempt.lease), adopt: async (attempt) => run(attempt.lease) },
    files: createSpoolFiles(silentLog),
    machine: {
      ...{ resources: { cpus: 1, memory_bytes: 1, gpus: 0 }, hasSpace: () => true, metrics: () => null, metricsTold: () => undefined },
      ...{ start: () => Promise.resolve(), stop: () => undefined },
    },
    sequence: {
      next: (
        (last) => () =>
          (last += 1)
      )(0),
      skip: () => undefined,
    },
    announce: () => Promise.resolve(),
  });
});
afterEach(async () => {
  endLongJob({ kind: 'exited', exit_code: 0, signal: null, at: clock.now() });
  agent.keep();
  await agent.ended;
  rmSync(directory, { recursive: true, force: true });
});

test('what waits for its slot is given back, what runs is kept', async () => {
  await until('two jobs wait behind one that runs', () => agent.status().running_jobs === 3);
  agent.keep();
  expect(await agent.ended).toBe('kept');
  expect([...ends].slice(SHORT_JOBS)).toEqual([
    [LONG_JOB + 1, 'released'],
    [LONG_JOB + 2, 'released'],
  ]);
  expect(agent.status().running_jobs).toBe(1);
});
