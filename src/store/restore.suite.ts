// What every engine must do when its record is older than what its agents know: it was restored from a backup.
import { describe, expect, it } from 'vitest';

import { counts, finished, job, makeAgent, makeExperiment, makeJobs, PLENTY, running, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import type { DesiredState } from '../core/worker.ts';

import { commandWorkers, listWorkers, updateAgent } from './agents.ts';
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

    const tell = (state: DesiredState) =>
      store.write((tx) => commandWorkers(tx, { id: experiment, name: 'tune' }, { state, selection: {}, dry_run: false, actor: 'test', may_operate: null }));
    const states = async () => (await listWorkers(store, experiment)).map(({ desired_state }) => desired_state);

    it('learns of a command that it forgot, so that it is seen and can be undone', async () => {
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store, { workers: 2 });
      const paused = [{ slot: 0, applied_version: 1, state: 'pause' as const }];
      const answer = await agent.sync({ free_slots: [1], workers: paused });
      expect(answer.workers).toEqual([]);
      expect(answer.leases.map(({ slot }) => slot)).toEqual([1]);
      expect(await states()).toEqual(['pause', 'run']);
      expect(await tell('run')).toMatchObject({ changed: [`${agent.name}_0`] });
      const told = await agent.sync({ free_slots: [], running: answer.leases.map((lease) => running(lease)), workers: paused });
      expect(told.workers).toMatchObject([{ slot: 0, desired_state: 'run', desired_version: 2 }]);
      const after = { running: answer.leases.map((lease) => running(lease)), workers: [{ slot: 0, applied_version: 2, state: 'run' as const }] };
      expect((await agent.sync({ ...after, free_slots: [0] })).leases.map(({ slot }) => slot)).toEqual([0]);
    });

    it('gives a command again whose number the forgotten time has used up', async () => {
      const agent = await makeAgent(store, { workers: 1 });
      await tell('drain');
      const { workers } = await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 3, state: 'pause' }] });
      expect(workers).toMatchObject([{ slot: 0, desired_state: 'drain', desired_version: 4 }]);
      await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 4, state: 'drain' }] });
      expect(await listWorkers(store, experiment)).toMatchObject([{ desired_state: 'drain', desired_version: 4, applied_version: 4 }]);
    });

    it('tells workers that went on what it has on record since it began anew for them', async () => {
      const agent = await makeAgent(store, { workers: 1 });
      await tell('pause');
      await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 1, state: 'pause' }] });
      const facts = { ...{ workers: 1, machine_class: null, has_script: false, total: PLENTY }, ...{ version: '0.1.0', process_id: 1, platform: 'test' } };
      await store.write((tx) => updateAgent(tx, agent.id, facts));
      expect(await states()).toEqual(['run']);
      const [told] = (await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 1, state: 'pause' }] })).workers;
      expect(told).toMatchObject({ desired_state: 'run' });
      expect(told!.desired_version).toBeGreaterThan(1);
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
