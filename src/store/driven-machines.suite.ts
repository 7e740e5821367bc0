// Driven machines: who drives which, that each has one job at a time, and when one is left alone. The same on every engine.
import { describe, expect, it } from 'vitest';

import {
  countersAreRight,
  finished,
  job,
  makeAgent,
  makeExperiment,
  makeJobs,
  running,
  sweptJustNow,
  type TestAgent,
  times,
} from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { leaveAgent, listWorkers } from './agents.ts';
import { addMachines, changeMachines, type ChangedMachines, listMachines, type MachineChange, machineState } from './machines.ts';
import type { Store } from './store.ts';
import { sweepLiveness } from './sweep.ts';
import type { GrantedLease, SyncAnswer } from './sync-session.ts';

export function drivenMachinesSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`driven machines on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store, 'pool');
    });

    const add = (machine_class: string, ...names: string[]) => store.write((tx) => addMachines(tx, { names, machine_class, actor: 'test' }));
    const change = (change_: Pick<MachineChange, 'action'> & Partial<MachineChange>): Promise<ChangedMachines> =>
      store.write((tx) => changeMachines(tx, { dry_run: false, actor: 'test', ...change_ }));
    const driver = (drives: readonly string[] = ['*']): Promise<TestAgent> => makeAgent(store, { workers: 0, drives });
    const states = async (): Promise<Record<string, string>> =>
      Object.fromEntries(
        (await listMachines(store, null)).filter(({ kind }) => kind === 'driven').map((row) => [row.name, machineState(row, row.created_at).state]),
      );
    /** Learns of its machines, then asks for jobs on all of them that are not busy. */
    const ask = async (agent: TestAgent, leases: readonly GrantedLease[] = [], more: Parameters<TestAgent['sync']>[0] = {}): Promise<SyncAnswer> => {
      const told = (await agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)) })).driven ?? [];
      const busy = new Set(leases.map(({ slot }) => slot));
      const slots = told.map(({ slot }) => slot);
      return agent.sync({ free_slots: slots.filter((slot) => !busy.has(slot)), driven_slots: slots, running: leases.map((lease) => running(lease)), ...more });
    };

    it('gives a machine to an agent that drives its class, tells that once, and runs one job there at a time', async () => {
      const agent = await driver(['foo']);
      expect(await add('foo', 'node7:22')).toEqual({ added: ['node7:22'], changed: [], driven: true });
      const { driven } = await agent.sync({ free_slots: [] });
      expect(driven).toEqual([{ slot: 5_000, machine: 'node7:22', machine_class: 'foo' }]);
      expect((await agent.sync({ free_slots: [], driven_slots: [5_000] })).driven).toBeNull();
      await makeJobs(store, experiment, times(2), { machine_class: 'foo' });
      const { leases } = await agent.sync({ free_slots: [5_000], driven_slots: [5_000] });
      expect(leases).toMatchObject([{ number: 1, slot: 5_000, machine: 'node7:22' }]);
      expect(await states()).toEqual({ 'node7:22': 'running' });
      const next = await agent.sync({ free_slots: [5_000], driven_slots: [5_000], finished: [finished(leases[0]!)] });
      expect(next.leases).toMatchObject([{ number: 2, machine: 'node7:22' }]);
      await countersAreRight(store, experiment);
    });

    it('takes only jobs that ask for the class of the machine, and own workers none of those', async () => {
      const agent = await makeAgent(store, { workers: 1, drives: ['*'], machine_class: 'desk' });
      await add('foo', 'a');
      await add('bar', 'b');
      await makeJobs(store, experiment, times(1));
      await makeJobs(store, experiment, times(2), { machine_class: 'bar' });
      const slots = (await agent.sync({ free_slots: [] })).driven!.map(({ slot }) => slot);
      const { leases } = await agent.sync({ free_slots: [0, ...slots], driven_slots: slots });
      const host = agent.name.split('_')[0];
      expect(leases.map(({ number, slot, machine }) => [number, slot, machine])).toEqual([
        [1, 0, host],
        [2, 5_001, 'b'],
      ]);
    });

    it('shares machines among those that drive, and moves them when one leaves or is lost', async () => {
      const [first, second] = [await driver(), await driver()];
      await add('foo', 'a', 'b', 'c', 'd');
      const names = async (agent: TestAgent): Promise<string[]> => ((await agent.sync({ free_slots: [] })).driven ?? []).map(({ machine }) => machine);
      expect([await names(first), await names(second)]).toEqual([
        ['a', 'c'],
        ['b', 'd'],
      ]);
      await store.write((tx) => leaveAgent(tx, first.id, 'first', 'stopped'));
      expect(await names(second)).toEqual(['b', 'd', 'a', 'c']);
      await second.sync({ free_slots: [] });
      await store.write((tx) => leaveAgent(tx, second.id, 'first', 'stopped'));
      expect(new Set(Object.values(await states()))).toEqual(new Set(['no_driver']));
      // Back with its first word, and not only after the next sweep.
      expect(await names(second)).toEqual(['b', 'd', 'a', 'c']);
      const sweep = (): Promise<void> => store.write((tx) => sweepLiveness(tx, sweptJustNow(tx)));
      await sweep();
      await store.write((tx) => tx.sql.run('update agent set term_started_at = 0 where id = ?', [second.id]));
      await sweep();
      expect(new Set(Object.values(await states()))).toEqual(new Set(['no_driver']));
      const third = await driver();
      expect(await names(third)).toEqual(['a', 'b', 'c', 'd']);
      const workers = await listWorkers(store, experiment);
      expect(workers.filter(({ disabled_at }) => disabled_at === null).map(({ machine }) => machine)).toEqual(['a', 'b', 'c', 'd']);
    });

    it('moves, disables and removes machines without touching what runs there', async () => {
      const agent = await driver();
      await add('foo', 'a');
      await makeJobs(store, experiment, times(3), { machine_class: 'foo' });
      const [lease] = (await ask(agent)).leases;
      expect(await change({ action: 'move', names: ['a'], machine_class: 'bar' })).toEqual({ changed: ['a'], unchanged: [], running: ['a'] });
      expect((await ask(agent, [lease!])).revoked).toEqual([]);
      expect((await ask(agent, [], { finished: [finished(lease!)] })).leases).toEqual([]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done' });
      await change({ action: 'move', of_class: 'bar', machine_class: 'foo' });
      await change({ action: 'disable', names: ['a'] });
      expect((await ask(agent)).leases).toEqual([]);
      await change({ action: 'enable', names: ['a'] });
      const [second] = (await ask(agent)).leases;
      expect(await change({ action: 'remove', names: ['a'] })).toMatchObject({ changed: ['a'], running: ['a'] });
      expect((await agent.sync({ free_slots: [], driven_slots: [5_000], running: [running(second!)] })).driven).toEqual([]);
      expect((await agent.sync({ free_slots: [], driven_slots: [], finished: [finished(second!)] })).settled).toMatchObject([{ result: 'recorded' }]);
      expect(await states()).toEqual({});
      await expect(change({ action: 'enable', names: ['a'] })).rejects.toThrow('There is no machine a');
      expect(await add('foo', 'a')).toMatchObject({ added: ['a'] });
      // It is the same slot as before.
      expect((await agent.sync({ free_slots: [] })).driven).toMatchObject([{ slot: 5_000 }]);
    });

    it('leaves a machine alone after four different jobs failed there, tries one later, and takes it back when that succeeds', async () => {
      const agent = await driver();
      await add('foo', 'a');
      await makeJobs(store, experiment, times(7), { machine_class: 'foo' });
      for (let round = 0; round < 4; round += 1) {
        const [lease] = (await ask(agent)).leases;
        await agent.sync({ free_slots: [], driven_slots: [5_000], finished: [finished(lease!, 'failed')] });
      }
      expect(await states()).toEqual({ a: 'quarantined' });
      expect((await ask(agent)).leases).toEqual([]);
      const kinds = await store.sql.all<{ data_json: string }>(`select data_json from event where kind = 'machine_quarantined'`);
      expect(JSON.parse(kinds[0]!.data_json)).toEqual({ machine: 'a', reason: expect.stringMatching(/the last of them pool\/4 \(exit code 1\)/) });
      await store.write((tx) => tx.sql.run('update machine set trial_at = 0'));
      const [trial] = (await ask(agent)).leases;
      expect(trial).toMatchObject({ number: 5 });
      expect((await ask(agent, [])).leases.map(({ number }) => number)).not.toContain(6);
      await agent.sync({ free_slots: [], driven_slots: [5_000], finished: [finished(trial!)] });
      expect(await states()).toEqual({ a: 'ready' });
      expect((await ask(agent)).leases).toMatchObject([{ number: 6 }]);
    });

    it('enables a machine out of quarantine, and adding it again does too', async () => {
      const agent = await driver();
      await add('foo', 'a');
      const quarantine = () =>
        store.write((tx) => tx.sql.run(`update machine set quarantined_at = 1, quarantine_reason = 'x', failures = 4, trial_at = ?`, [tx.now * 2]));
      await makeJobs(store, experiment, times(2), { machine_class: 'foo' });
      await quarantine();
      expect((await ask(agent)).leases).toEqual([]);
      expect(await change({ action: 'enable', names: ['a'] })).toMatchObject({ changed: ['a'] });
      const [lease] = (await ask(agent)).leases;
      expect(lease).toMatchObject({ number: 1 });
      await quarantine();
      expect(await add('foo', 'a')).toMatchObject({ added: [], changed: ['a'] });
      expect(await states()).toEqual({ a: 'running' });
    });

    it('refuses names that are options or no hosts, and the names of machines with an agent', async () => {
      await expect(add('foo', '-oProxyCommand=x')).rejects.toThrow('begins with a minus');
      await makeAgent(store);
      await expect(add('foo', 'host')).rejects.toThrow('a machine with an agent of its own');
    });
  });
}
