import { describe, expect, it } from 'vitest';

import { contract, type WorkerShape } from '../../contract/index.ts';
import { allToggled, NOBODY, present, toggled } from './selected-workers.ts';
import { byHost, filterChoices, fleetText, ofTab, PAGE_SIZE, pageOf, shownWorkers } from './shown-workers.ts';
import { readWorkersSearch, withChange } from './workers-search.ts';

const example = (contract.workers.list.example.reply as { workers: WorkerShape[] }).workers[0]!;
const worker = (host: string, instance: string, slot: number, more: Partial<WorkerShape> = {}): WorkerShape => ({
  ...example,
  ...{ host, instance, slot, worker_id: `${host}_${instance}_${slot}`, status: 'idle', job: null },
  ...more,
});

const fleet = [
  worker('node2', 'fox', 0, { machine_class: 'gpu' }),
  worker('node10', 'egg', 1),
  worker('node10', 'egg', 0, { status: 'busy', job: { experiment: 'tune', number: 7, attempt: 1 } }),
  worker('node2', 'owl', 0, { status: 'disabled', liveness: 'lost' }),
];
const ids = (workers: readonly WorkerShape[]): string[] => workers.map(({ worker_id }) => worker_id);

describe('the workers that are shown', () => {
  it('are of one tab, in the order of hosts as people count them', () => {
    expect(ids(shownWorkers(ofTab(fleet, {}), {}))).toEqual(['node2_fox_0', 'node10_egg_0', 'node10_egg_1']);
    expect(ids(ofTab(fleet, { state: 'disabled' }))).toEqual(['node2_owl_0']);
    expect(byHost(shownWorkers(ofTab(fleet, {}), {})).map(({ host, workers }) => [host, workers.length])).toEqual([
      ['node2', 1],
      ['node10', 2],
    ]);
  });

  it('are narrowed by host, instance, slot and words, each filter offering what the ones before it leave', () => {
    expect(filterChoices(fleet, {})).toEqual({ hosts: ['node2', 'node10'], instances: ['egg', 'fox', 'owl'], slots: ['0', '1'] });
    expect(filterChoices(fleet, { host: 'node2' })).toEqual({ hosts: ['node2', 'node10'], instances: ['fox', 'owl'], slots: ['0'] });
    expect(filterChoices(fleet, { host: 'node10', instance: 'egg' }).slots).toEqual(['0', '1']);
    expect(ids(shownWorkers(fleet, { host: 'node10', slot: '1' }))).toEqual(['node10_egg_1']);
    expect(ids(shownWorkers(fleet, { search: 'TUNE/7 node10' }))).toEqual(['node10_egg_0']);
    expect(ids(shownWorkers(fleet, { search: 'gpu' }))).toEqual(['node2_fox_0']);
  });

  it('come page by page, and a page that is gone is the last one', () => {
    const many = Array.from({ length: PAGE_SIZE + 1 }, (_, slot) => worker('node', 'egg', slot));
    expect([pageOf(many, 1).rows.length, pageOf(many, 2).rows.length, pageOf(many, 9).page, pageOf([], 3).page]).toEqual([PAGE_SIZE, 1, 2, 1]);
  });

  it('are told in one line', () => {
    const silent = worker('node3', 'elk', 0, { liveness: 'suspect' });
    const paused = worker('node3', 'elk', 1, { desired_state: 'pause' });
    expect(fleetText([...ofTab(fleet, {}), silent, paused])).toBe('1 busy, 2 idle, 1 not taking jobs, 1 silent');
  });
});

describe('the URL of the page', () => {
  it('is read back with care', () => {
    expect(readWorkersSearch({ state: 'other', host: '', slot: '0', page: '1', view: 'info', range: '2y', worker: 'a_b_0' })).toEqual({
      slot: '0',
      worker: 'a_b_0',
    });
    expect(readWorkersSearch({ state: 'disabled', page: '3', view: 'metrics', range: '7d' })).toEqual({
      state: 'disabled',
      page: 3,
      view: 'metrics',
      range: '7d',
    });
  });

  it('forgets what a wider choice no longer holds', () => {
    const search = { host: 'a', instance: 'b', slot: '1', page: 2, worker: 'a_b_1' };
    expect(withChange(search, { host: 'c' })).toEqual({ host: 'c', worker: 'a_b_1' });
    expect(withChange(search, { instance: undefined })).toEqual({ host: 'a', worker: 'a_b_1' });
    expect(withChange(search, { worker: undefined })).toEqual({ host: 'a', instance: 'b', slot: '1', page: 2 });
  });
});

describe('selected workers', () => {
  const list = ['a', 'b', 'c', 'd'];

  it('are toggled one by one, in stretches, and all at once', () => {
    const one = toggled(NOBODY, { id: 'b', list, through: false });
    const stretch = toggled(one, { id: 'd', list, through: true });
    expect([...stretch.ids]).toEqual(['b', 'c', 'd']);
    expect([...toggled(stretch, { id: 'c', list, through: false }).ids]).toEqual(['b', 'd']);
    expect([...allToggled(one, list).ids].sort()).toEqual(list);
    expect([...allToggled(allToggled(one, list), list).ids]).toEqual([]);
  });

  it('are forgotten when they are gone', () => {
    const all = allToggled(NOBODY, list);
    expect([...present(all, ['a', 'c', 'e']).ids]).toEqual(['a', 'c']);
    expect(present(all, list).ids).toBe(all.ids);
  });
});
