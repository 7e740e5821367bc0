// Tags on every engine: who has one is found by it, whatever was done to tags since.
import { beforeEach, describe, expect, it } from 'vitest';

import { makeExperiment, makeJobs, times } from '../../test/support/queue.ts';
import { storePerSuite } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';
import { parseSearch } from '../core/search.ts';

import { previewAction } from './bulk-selection.ts';
import { readChartFields, readParamNames } from './chart-fields.ts';
import { type ActionResult, actOnJobs } from './job-actions.ts';
import { editJob } from './job-edit.ts';
import { countJobs, listJobs } from './job-list.ts';
import type { JobFilter } from './job-search.ts';
import { readTags } from './search-index.ts';
import type { Store } from './store.ts';

let experiments = 0;

export function tagsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`tags on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerSuite(make, (opened) => {
      store = opened;
    });
    beforeEach(async () => {
      experiments += 1;
      experiment = await makeExperiment(store, `tags-${experiments}`);
    });

    const search = (text: string): JobFilter => {
      const parsed = parseSearch(text);
      if ('problem' in parsed) throw new Error(parsed.problem);
      return { terms: parsed.terms };
    };
    const find = async (text: string, filter: JobFilter = {}): Promise<number[]> => {
      const wanted = { ...filter, ...search(text) };
      const { jobs } = await listJobs(store, experiment, { filter: wanted, sort: 'number', order: 'asc', limit: 100, cursor: null });
      expect(await countJobs(store, experiment, wanted, 1_000)).toEqual({ count: jobs.length, exact: true });
      return jobs.map((job) => job.number);
    };
    const tagsOf = async (): Promise<string[]> => {
      const { jobs } = await listJobs(store, experiment, { filter: {}, sort: 'number', order: 'asc', limit: 100, cursor: null });
      return jobs.map((job) => job.tags.join('|'));
    };
    const act = (action: 'add_tags' | 'remove_tags' | 'delete', numbers: string, tags: readonly string[] = []): Promise<ActionResult> => {
      const ranges = numbers.split(',').map((part) => ({ from: Number(part.split('-')[0]), to: Number(part.split('-').at(-1)) }));
      return store.write((tx) => actOnJobs(tx, experiment, { ranges }, { action, tags, force: false, priority: 0, actor: 'test' }));
    };

    it('of new jobs are found, alone, with others and by those who lack them', async () => {
      await makeJobs(store, experiment, [{ tag: 'best' }, { a: 1 }]);
      await makeJobs(store, experiment, times(3), { tags: ['best', 'two words', '100%'] });
      expect(await find('tag:best')).toEqual([3, 4, 5]);
      expect(await find('tag:Best')).toEqual([]);
      expect(await find('-tag:best')).toEqual([1, 2]);
      expect(await find('tag:"two words" index>0')).toEqual([4, 5]);
      expect(await find('tag:best -tag:100%')).toEqual([]);
      expect(await find('tag:best', { statuses: ['done'] })).toEqual([]);
      // A text is looked for in tags too, and `tag` is no tag.
      expect(await find('words')).toEqual([3, 4, 5]);
      expect(await find('#tag')).toEqual([]);
      expect(await find('tag=best')).toEqual([1]);
    });

    it('are added and taken away, told what changed, and found accordingly', async () => {
      await makeJobs(store, experiment, times(4), { tags: ['a'] });
      expect(await act('add_tags', '2-3', ['b', '1'])).toMatchObject({ matched: 2, changed: [2, 3], refused: {} });
      expect(await act('add_tags', '1-4', ['b'])).toMatchObject({ matched: 4, changed: [1, 4], refused: {} });
      expect(await tagsOf()).toEqual(['a|b', 'a|b|1', 'a|b|1', 'a|b']);
      expect([await find('tag:b'), await find('tag:1'), await find('tag:1.0')]).toEqual([[1, 2, 3, 4], [2, 3], []]);
      expect(await act('remove_tags', '1-2', ['a', 'b', 'never'])).toMatchObject({ matched: 2, changed: [1, 2] });
      expect(await tagsOf()).toEqual(['', '1', 'a|b|1', 'a|b']);
      expect([await find('tag:a'), await find('tag:1')]).toEqual([
        [3, 4],
        [2, 3],
      ]);
      expect(await readTags(store.sql, experiment, 10)).toEqual(['1', 'a', 'b']);
      expect(await readTags(store.sql, experiment, 2)).toEqual(['1', 'a']);
      const events = await store.query
        .selectFrom('event')
        .select('data_json')
        .where('experiment_id', '=', experiment)
        .where('kind', '=', 'jobs_edited')
        .execute();
      expect(events.map((event) => JSON.parse(event.data_json) as unknown)).toEqual([
        { tags_added: 'b, 1' },
        { tags_added: 'b' },
        { tags_removed: 'a, b, never' },
      ]);
    });

    it('go with an edit and with a deleted job, and do not stand among the params', async () => {
      await makeJobs(store, experiment, times(2), { tags: ['a', 'b'] });
      await store.write((tx) => editJob(tx, { experiment_id: experiment, number: 1 }, { tags: ['c'] }, 'test'));
      expect([await find('tag:a'), await find('tag:c')]).toEqual([[2], [1]]);
      await act('delete', '2');
      expect([await find('tag:a'), await readTags(store.sql, experiment, 10)]).toEqual([[], ['c']]);
      expect((await readChartFields(store, experiment)).params.map((param) => param.name)).toEqual(['index']);
      expect(await readParamNames(store, experiment, 10)).toEqual(['index']);
    });

    it('are previewed by reading, and a job has so many and no more', async () => {
      const full = Array.from({ length: LIMITS.job_tags.value }, (_, index) => `t${index}`);
      await makeJobs(store, experiment, times(2), { tags: ['a'] });
      await makeJobs(store, experiment, times(2), { tags: full });
      await makeJobs(store, experiment, times(2));
      const preview = (action: 'add_tags' | 'remove_tags', tags: readonly string[]) => previewAction(store, experiment, {}, { action, tags });
      expect(await preview('add_tags', ['a'])).toEqual({ matched: 6, changed: 2, refused: { too_many: 2 }, numbers: [5, 6] });
      expect(await preview('add_tags', ['t1'])).toMatchObject({ changed: 4, refused: {}, numbers: [1, 2, 5, 6] });
      expect(await preview('remove_tags', ['a', 't3'])).toMatchObject({ changed: 4, numbers: [1, 2, 3, 4] });
      expect(await act('add_tags', '1-6', ['a'])).toMatchObject({ matched: 6, changed: [5, 6], refused: { too_many: 2 } });
      expect(await find('tag:a')).toEqual([1, 2, 5, 6]);
    });
  });
}
