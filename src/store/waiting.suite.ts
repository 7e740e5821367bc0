// Why a pending job waits, read from what every engine has on record.
import { describe, expect, it } from 'vitest';

import { makeAgent, makeExperiment, makeJobs, PLENTY, running, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';

import { commandWorkers } from './agents.ts';
import { changeExperiment } from './experiments.ts';
import { actOnJobs } from './job-actions.ts';
import type { Store } from './store.ts';
import { readWait } from './waiting.ts';

const act = { force: false, priority: 0, actor: 'test' };

export function waitingSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`why a job waits on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    const wait = (number: number) => readWait(store, { experiment_id: experiment, number, now: 0 });
    const reason = async (number: number) => (await wait(number))?.reason;

    it('goes from one reason to the next as they are cleared away', async () => {
      const other = await makeExperiment(store, 'other');
      await makeJobs(store, experiment, times(3), { gpus: 1, machine_class: 'gpu' });
      await makeAgent(store, { experiments: [other] });
      expect(await reason(1)).toBe('no_worker');
      await makeAgent(store, { experiments: [experiment], machine_class: 'gpu', total: { ...PLENTY, gpus: 0 } });
      expect(await reason(1)).toBe('too_large');
      const agent = await makeAgent(store, { workers: 1, experiments: [experiment], machine_class: 'gpu', total: { ...PLENTY, gpus: 1 } });
      expect(await wait(1)).toMatchObject({ reason: 'next', able: 1, free: 1 });
      expect(await wait(3)).toMatchObject({ reason: 'queue', sentence: '2 jobs of its kind stand before it. 1 worker is free.' });
      const [lease] = (await agent.sync()).leases;
      expect(await wait(1)).toBeNull();
      expect(await wait(3)).toMatchObject({ reason: 'busy', able: 1, free: 0 });
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      const tell = { selection: {}, state: 'pause', dry_run: false, actor: 'test', may_operate: null } as const;
      await store.write((tx) => commandWorkers(tx, { id: experiment, name: 'tune' }, tell));
      expect(await reason(2)).toBe('told');
      await store.write((tx) => changeExperiment(tx, experiment, { held: true }, 'test'));
      expect(await reason(2)).toBe('queue_held');
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 2, to: 2 }] }, { ...act, action: 'hold' }));
      expect(await reason(2)).toBe('held');
      expect(await wait(99)).toBeNull();
    });

    it('sees that what runs leaves no room, and for whom a machine is kept', async () => {
      const agent = await makeAgent(store, { workers: 2, total: { ...PLENTY, gpus: 2 } });
      await makeJobs(store, experiment, times(1), { gpus: 1 });
      const [lease] = (await agent.sync({ free_slots: [0] })).leases;
      await agent.sync({ free_slots: [1], running: [running(lease!)], ahead_slots: [] });
      await makeJobs(store, experiment, times(1), { gpus: 2 });
      expect(await wait(2)).toMatchObject({ reason: 'no_room', sentence: '1 worker is free, but what runs beside leaves too little GPUs. It is next.' });
      await store.write((tx) => tx.sql.run('update agent set reserved_job_id = (select id from job where number = 2)'));
      expect(await reason(2)).toBe('kept');
    });

    it('counts what stands before it by the order of the queue, up to a limit', async () => {
      await makeAgent(store, { workers: 1 });
      const many = LIMITS.waiting_counted.value + 2;
      await makeJobs(store, experiment, times(many));
      await makeJobs(store, experiment, times(1), { priority: 5 });
      expect((await wait(3))!.sentence).toMatch(/^3 jobs of its kind stand before it/);
      expect((await wait(many + 1))!.reason).toBe('next');
      expect((await wait(many))!.sentence).toMatch(/^More than 1,000 jobs of its kind stand before it/);
    });
  });
}
