// A workforce without a server, whose processes the test plays: what the server would say goes in with `receive`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createAttemptStore } from '../../src/agent/attempt-store.ts';
import type { ProcessRunner } from '../../src/agent/job-process.ts';
import { createSecretSeal } from '../../src/agent/secret-seal.ts';
import { createSpoolFiles } from '../../src/agent/spool-files.ts';
import { createWorkforce, type Workforce } from '../../src/agent/workforce.ts';
import { contract, createClient, type SyncReplyShape, type SyncRequestShape } from '../../src/contract/index.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { silentLog } from '../../src/runtime/log.ts';

const REPLY: SyncReplyShape = {
  ...{ store_id: 's', store_position: 1, now: '2026-11-21T08:30:00.000Z', next_sync_within_seconds: 30, superseded: false },
  ...{ leases: [], settled: [], revoked: [], unknown: [], workers: [] },
};

export interface TestWorkforce {
  readonly workforce: Workforce;
  /** What it would tell the server now. */
  request(): SyncRequestShape;
  /** The reply to what it told: now, unless something else is said. */
  receive(reply: Partial<SyncReplyShape>, told?: SyncRequestShape): ReturnType<Workforce['apply']>;
  close(): Promise<void>;
}

export function openWorkforce(clock: Clock, runner: ProcessRunner, onNews: () => void): TestWorkforce {
  const directory = mkdtempSync(join(tmpdir(), 'drover-workforce-'));
  const workforce = createWorkforce({
    ...{ clock, log: silentLog, random: () => 0.5, workers: 2, once: false, drives: false, has_script: false, runner, onNews },
    client: createClient(contract, { base_url: '', fetch: () => Promise.reject(new Error('no server here')) }),
    store: createAttemptStore({ data: directory, owner: 'me', clock, seal: createSecretSeal('jda_test') }),
    files: createSpoolFiles(silentLog),
    machine: {
      ...{ resources: { cpus: 1, memory_bytes: 1, gpus: 0 }, hasSpace: () => true, metrics: () => null, metricsTold: () => undefined },
      ...{ start: () => Promise.resolve(), stop: () => undefined },
    },
    workerId: (slot) => `host_egg_${slot}`,
    onReady: () => undefined,
    onProgress: () => undefined,
  });
  const request = (): SyncRequestShape => ({
    ...{ incarnation: 'i', sync_seq: 1, sent_at: REPLY.now, wait_seconds: 0, store_id: null, store_position: null },
    ...workforce.describe(),
  });
  return {
    ...{ workforce, request },
    receive: (reply, told = request()) => workforce.apply({ ...REPLY, ...reply }, told),
    async close() {
      await workforce.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
