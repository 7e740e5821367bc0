// Lists of jobs in the order of what is worked out for each of them: the latest value of a metric, the progress.
import { beforeEach, describe, expect, it } from 'vitest';

import { makeExperiment, makeJobs } from '../../test/support/queue.ts';
import { endAttempt, insertAttempt, type InsertedExperiment, insertExperiment, insertJob } from '../../test/support/rows.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';

import { type JobPageRequest, listJobs } from './job-list.ts';
import { appendMetrics, type MetricPoint } from './metrics.ts';
import type { Store } from './store.ts';

export function jobOrderSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`orders of jobs on ${name}`, () => {
    let store: Store;
    let experiment: InsertedExperiment;

    storePerTest(make, (opened) => {
      store = opened;
    });
    beforeEach(async (context) => {
      if (store === undefined) return context.skip();
      experiment = await insertExperiment(store);
    });

    /** A job whose attempts measured these values of loss, each one the last of its attempt. */
    async function measured(number: number, ...losses: MetricPoint['value'][]): Promise<void> {
      const job = await insertJob(store, experiment, number);
      for (const loss of losses) {
        const attempt = await insertAttempt(store, job);
        const points = [0.5, loss].map((value, index) => ({ offset: index * 10, name: 'loss', value: value as MetricPoint['value'], step: index, at: index }));
        await store.write((tx) => appendMetrics(tx, store, { agent_id: 1, sent_at: 0, batches: [{ ...attempt, from: 0, to: 20, points, progress: null }] }));
        await endAttempt(store, attempt, { outcome: 'succeeded', status: 'done' });
      }
    }

    async function paged(request: Pick<JobPageRequest, 'sort' | 'order'> & Partial<JobPageRequest>): Promise<number[]> {
      const numbers: number[] = [];
      let cursor: string | null = null;
      do {
        const page = await listJobs(store, experiment.id, { filter: {}, limit: 2, ...request, cursor });
        expect(page.jobs.length).toBeLessThanOrEqual(2);
        numbers.push(...page.jobs.map((job) => job.number));
        cursor = page.next_cursor;
      } while (cursor !== null);
      return numbers;
    }

    it('follow the latest value of a metric in the newest attempt, page by page; jobs without one come last', async () => {
      await measured(1, 0.3);
      await measured(2, 9, 0.1);
      await measured(3, 'NaN');
      await measured(4);
      await measured(5, 0.3);
      await measured(6, 1e-12);
      expect(await paged({ sort: 'metric:loss', order: 'asc' })).toEqual([6, 2, 1, 5, 3, 4]);
      expect(await paged({ sort: 'metric:loss', order: 'desc' })).toEqual([5, 1, 2, 6, 4, 3]);
      expect(await paged({ sort: 'metric:loss', order: 'asc', filter: { statuses: ['done'] } })).toEqual([6, 2, 1, 5, 3]);
      expect(await paged({ sort: 'metric:loss', order: 'asc', filter: { ranges: [{ from: 2, to: 5 }] } })).toEqual([2, 5, 3, 4]);
      expect(await paged({ sort: `metric:' or 1=1 --`, order: 'asc' })).toEqual([1, 2, 3, 4, 5, 6]);
    });

    it('follow the progress as a share; jobs that tell of none come last', async () => {
      for (const number of [1, 2, 3, 4]) await insertJob(store, experiment, number);
      const progress = [
        [1, 5, 10],
        [2, 3, 4],
        [3, 1, 0],
      ] as const;
      for (const [number, done, total] of progress)
        await store.write((tx) => tx.sql.run('update job set progress_done = ?, progress_total = ? where number = ?', [done, total, number]));
      expect(await paged({ sort: 'progress', order: 'desc' })).toEqual([2, 1, 4, 3]);
      expect(await paged({ sort: 'progress', order: 'asc' })).toEqual([1, 2, 3, 4]);
    });
  });
}

/** Says the same on every engine, and takes a while: for one of them. */
export function longOrderSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`orders of very many jobs on ${name}`, () => {
    let store: Store;
    storePerTest(make, (opened) => {
      store = opened;
    });

    it('are refused beyond the limit, and given again where a filter leaves fewer', async () => {
      const id = await makeExperiment(store);
      await makeJobs(
        store,
        id,
        Array.from({ length: LIMITS.sorted_rows.value + 1 }, () => ({})),
      );
      const list = (filter: JobPageRequest['filter']) => listJobs(store, id, { filter, sort: 'metric:loss', order: 'asc', limit: 3, cursor: null });
      await expect(list({})).rejects.toMatchObject({ code: 'too_many', message: expect.stringContaining('up to 50,000 jobs') as string });
      const { jobs } = await list({ ranges: [{ from: 2, to: LIMITS.sorted_rows.value + 1 }] });
      expect(jobs.map((job) => job.number)).toEqual([2, 3, 4]);
    });
  });
}
