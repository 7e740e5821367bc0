// Matrices: listed newest first, each with how far its jobs are, for which a large one is looked at in part.
import { describe, expect, it } from 'vitest';

import { finished, makeAgent, makeExperiment, TEMPLATE } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';

import { actOnJobs } from './job-actions.ts';
import { createMatrix, expandNextChunk, findMatrix, listMatrices, type MatrixRecord } from './matrices.ts';
import { readMatrixStatuses } from './matrix-statuses.ts';
import type { Store } from './store.ts';

export function matricesSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`matrices on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    const matrixOf = (values: number[], experiment_id = experiment): Promise<MatrixRecord> => {
      const matrix = [
        { name: 'lr', values: [0.1, 0.01] },
        { name: 'seed', values },
      ];
      return store.write((tx) => createMatrix(tx, { experiment_id, matrix, template: TEMPLATE, actor: 'test' }));
    };
    const statuses = async (id: number) => {
      const matrix = await findMatrix(store, experiment, id);
      return (await readMatrixStatuses(store, experiment, [matrix!])).get(id);
    };

    it('are listed newest first, page by page, those of other experiments left out', async () => {
      const made = [await matrixOf([1]), await matrixOf([1, 2]), await matrixOf([1, 2, 3])];
      await matrixOf([1], await makeExperiment(store, 'other'));
      const first = await listMatrices(store, experiment, { before: null, limit: 2 });
      expect(first).toEqual([made[2], made[1]]);
      expect(await listMatrices(store, experiment, { before: first[1]!.id, limit: 2 })).toEqual([made[0]]);
    });

    it('say how far their jobs are, each its own', async () => {
      const matrix = await matrixOf([1, 2]);
      const other = await matrixOf([3]);
      const agent = await makeAgent(store, { workers: 3, experiments: [experiment] });
      const { leases } = await agent.sync();
      await agent.sync({
        free_slots: [],
        running: [],
        finished: leases.slice(0, 2).map((lease, index) => finished(lease, index === 0 ? 'failed' : 'succeeded')),
      });
      expect(await statuses(matrix.id)).toEqual({ pending: 1, running: 1, done: 1, aborted: 1, held: 0, cancelled: 0, looked_at: 4, of: 4, copies: 0 });
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 4, to: 5 }] }, { action: 'delete', force: false, priority: 0, actor: 'test' }));
      expect(await statuses(matrix.id)).toEqual({ pending: 0, running: 1, done: 1, aborted: 1, held: 0, cancelled: 0, looked_at: 4, of: 4, copies: 0 });
      expect(await statuses(other.id)).toEqual({ pending: 1, running: 0, done: 0, aborted: 0, held: 0, cancelled: 0, looked_at: 2, of: 2, copies: 0 });
      expect((await readMatrixStatuses(store, experiment, [])).size).toBe(0);
    });

    it('are looked at in part when they are large, the same part each time, of all values alike', async () => {
      const matrix = await matrixOf(Array.from({ length: 6_000 }, (_, index) => index));
      expect(await statuses(matrix.id)).toEqual({ pending: 0, running: 0, done: 0, aborted: 0, held: 0, cancelled: 0, looked_at: 0, of: 0, copies: 0 });
      while (await store.write(expandNextChunk));
      const looks = LIMITS.matrix_looks.value;
      expect(await statuses(matrix.id)).toEqual({
        pending: looks,
        running: 0,
        done: 0,
        aborted: 0,
        held: 0,
        cancelled: 0,
        looked_at: looks,
        of: 12_000,
        copies: 0,
      });
      // Every second job is of one learning rate: the share must not follow such a step.
      await store.write((tx) => tx.sql.run(`update job set status = 'done' where experiment_id = ? and number % 2 = 0`, [experiment]));
      const { done, pending } = (await statuses(matrix.id))!;
      expect(done + pending).toBe(looks);
      expect(done / looks).toBeGreaterThan(0.45);
      expect(done / looks).toBeLessThan(0.55);
    });
  });
}
