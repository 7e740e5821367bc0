// Copies of jobs, and jobs that somebody forgot: neither changes what a job was.
import { describe, expect, it } from 'vitest';

import { countersAreRight, finished, job, makeAgent, makeExperiment, makeJobs, TEMPLATE, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { jobNumbers } from './bulk-selection.ts';
import { cloneInto } from './clone-jobs.ts';
import { readCounts } from './experiments.ts';
import { actOnJobs, type JobAction } from './job-actions.ts';
import { listJobs } from './job-list.ts';
import type { JobFilter } from './job-search.ts';
import { createMatrix } from './matrices.ts';
import { readMatrixStatuses } from './matrix-statuses.ts';
import type { Store } from './store.ts';

export function copiesSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`copies on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    const clone = (numbers: number[], copies = 1) => store.write((tx) => cloneInto(tx, { experiment_id: experiment, numbers, times: copies, actor: 'test' }));
    const act = (action: JobAction, filter: JobFilter) =>
      store.write((tx) => actOnJobs(tx, experiment, filter, { action, force: false, priority: 0, actor: 'test' }));
    const listed = async (filter: JobFilter) =>
      (await listJobs(store, experiment, { filter, sort: 'number', order: 'asc', limit: 50, cursor: null })).jobs.map(({ number }) => number);
    const end = async (count: number): Promise<void> => {
      const agent = await makeAgent(store, { workers: count });
      const { leases } = await agent.sync();
      await agent.sync({ free_slots: [], finished: leases.map((lease) => finished(lease)) });
    };

    it('copies what a job asks for, to the end of the queue, and nothing of what became of it', async () => {
      const template = { priority: 3, machine_class: 'foo', timeout_seconds: 90, max_attempts: 4, tags: ['best'], results_dir: '/data/results', held: true };
      await makeJobs(store, experiment, [{ lr: 0.5, name: "it's" }], template);
      await makeJobs(store, experiment, times(1));
      expect(await clone([1, 2, 7], 2)).toEqual({ created: 4, from: 3, to: 6, cloned: [1, 2] });
      const { held: _held, ...kept } = template;
      expect(await job(store, experiment, 4)).toMatchObject({
        ...kept,
        params: { lr: 0.5, name: "it's" },
        command: 'true',
        status: 'pending',
        held_at: null,
        attempts: 0,
      });
      expect(await jobNumbers(store, experiment, { terms: [{ kind: 'tag', tag: 'best', has: true }] }, { after: 0, up_to: 99, limit: 9 })).toEqual([1, 3, 4]);
      expect(await listed({ terms: [{ kind: 'param', name: 'lr', comparison: '=', value: '0.5' }] })).toEqual([1, 3, 4]);
      await countersAreRight(store, experiment);
    });

    it('copies ended jobs, which stay as they are', async () => {
      await makeJobs(store, experiment, times(1));
      await end(1);
      const before = await job(store, experiment, 1);
      await clone([1]);
      expect(await job(store, experiment, 1)).toEqual(before);
      expect(await job(store, experiment, 2)).toMatchObject({ status: 'pending', outcome: null, worker_id: null, started_at: null, finished_at: null });
    });

    it('forgets ended jobs alone: out of the lists and back, with everything they were', async () => {
      await makeJobs(store, experiment, times(3));
      await end(1);
      const before = await job(store, experiment, 1);
      expect(await act('forget', {})).toMatchObject({ changed: [1], refused: { job_not_ended: 2 } });
      expect(await act('forget', {})).toMatchObject({ changed: [] });
      expect(await listed({ forgotten: false })).toEqual([2, 3]);
      expect(await listed({ forgotten: true })).toEqual([1]);
      expect(await listed({})).toEqual([1, 2, 3]);
      expect((await readCounts(store, [experiment])).get(experiment)).toMatchObject({ done: 1, pending: 2, forgotten: 1 });
      const { forgotten_at, ...rest } = await job(store, experiment, 1);
      expect(forgotten_at).not.toBeNull();
      expect({ ...rest, forgotten_at: null }).toEqual(before);
      expect(await act('unforget', {})).toMatchObject({ changed: [1], refused: { job_not_ended: 2 } });
      expect(await job(store, experiment, 1)).toEqual(before);
      expect((await readCounts(store, [experiment])).get(experiment)).toMatchObject({ forgotten: 0 });
    });

    it('lists a job again that goes back into the queue', async () => {
      await makeJobs(store, experiment, times(1));
      await end(1);
      await act('forget', {});
      await act('requeue', {});
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', forgotten_at: null });
      expect((await readCounts(store, [experiment])).get(experiment)).toMatchObject({ done: 0, pending: 1, forgotten: 0 });
    });

    it('counts the jobs of a matrix without those that were forgotten, and tells which wait and which were cancelled', async () => {
      const matrix = [{ name: 'a', values: [1, 2, 3, 4] }];
      const made = await store.write((tx) => createMatrix(tx, { experiment_id: experiment, matrix, template: TEMPLATE, actor: 'test' }));
      await act('hold', { numbers: [4] });
      await act('cancel', { numbers: [3] });
      await end(1);
      const statuses = async () => (await readMatrixStatuses(store, experiment, [made])).get(made.id);
      expect(await statuses()).toMatchObject({ pending: 2, held: 1, done: 1, aborted: 1, cancelled: 1, running: 0 });
      await act('forget', { numbers: [3] });
      expect(await statuses()).toMatchObject({ aborted: 0, cancelled: 0, done: 1, of: 4, copies: 0 });
      await clone([1, 2]);
      expect(await statuses()).toMatchObject({ pending: 4, done: 1, of: 6, looked_at: 6, copies: 2 });
    });
  });
}
