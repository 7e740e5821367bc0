// Short words for the store's queue in tests: make jobs, sync as an agent, look at what became of them.
import { expect } from 'vitest';

import type { OwnClocks } from '../../src/core/liveness.ts';
import type { Params } from '../../src/core/params.ts';
import { registerAgent } from '../../src/store/agents.ts';
import { insertJobs, type JobTemplate, takeNumbers } from '../../src/store/create-jobs.ts';
import { createExperiment, type NewExperiment, readCounts } from '../../src/store/experiments.ts';
import { findJob, type JobRecord } from '../../src/store/job-rows.ts';
import type { Store } from '../../src/store/store.ts';
import { syncAgents } from '../../src/store/sync.ts';
import type { FinishedReport, GrantedLease, RunningReport, SyncAnswer, SyncMessage, SyncResult } from '../../src/store/sync-session.ts';

export const PLENTY = { cpus: 1_000, memory_bytes: 1e15, gpus: 1_000 };

/** A job that asks for nothing special. */
export const TEMPLATE: JobTemplate = {
  command: 'true',
  variables: {},
  machine_class: null,
  cpus: 0,
  memory_bytes: 0,
  gpus: 0,
  priority: 0,
  max_attempts: null,
  timeout_seconds: null,
  grace_seconds: null,
  tags: [],
  held: false,
  results_dir: null,
};

export async function makeExperiment(store: Store, name = 'tune', settings: NewExperiment['settings'] = {}): Promise<number> {
  return store.write((tx) => createExperiment(tx, { name, description: '', settings, pin_cipher: store.key.encrypt('123456') }, 'test'));
}

export async function makeJobs(store: Store, experiment_id: number, params: readonly Params[], template: Partial<JobTemplate> = {}): Promise<number[]> {
  return store.write(async (tx) => {
    const block = await takeNumbers(tx, experiment_id, params.length);
    await insertJobs(tx, { experiment_id, template: { ...TEMPLATE, ...template }, matrix_id: null, block, params, actor: 'test' });
    return params.map((_, index) => block.first_number + index);
  });
}

/** What a sweeper that just swept knows of itself. */
export function sweptJustNow(tx: { readonly now: number }): OwnClocks {
  return { swept_at: tx.now, monotonic_elapsed: 0, idle: 0 };
}

export function times(count: number): Params[] {
  return Array.from({ length: count }, (_, index) => ({ index }));
}

/** An agent as the store sees it: it counts its syncs and remembers nothing else. */
export interface TestAgent {
  readonly id: number;
  readonly name: string;
  sync(message?: Partial<SyncMessage>): Promise<SyncAnswer>;
  /** As it is, with refusals. */
  send(message: Partial<SyncMessage>): Promise<SyncResult>;
  /** The message as it would be sent, for syncTogether. */
  compose(message: Partial<SyncMessage>): Promise<SyncMessage>;
}

/** Syncs of several agents that arrived together: heard in this order, in one transaction. */
export function syncTogether(store: Store, messages: readonly SyncMessage[]): Promise<SyncResult[]> {
  const terms = { store_id: store.id, key: store.key, next_sync_within_ms: 30_000, random: () => 0 };
  const inputs = messages.map((message) => ({ message, again: false }));
  return store.write((tx) => syncAgents(tx, inputs, terms));
}

let agents = 0;

export async function makeAgent(
  store: Store,
  options: { workers?: number; experiments?: number[] | null; machine_class?: string | null; total?: typeof PLENTY; drives?: readonly string[] } = {},
): Promise<TestAgent> {
  const { workers = 4, experiments = null, machine_class = null, total = PLENTY, drives = [] } = options;
  agents += 1;
  const serial = agents;
  const registered = await store.write((tx) =>
    registerAgent(
      tx,
      {
        host: 'host',
        instance: `w${serial}`,
        experiments,
        workers,
        machine_class,
        drives,
        has_script: false,
        total,
        version: '0.1.0',
        process_id: 1,
        platform: 'test',
        secret_hash: `secret ${serial}`,
        next_sync_within_ms: 30_000,
        nextWord: () => `x${Math.random().toString(36).slice(2, 8)}`,
      },
      'test',
    ),
  );
  let seq = 0;
  const compose = async (message: Partial<SyncMessage>): Promise<SyncMessage> => {
    seq = message.sync_seq ?? seq + 1;
    return {
      agent_id: registered.id,
      incarnation: 'first',
      sync_seq: seq,
      sent_at: new Date(await serverNow(store)).toISOString(),
      store_id: null,
      store_position: null,
      free_slots: Array.from({ length: workers }, (_, slot) => slot),
      ahead_slots: [],
      free: total,
      has_script: false,
      workers: [],
      running: [],
      finished: [],
      ...message,
    };
  };
  const send = async (message: Partial<SyncMessage>): Promise<SyncResult> => {
    const [result] = await syncTogether(store, [await compose(message)]);
    return result!;
  };
  return {
    id: registered.id,
    name: `${registered.host}_${registered.instance}`,
    send,
    compose,
    async sync(message = {}) {
      const result = await send(message);
      if (typeof result === 'string') throw new Error(`refused: ${result}`);
      return result;
    },
  };
}

async function serverNow(store: Store): Promise<number> {
  return store.write(async (tx) => tx.now);
}

type HeldLease = Pick<GrantedLease, 'job_id' | 'attempt' | 'rank' | 'token' | 'slot'>;

export function running(lease: HeldLease, started_at: string | null = '2026-01-01T00:00:00.000Z'): RunningReport {
  return { job_id: lease.job_id, attempt: lease.attempt, rank: lease.rank, token: lease.token, slot: lease.slot, started_at };
}

export function finished(lease: HeldLease, outcome: FinishedReport['outcome'] = 'succeeded', more: Partial<FinishedReport> = {}): FinishedReport {
  return {
    job_id: lease.job_id,
    attempt: lease.attempt,
    rank: lease.rank,
    token: lease.token,
    outcome,
    exit_code: outcome === 'succeeded' ? 0 : 1,
    signal: null,
    message: null,
    started_at: '2026-01-01T00:00:00.000Z',
    finished_at: '2026-01-01T00:00:01.000Z',
    duration_ms: 1_000,
    ...more,
  };
}

export async function job(store: Store, experimentId: number, number: number): Promise<JobRecord> {
  return (await findJob(store, experimentId, number))!;
}

/** The kept counters, and the same counted from the rows: they must be equal at any time. */
export async function counts(store: Store, experimentId: number): Promise<{ kept: Record<string, number>; counted: Record<string, number> }> {
  const {
    total: _total,
    created: _created,
    expanding: _expanding,
    forgotten: _forgotten,
    ...kept
  } = (await readCounts(store, [experimentId])).get(experimentId)!;
  const rows = await store.sql.all<{ status: string; n: number }>('select status, count(*) as n from job where experiment_id = ? group by status', [
    experimentId,
  ]);
  const counted: Record<string, number> = { pending: 0, running: 0, done: 0, aborted: 0 };
  for (const row of rows) counted[row.status] = Number(row.n);
  return { kept, counted };
}

/** What the counters say is what a count of the rows says. */
export async function countersAreRight(store: Store, experimentId: number): Promise<void> {
  const { kept, counted } = await counts(store, experimentId);
  expect(kept).toEqual(counted);
}
