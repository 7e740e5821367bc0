// Variables on every engine: an experiment's own before shared ones, secrets never in clear, and what a lease brings of them.
import { beforeEach, describe, expect, it } from 'vitest';

import { finished, makeAgent, makeExperiment, makeJobs, type TestAgent } from '../../test/support/queue.ts';
import { storePerSuite } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';
import type { FrozenVariables } from '../core/variables.ts';

import { findJob } from './job-rows.ts';
import { editJob } from './job-edit.ts';
import { deleteExperiment } from './experiments.ts';
import { purgeSome } from './purge-experiment.ts';
import type { Store } from './store.ts';
import type { GrantedLease } from './sync-session.ts';
import { frozenVariables, knownVariables, listVariables, removeVariable, setVariable, SHARED, type Variable } from './variables.ts';

let experiments = 0;

export function variablesSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`variables on ${name}`, () => {
    let store: Store;
    let experiment: number;
    let agent: TestAgent;

    storePerSuite(make, (opened) => {
      store = opened;
    });
    beforeEach(async () => {
      experiments += 1;
      experiment = await makeExperiment(store, `vars-${experiments}`);
      agent = await makeAgent(store, { experiments: [experiment], workers: 1 });
      await store.write((tx) => tx.sql.run('delete from variable where experiment_id = ?', [SHARED]));
    });

    const set = (variable: string, value: string, { secret = false, of = experiment } = {}): Promise<Variable> =>
      store.write((tx) => setVariable(tx, store.key, { experiment_id: of, name: variable, value, secret, actor: 'test' }));
    const remove = (variable: string, of = experiment): Promise<void> =>
      store.write((tx) => removeVariable(tx, { experiment_id: of, name: variable, actor: 'test' }));
    const names = async (): Promise<string[]> => (await listVariables(store, experiment)).map(({ name: each, shared }) => (shared ? `${each} shared` : each));
    const submit = (template: string, variables: FrozenVariables, count = 1): Promise<number[]> =>
      makeJobs(
        store,
        experiment,
        Array.from({ length: count }, () => ({})),
        { command: template, variables },
      );
    const claim = async (): Promise<GrantedLease> => (await agent.sync()).leases[0]!;
    const end = (lease: GrantedLease): Promise<unknown> => agent.sync({ finished: [finished(lease)], free_slots: [] });

    it('are set, changed, listed and removed; an experiment’s own come before shared ones', async () => {
      await set('B', 'own');
      await set('B', 'shared', { of: SHARED });
      await set('A', 'shared', { of: SHARED });
      await set('B', 'newer');
      await set('a', 'small letters come last');
      expect(await names()).toEqual(['A shared', 'B', 'B shared', 'a']);
      const known = await knownVariables(store, experiment, ['A', 'B', 'C']);
      expect([known.get('A'), known.get('B'), known.has('C')]).toEqual(['shared', 'newer', false]);
      await remove('B');
      expect((await knownVariables(store, experiment, ['B'])).get('B')).toBe('shared');
      await expect(remove('B')).rejects.toMatchObject({ code: 'not_found' });
      expect((await listVariables(store, SHARED)).map((each) => each.name)).toEqual(['A', 'B']);
    });

    it('keep secrets encrypted and show them nowhere, and forget the old value of either kind', async () => {
      const shown = await set('TOKEN', 'plain at first');
      expect(shown).toMatchObject({ secret: false, value: 'plain at first' });
      expect(await set('TOKEN', 'ghp_secret', { secret: true })).toMatchObject({ secret: true, value: null });
      expect((await listVariables(store, experiment))[0]).toMatchObject({ name: 'TOKEN', secret: true, value: null });
      expect((await knownVariables(store, experiment, ['TOKEN'])).get('TOKEN')).toBeNull();
      const rows = JSON.stringify(await store.sql.all('select * from variable'));
      const events = JSON.stringify(await store.sql.all("select * from event where kind = 'variable_set'"));
      expect(rows + events).not.toContain('ghp_secret');
      expect(rows).not.toContain('plain at first');
      expect(events).toContain('TOKEN');
      await set('TOKEN', 'plain again');
      const [row] = await store.sql.all<{ cipher: string | null; value: string }>('select cipher, value from variable where experiment_id = ?', [experiment]);
      expect(row).toMatchObject({ cipher: null, value: 'plain again' });
    });

    it('are as many as an experiment may have', async () => {
      await store.write(async (tx) => {
        for (let index = 0; index < LIMITS.variables.value; index += 1)
          await tx.sql.run('insert into variable (experiment_id, name, value, secret, updated_at) values (?, ?, ?, 0, 0)', [experiment, `V${index}`, '']);
      });
      await expect(set('ONE_MORE', '')).rejects.toMatchObject({ code: 'too_many' });
      await set('V0', 'changed');
      await set('ONE_MORE', '', { of: SHARED });
    });

    it('are frozen once for a thousand jobs, and another value makes another command', async () => {
      await submit('run {A}', { A: '1' }, 1_000);
      await submit('run {A}', { A: '2' });
      await submit('run {A}', {});
      const rows = await store.sql.all<{ variables_json: string | null }>(
        'select distinct c.id, c.variables_json from command c join job j on j.command_id = c.id where j.experiment_id = ? order by c.id',
        [experiment],
      );
      expect(rows.map((row) => row.variables_json)).toEqual(['{"A":"1"}', '{"A":"2"}', null]);
      const first = await findJob(store, experiment, 1);
      expect(await frozenVariables(store, first!.id)).toEqual({ A: '1' });
      await store.write((tx) => editJob(tx, { experiment_id: experiment, number: 1 }, { priority: 7 }, 'test'));
      expect(await frozenVariables(store, first!.id)).toEqual({ A: '1' });
      const lease = await claim();
      expect(lease).toMatchObject({ number: 1, variables: { A: '1' }, secrets: {} });
      await end(lease);
    });

    it('come with a lease as they are then, the experiment’s own first, and null when they are gone', async () => {
      await set('TOKEN', 'shared', { secret: true, of: SHARED });
      await submit('run {TOKEN} {DATA}', { DATA: '/data', TOKEN: null }, 4);
      const first = await claim();
      expect([first.variables, first.secrets]).toEqual([{ DATA: '/data', TOKEN: null }, { TOKEN: 'shared' }]);
      await end(first);
      await set('TOKEN', 'own', { secret: true });
      const second = await claim();
      expect(second.secrets).toEqual({ TOKEN: 'own' });
      await end(second);
      await remove('TOKEN');
      await remove('TOKEN', SHARED);
      const third = await claim();
      expect(third.secrets).toEqual({ TOKEN: null });
      await end(third);
      await set('TOKEN', 'whatever', { secret: true });
      await store.write((tx) => tx.sql.run("update variable set cipher = 'spoiled' where experiment_id = ?", [experiment]));
      expect((await claim()).secrets).toEqual({ TOKEN: null });
    });

    it('come again with a lease that is offered again', async () => {
      await set('TOKEN', 'ghp_secret', { secret: true });
      await submit('run {TOKEN}', { TOKEN: null });
      const { token } = await claim();
      const [again] = (await agent.sync({ free_slots: [] })).leases;
      expect(again).toMatchObject({ token, secrets: { TOKEN: 'ghp_secret' } });
    });

    it('go with their experiment', async () => {
      await set('TOKEN', 'ghp_secret', { secret: true });
      await set('SHARED_ONE', 'stays', { of: SHARED });
      await store.write((tx) => deleteExperiment(tx, experiment, 'test'));
      while ((await store.write((tx) => purgeSome(tx, 100))) !== null);
      const left = await store.sql.all('select name from variable where experiment_id in (?, ?)', [experiment, SHARED]);
      expect(left).toEqual([{ name: 'SHARED_ONE' }]);
    });
  });
}
