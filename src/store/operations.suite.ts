// Bulk actions that go on after the reply: previewed without a write, done in chunks, gone on with after a crash, never done to a job that
// is no longer meant.
import { describe, expect, it } from 'vitest';

import type { ManualClock } from '../../test/support/manual-clock.ts';
import { countersAreRight, counts, finished, job, makeAgent, makeExperiment, makeJobs, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { previewAction, unmadeJobs } from './bulk-selection.ts';
import { replaceSome, startReplacement } from './delete-jobs.ts';
import { deleteExperiment } from './experiments.ts';
import type { ActionRequest, JobAction } from './job-actions.ts';
import { listJobs } from './job-list.ts';
import type { JobFilter } from './job-search.ts';
import { createMatrix, expandNextChunk } from './matrices.ts';
import { advanceOperation, findOperation, type InPieces, listOperations, startOperation, waitingOperations } from './operations.ts';
import { purgeSome } from './purge-experiment.ts';
import type { Store } from './store.ts';

const asking = (action: JobAction): ActionRequest => ({ action, force: false, priority: 0, actor: 'test' });

/** Chunks of this size; after `most` chunks it stops, as a server does that ends. */
function pieces(size: number, most = Infinity): InPieces {
  return async (total, commit) => {
    for (let from = 0, count = 0; from < total && count < most; from += size, count += 1) await commit(from, size);
  };
}

const TEMPLATE = {
  ...{ command: 'true', variables: {}, machine_class: null, cpus: 0, memory_bytes: 0, gpus: 0, priority: 0 },
  ...{ max_attempts: null, timeout_seconds: null, grace_seconds: null, tags: [], held: false, results_dir: null },
};

export function operationsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`operations on ${name}`, () => {
    let store: Store;
    let clock: ManualClock;
    let experiment: number;

    storePerTest(make, async (opened, time) => {
      store = opened;
      clock = time;
      experiment = await makeExperiment(store);
    });

    const start = (action: JobAction, filter: JobFilter = {}) =>
      store.write((tx) => startOperation(tx, { experiment_id: experiment, filter, request: asking(action), matched: 0 }));
    const find = async (id: number) => (await findOperation(store, experiment, id))!;
    const expectCountersRight = (): Promise<void> => countersAreRight(store, experiment);

    it('previews by reading: what would change, what would be refused, and which jobs', async () => {
      await makeJobs(store, experiment, times(5));
      const agent = await makeAgent(store, { workers: 2 });
      const { leases } = await agent.sync();
      await agent.sync({ free_slots: [], finished: leases.map((lease) => finished(lease)) });
      const refuseWrites = { sql: { ...store.sql, run: () => Promise.reject(new Error('a preview wrote')) }, query: store.query };
      const preview = await previewAction(refuseWrites, experiment, {}, { action: 'delete' });
      expect(preview).toEqual({ matched: 5, changed: 3, refused: { job_not_pending: 2 }, numbers: [3, 4, 5] });
    });

    it('goes on after an interruption, leaves jobs that ended meanwhile, and does not touch jobs that came later', async () => {
      await makeJobs(store, experiment, times(10));
      const agent = await makeAgent(store, { workers: 2, experiments: [experiment] });
      await store.write((tx) => tx.sql.run('update job set priority = 1 where number >= 9'));
      const { leases } = await agent.sync();
      expect(leases.map((lease) => lease.number)).toEqual([9, 10]);
      const { id } = await start('cancel');
      expect(await advanceOperation(store, id, pieces(3, 1))).toBe(false);
      expect(await find(id)).toMatchObject({ at_number: 3, done: 3, changed: 3, finished_at: null });
      await agent.sync({ free_slots: [], finished: [finished(leases[0]!)] });
      await makeJobs(store, experiment, times(2));
      expect(await waitingOperations(store)).toEqual([id]);
      expect(await advanceOperation(store, id, pieces(3))).toBe(true);
      expect(await find(id)).toMatchObject({ done: 10, matched: 10, changed: 9, refused: { job_ended: 1 }, problem: null });
      expect((await find(id)).finished_at).not.toBeNull();
      expect(await waitingOperations(store)).toEqual([]);
      expect(await job(store, experiment, 9)).toMatchObject({ status: 'done', outcome: 'succeeded' });
      expect(await job(store, experiment, 10)).toMatchObject({ status: 'running' });
      expect((await job(store, experiment, 10))!.cancel_requested_at).not.toBeNull();
      expect((await job(store, experiment, 11))!.status).toBe('pending');
      const events = await store.sql.all<{ kind: string }>(`select kind from event where kind like 'operation%' order by id`);
      expect(events.map((event) => event.kind)).toEqual(['operation_started', 'operation_finished']);
      await expectCountersRight();
    });

    it('does not do a chunk twice that another server has done', async () => {
      await makeJobs(store, experiment, times(4));
      const { id } = await start('hold');
      let inner = true;
      const overtaken: InPieces = async (total, commit) => {
        if (inner) {
          inner = false;
          await advanceOperation(store, id, pieces(2));
        }
        await pieces(2)(total, commit);
      };
      await advanceOperation(store, id, overtaken);
      expect(await find(id)).toMatchObject({ done: 4, changed: 4 });
    });

    it('does not delete a job that was running when it was asked and came back since', async () => {
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      const { id } = await start('delete', { statuses: ['pending'] });
      clock.advance(1_000);
      await agent.sync({ free_slots: [], finished: [finished(lease!, 'released')] });
      expect((await job(store, experiment, 1))!.status).toBe('pending');
      await advanceOperation(store, id, pieces(10));
      expect(await find(id)).toMatchObject({ changed: 1 });
      expect((await job(store, experiment, 1))!.status).toBe('pending');
      expect(await job(store, experiment, 2)).toBeNull();
      await expectCountersRight();
    });

    it('includes the jobs that a matrix has still to make, and waits for them', async () => {
      const axis = { name: 'a', values: Array.from({ length: 10_001 }, (_, index) => index) };
      await store.write((tx) => createMatrix(tx, { experiment_id: experiment, matrix: [axis], template: TEMPLATE, actor: 'test' }));
      await store.write(expandNextChunk);
      expect(await unmadeJobs(store, experiment, {})).toEqual({ first: 5_001, count: 5_001 });
      expect(await unmadeJobs(store, experiment, { statuses: ['done'] })).toBeNull();
      expect(await unmadeJobs(store, experiment, { ranges: [{ from: 1, to: 5_000 }] })).toBeNull();
      const { id } = await start('cancel');
      expect(await advanceOperation(store, id, pieces(5_000))).toBe(true);
      expect(await advanceOperation(store, id, pieces(5_000))).toBe(false);
      expect(await find(id)).toMatchObject({ done: 5_000, finished_at: null });
      while (await store.write(expandNextChunk));
      await advanceOperation(store, id, pieces(5_000));
      expect(await find(id)).toMatchObject({ done: 10_001, changed: 10_001 });
      expect((await counts(store, experiment)).counted).toMatchObject({ pending: 0, aborted: 10_001 });
      await expectCountersRight();
    }, 60_000);

    it('ends with what was wrong when its filter means nothing any more, and lets the next one go on', async () => {
      await makeJobs(store, experiment, times(1));
      const first = await start('hold', { ranges: Array.from({ length: 1_001 }, (_, index) => ({ from: index, to: index })) });
      const second = await start('hold');
      await advanceOperation(store, first.id, pieces(10));
      expect((await find(first.id)).problem).toMatch(/1,000 ranges/);
      expect(await waitingOperations(store)).toEqual([second.id]);
      expect((await listOperations(store, experiment, 10)).map((one) => one.id)).toEqual([second.id, first.id]);
    });

    it('replaces pending jobs in pieces, not those that came after it began', async () => {
      await makeJobs(store, experiment, times(5));
      const replacement = await startReplacement(store, experiment, 'test');
      await makeJobs(store, experiment, times(1));
      expect(await store.write((tx) => replaceSome(tx, replacement, 3))).toBe(3);
      expect(await store.write((tx) => replaceSome(tx, replacement, 3))).toBe(2);
      expect(await store.write((tx) => replaceSome(tx, replacement, 3))).toBe(0);
      expect((await job(store, experiment, 6))!.status).toBe('pending');
      const page = await listJobs(store, experiment, {
        filter: { terms: [{ kind: 'param', name: 'index', comparison: '=', value: '3' }] },
        ...{ sort: 'number', order: 'asc', limit: 10, cursor: null },
      });
      expect(page.jobs).toEqual([]);
      await expectCountersRight();
    });

    it('removes a deleted experiment in pieces, with all that is searchable of it', async () => {
      await makeJobs(
        store,
        experiment,
        times(7).map((params) => ({ ...params, same: 'for all' })),
      );
      const other = await makeExperiment(store, 'other');
      await makeJobs(store, other, times(2));
      await start('hold');
      await store.write((tx) => deleteExperiment(tx, experiment, 'test'));
      expect(await waitingOperations(store)).toEqual([]);
      const left = async () => {
        const [row] = await store.sql.all<{ jobs: number; params: number }>(
          `select (select count(*) from job where experiment_id = ?) as jobs,
            (select count(*) from job_param where value_id in (select id from param_value where experiment_id = ?)) as params`,
          [experiment, experiment],
        );
        return [Number(row!.jobs), Number(row!.params)];
      };
      const seen = [await left()];
      while ((await store.write((tx) => purgeSome(tx, 3))) !== null) seen.push(await left());
      for (const [index, [jobs, params]] of seen.slice(1).entries()) {
        expect(seen[index]![0]! - jobs!).toBeLessThanOrEqual(3);
        expect(seen[index]![1]! - params!).toBeLessThanOrEqual(3);
      }
      expect(seen.at(-1)).toEqual([0, 0]);
      const [rows] = await store.sql.all<{ n: number }>(
        `select (select count(*) from param_value where experiment_id = ?) + (select count(*) from experiment where id = ?)
          + (select count(*) from operation where experiment_id = ?) as n`,
        [experiment, experiment, experiment],
      );
      expect(Number(rows!.n)).toBe(0);
      expect((await counts(store, other)).counted['pending']).toBe(2);
    });
  });
}
