// How often the loop asks, against a server whose answers the test makes.
import { afterEach, expect, test } from 'vitest';

import { manualClock } from '../../test/support/manual-clock.ts';
import type { SyncReplyShape } from '../contract/index.ts';
import { silentLog } from '../runtime/log.ts';
import { createSyncLoop, type SyncLoop } from './sync-loop.ts';

const REPLY: SyncReplyShape = {
  ...{ store_id: 's', store_position: 1, now: '2026-11-21T08:30:00.000Z', next_sync_within_seconds: 30, superseded: false },
  ...{ leases: [], settled: [], revoked: [], unknown: [], workers: [] },
};

let loop: SyncLoop;
afterEach(() => loop.stop());

test('a server that revokes a job until it has ended is not asked without a pause meanwhile', async () => {
  const clock = manualClock();
  let asked = 0;
  let paused = (): void => {};
  const pause = new Promise<void>((resolve) => (paused = resolve));
  loop = createSyncLoop({
    ...{ log: silentLog, random: () => 0, incarnation: 'i', sequence: { next: () => asked + 1, skip: () => undefined } },
    clock: { ...clock, sleep: (ms, signal) => (paused(), clock.sleep(ms, signal)) },
    send: () => {
      asked += 1;
      if (asked > 100) return Promise.reject(new Error('asked far too often'));
      return Promise.resolve({ ...REPLY, revoked: [{ job_id: 7, attempt: 1, rank: 0, reason: 'cancelled' }] });
    },
    describe: () => ({
      free_slots: [],
      ahead_slots: [],
      free: { cpus: 1, memory_bytes: 1, gpus: 0 },
      has_script: false,
      takes_secrets: true,
      workers: [],
      running: [],
      finished: [],
    }),
    apply: () => 'nothing',
    onSuperseded: () => undefined,
    onRevoked: () => undefined,
    waitSeconds: () => 25,
  });
  await pause;
  expect(asked).toBeLessThan(10);
  const before = asked;
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toBeGreaterThan(before);
});
