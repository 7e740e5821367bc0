// What every engine must do when its record is older than what its agents know: it was restored from a backup.
import { describe, expect, it } from 'vitest';

import { counts, finished, job, makeAgent, makeExperiment, makeJobs, running, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { leaseToken, newNonce } from './lease-token.ts';
import type { Store } from './store.ts';
import type { SyncMessage } from './sync-session.ts';

export function restoreSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`restored record on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    const expectCountersRight = async (): Promise<void> => {
      const { kept, counted } = await counts(store, experiment);
      expect(kept).toEqual(counted);
    };

    it('takes attempts into the record that a restored backup does not know', async () => {
      const [number] = await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const record = await job(store, experiment, number!);
      const token = leaseToken(store.key, { job_id: record.id, created_at: record.created_at, attempt: 1, rank: 0 }, newNonce(store.key));
      const report = { job_id: record.id, attempt: 1, rank: 0, token, slot: 0, started_at: null };
      const answer = await agent.sync({ free_slots: [], running: [report] });
      expect(answer).toMatchObject({ revoked: [], unknown: [] });
      expect(await job(store, experiment, number!)).toMatchObject({ status: 'running', attempts: 1 });
      await expectCountersRight();
    });

    it('adopts a newer attempt of a job that the backup leases to the same agent, and goes on answering it', async () => {
      const [number] = await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      const record = await job(store, experiment, number!);
      const token = leaseToken(store.key, { job_id: record.id, created_at: record.created_at, attempt: 2, rank: 0 }, newNonce(store.key));
      const newer = { job_id: record.id, attempt: 2, rank: 0, token, slot: 0, started_at: null };
      expect(await agent.sync({ free_slots: [], running: [newer] })).toMatchObject({ revoked: [], unknown: [] });
      expect(await job(store, experiment, number!)).toMatchObject({ status: 'running', attempts: 2 });
      await agent.sync({ free_slots: [], finished: [{ ...finished(lease!), attempt: 2, token }] });
      expect(await job(store, experiment, number!)).toMatchObject({ status: 'done' });
      await expectCountersRight();
    });

    it('does not believe a position that no store could have reached', async () => {
      const agent = await makeAgent(store);
      await agent.sync({ store_id: store.id, store_position: Number.MAX_SAFE_INTEGER });
      expect((await agent.sync()).position).toBeLessThan(1_000_000);
      await makeJobs(store, experiment, times(1));
    });

    it('notices by an agent that it was restored, and never gives out ids that it forgot', async () => {
      const agent = await makeAgent(store);
      const message: Partial<SyncMessage> = { store_id: store.id, store_position: 5_000 };
      await agent.sync(message);
      await makeJobs(store, experiment, times(1));
      const record = await job(store, experiment, 1);
      expect(record.id).toBeGreaterThan(1_000_000);
      expect((await agent.sync()).position).toBeGreaterThanOrEqual(5_000);
    });
  });
}
