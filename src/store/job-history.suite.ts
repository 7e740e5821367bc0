// What every engine must tell of the holds of a job and of its queue.
import { describe, expect, it } from 'vitest';

import type { ManualClock } from '../../test/support/manual-clock.ts';
import { finished, job, makeAgent, makeExperiment, makeJobs, running, TEMPLATE, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { jobHistory } from './events.ts';
import { changeExperiment, type ExperimentChange } from './experiments.ts';
import { createMatrix, expandNextChunk, EXPANDED_AT_ONCE } from './matrices.ts';
import type { Store } from './store.ts';

export function jobHistorySuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`the history of a job on ${name}`, () => {
    let store: Store;
    let experiment: number;
    let clock: ManualClock;

    storePerTest(make, async (opened, ownClock) => {
      store = opened;
      clock = ownClock;
      experiment = await makeExperiment(store);
    });

    /** At a moment of its own. */
    const change = async (parts: ExperimentChange) => {
      clock.advance(10);
      await store.write((tx) => changeExperiment(tx, experiment, parts, 'ada'));
      clock.advance(10);
    };
    const events = (number: number) => jobHistory(store, { experiment_id: experiment, before: Number.MAX_SAFE_INTEGER, limit: 100 }, number);
    const kinds = async (number: number) => (await events(number)).map(({ kind }) => kind).toReversed();

    it('tells that it was created on hold, one by one, in a set, at once by a matrix and later', async () => {
      const created = async (number: number) => (await events(number)).find(({ kind }) => kind === 'jobs_created')?.data_json;
      await makeJobs(store, experiment, times(1));
      await makeJobs(store, experiment, times(1), { held: true });
      await makeJobs(store, experiment, times(3), { held: true });
      expect([await created(1), await created(2), await created(4)]).toEqual(['{}', '{"held":true}', '{"held":true}']);
      const matrix = (values: number) => [{ name: 'seed', values: Array.from({ length: values }, (_, index) => index) }];
      const template = { ...TEMPLATE, held: true };
      await store.write((tx) => createMatrix(tx, { experiment_id: experiment, matrix: matrix(2), template, actor: 'ada' }));
      expect(JSON.parse((await created(7))!)).toMatchObject({ matrix_id: 1, held: true });
      await store.write((tx) => createMatrix(tx, { experiment_id: experiment, matrix: matrix(EXPANDED_AT_ONCE + 1), template, actor: 'ada' }));
      await store.write(expandNextChunk);
      expect(JSON.parse((await created(8))!)).toMatchObject({ matrix_id: 2, held: true });
    });

    it('holds the queue from the first time that it is asked for, and tells how long at its end', async () => {
      await makeJobs(store, experiment, times(1));
      await change({ held: true });
      await change({ held: true, description: 'later' });
      await change({ held: false });
      await change({ held: false });
      expect(await kinds(1)).toEqual(['jobs_created', 'queue_held', 'queue_unheld']);
      const [unheld, held] = await events(1);
      expect(JSON.parse(unheld!.data_json)).toEqual({ held_since: new Date(held!.at).toISOString() });
      expect(unheld).toMatchObject({ actor: 'ada', jobs: null });
    });

    it('tells holds of the queue to those alone that waited, also when it was held before they came', async () => {
      await change({ held: true });
      await change({ held: false });
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store, { experiments: [experiment], workers: 1 });
      const [lease] = (await agent.sync()).leases;
      await change({ held: true });
      await makeJobs(store, experiment, times(1));
      await change({ held: false });
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      await agent.sync({ running: [], finished: [finished(lease!)], free_slots: [] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done' });
      await change({ held: true });
      expect(await kinds(1)).toEqual(['jobs_created', 'jobs_claimed', 'jobs_finished']);
      expect(await kinds(2)).toEqual(['jobs_created', 'queue_held', 'queue_unheld', 'queue_held']);
      expect(await kinds(3)).toEqual(['jobs_created', 'queue_unheld', 'queue_held']);
      expect(await events(99)).toEqual([]);
    });
  });
}
