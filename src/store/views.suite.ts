// Saved views on every engine: names are unique in an experiment, and nothing of another experiment is touched.
import { beforeEach, describe, expect, it } from 'vitest';

import { makeExperiment } from '../../test/support/queue.ts';
import { storePerSuite } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';

import { deleteExperiment } from './experiments.ts';
import { purgeSome } from './purge-experiment.ts';
import type { Store } from './store.ts';
import { changeView, createView, deleteView, listViews, type SavedView } from './views.ts';

let experiments = 0;

export function viewsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`views on ${name}`, () => {
    let store: Store;
    let experiment: number;
    let other: number;

    storePerSuite(make, (opened) => {
      store = opened;
    });
    beforeEach(async () => {
      experiments += 1;
      experiment = await makeExperiment(store, `tune-${experiments}`);
      other = await makeExperiment(store, `other-${experiments}`);
    });

    const create = (view: string, experiment_id = experiment): Promise<SavedView> =>
      store.write((tx) => createView(tx, { experiment_id, name: view, view_json: '{}', actor: 'test' }));
    const change = (id: number, over: { name?: string; view_json?: string }, experiment_id = experiment): Promise<SavedView> =>
      store.write((tx) => changeView(tx, { experiment_id, id, name: over.name, view_json: over.view_json, actor: 'else' }));
    const names = async (experiment_id = experiment): Promise<string[]> => (await listViews(store, experiment_id)).map((view) => view.name);

    it('keeps views by name, each once', async () => {
      for (const view of ['run 10', 'Best', 'run 9', '=1+1; "x"']) await create(view);
      expect(await names()).toEqual(['=1+1; "x"', 'Best', 'run 9', 'run 10']);
      await expect(create('Best')).rejects.toMatchObject({ code: 'view_exists' });
      await create('Best', other);
      expect(await names(other)).toEqual(['Best']);
    });

    it('changes name and content, and not into the name of another', async () => {
      const [best, fast] = [await create('best'), await create('fast')];
      expect(await change(best.id, { view_json: '{"status":"done"}' })).toMatchObject({ name: 'best', view_json: '{"status":"done"}', updated_by: 'else' });
      expect(await change(best.id, { name: 'best' })).toMatchObject({ name: 'best', view_json: '{"status":"done"}' });
      await expect(change(best.id, { name: 'fast' })).rejects.toMatchObject({ code: 'view_exists' });
      await change(fast.id, { name: 'slow' });
      expect(await names()).toEqual(['best', 'slow']);
      await expect(change(best.id, { name: 'x' }, other)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('forgets a view once, and only of its own experiment', async () => {
      const { id } = await create('best');
      const remove = (experiment_id: number): Promise<void> => store.write((tx) => deleteView(tx, { experiment_id, id, actor: 'test' }));
      await expect(remove(other)).rejects.toMatchObject({ code: 'not_found' });
      await remove(experiment);
      await expect(remove(experiment)).rejects.toMatchObject({ code: 'not_found' });
      const events = await store.query.selectFrom('event').select('kind').where('experiment_id', '=', experiment).where('kind', '=', 'views_changed').execute();
      expect(events).toHaveLength(2);
    });

    it('keeps so many and no more, and none of a deleted experiment', async () => {
      for (let index = 0; index < LIMITS.views.value; index += 1) await create(`view ${index}`);
      await expect(create('one more')).rejects.toMatchObject({ code: 'too_many' });
      await store.write((tx) => deleteExperiment(tx, experiment, 'test'));
      for (let left = true; left;) left = (await store.write((tx) => purgeSome(tx, 100))) !== null;
      expect(await names()).toEqual([]);
    });
  });
}
