// What every engine must do for a job that asks for more than is ever free at once.
import { describe, expect, it } from 'vitest';

import { finished, makeAgent, makeExperiment, makeJobs, running, type TestAgent, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { RESERVE_AFTER_MS } from '../core/schedule.ts';

import { commandWorkers, leaveAgent } from './agents.ts';
import { changeExperiment } from './experiments.ts';
import { actOnJobs } from './job-actions.ts';
import { reserveForStarved } from './reserve.ts';
import type { Store } from './store.ts';
import { sweepLiveness } from './sweep.ts';
import type { GrantedLease } from './sync-session.ts';

const act = { force: false, priority: 0, actor: 'test' };
const size = (cpus: number) => ({ cpus, memory_bytes: 0, gpus: 0 });

export function reserveSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`reservations on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    /** Agents for which a machine is kept, with the number of the job. */
    const reserved = async (): Promise<Record<number, number>> => {
      const rows = await store.sql.all<{ id: number; number: number }>(
        `select agent.id, job.number from agent left join job on job.id = agent.reserved_job_id where agent.reserved_job_id is not null`,
      );
      return Object.fromEntries(rows.map((row) => [Number(row.id), Number(row.number)]));
    };
    const sweep = (): Promise<void> => store.write(reserveForStarved);
    /** Lets the time pass that a job must have waited, as the sweeps see it. */
    const starve = async (ms = RESERVE_AFTER_MS): Promise<void> => {
      await sweep();
      await store.write((tx) => tx.sql.run('update demand_wait set since = since - ?', [ms]));
      await sweep();
    };
    const numbers = (leases: readonly GrantedLease[]): number[] => leases.map((lease) => lease.number);
    /** An agent of 8 cpus on which a job of 2 runs, and a waiting job (number 2) that asks for all of them. */
    const starvedJob = async (): Promise<{ agent: TestAgent; lease: GrantedLease }> => {
      const agent = await makeAgent(store, { total: size(8), workers: 4 });
      await makeJobs(store, experiment, times(1), { ...size(2) });
      const [lease] = (await agent.sync()).leases;
      await makeJobs(store, experiment, times(1), { ...size(8) });
      return { agent, lease: lease! };
    };

    it('keeps a machine for a job that has waited long: nothing behind it is started there until it fits', async () => {
      const { agent, lease } = await starvedJob();
      await starve();
      expect(await reserved()).toEqual({ [agent.id]: 2 });
      await makeJobs(store, experiment, times(2), { ...size(1) });
      await makeJobs(store, experiment, times(1));
      const busy = { free_slots: [1, 2, 3], running: [running(lease)] };
      expect((await agent.sync(busy)).leases).toEqual([]);
      const other = await makeAgent(store, { total: size(1), workers: 1 });
      expect(numbers((await other.sync()).leases)).toEqual([3]);
      expect(numbers((await agent.sync({ finished: [finished(lease)] })).leases)).toEqual([2, 5]);
      await sweep();
      expect(await reserved()).toEqual({});
    });

    it('does not keep anything for a job that did not wait long enough', async () => {
      await starvedJob();
      await starve(RESERVE_AFTER_MS - 60_000);
      expect(await reserved()).toEqual({});
    });

    it('lets higher priorities pass, also when they come later', async () => {
      const { agent, lease } = await starvedJob();
      await starve();
      await makeJobs(store, experiment, times(1), { ...size(1), priority: 1 });
      await makeJobs(store, experiment, times(1), { ...size(1) });
      expect(numbers((await agent.sync({ free_slots: [1, 2], running: [running(lease)] })).leases)).toEqual([3]);
    });

    it('counts only while the job may be claimed: not while it is held, delayed, or its experiment is', async () => {
      const waits: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
        [
          'held job',
          () => store.write((tx) => actOnJobs(tx, experiment, {}, { ...act, action: 'hold' })),
          () => store.write((tx) => actOnJobs(tx, experiment, {}, { ...act, action: 'unhold' })),
        ],
        [
          'delayed job',
          () => store.write((tx) => tx.sql.run(`update job set not_before = 1 where status = 'pending'`)),
          () => store.write((tx) => tx.sql.run('update job set not_before = null')),
        ],
        [
          'held experiment',
          () => store.write((tx) => changeExperiment(tx, experiment, { held: true }, 'test')),
          () => store.write((tx) => changeExperiment(tx, experiment, { held: false }, 'test')),
        ],
        ['edited job', () => store.write((tx) => tx.sql.run('update job set revision = revision + 1')), () => Promise.resolve()],
        ['server away', () => store.write((tx) => sweepLiveness(tx, null)), () => Promise.resolve()],
      ];
      const { agent } = await starvedJob();
      await starve();
      for (const [what, interrupt, goOn] of waits) {
        expect([what, await reserved()]).toEqual([what, { [agent.id]: 2 }]);
        await interrupt();
        await sweep();
        expect([what, await reserved()]).toEqual([what, {}]);
        await goOn();
        await sweep();
        expect([what, await reserved()]).toEqual([what, {}]);
        await starve();
      }
    });

    it('is over at once for whoever asks when the job is held, cancelled or taken elsewhere', async () => {
      const { agent, lease } = await starvedJob();
      await starve();
      await makeJobs(store, experiment, times(3), { ...size(1) });
      const busy = { free_slots: [1], running: [running(lease)] };
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 2, to: 2 }] }, { ...act, action: 'hold' }));
      const [third] = (await agent.sync(busy)).leases;
      expect(third).toMatchObject({ number: 3 });
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 2, to: 2 }] }, { ...act, action: 'unhold' }));
      const both = { free_slots: [2], running: [running(lease), running(third!)] };
      expect((await agent.sync(both)).leases).toEqual([]);
      const large = await makeAgent(store, { total: size(16), workers: 1 });
      expect(numbers((await large.sync()).leases)).toEqual([2]);
      expect(numbers((await agent.sync(both)).leases)).toEqual([4]);
    });

    it('chooses the smallest machine that could hold it, of those that serve the experiment, are alive and take jobs', async () => {
      const other = await makeExperiment(store, 'other');
      await makeAgent(store, { total: size(9), experiments: [other] });
      await makeAgent(store, { total: size(4) });
      const stopped = await makeAgent(store, { total: size(10), workers: 1 });
      const dying = await makeAgent(store, { total: size(11) });
      const good = await makeAgent(store, { total: size(12), experiments: [experiment] });
      const larger = await makeAgent(store, { total: size(64) });
      const request = { selection: { worker_ids: [`${stopped.name}_0`] }, state: 'drain', dry_run: false, actor: 'test', may_operate: null } as const;
      await store.write((tx) => commandWorkers(tx, { id: experiment, name: 'tune' }, request));
      await store.write((tx) => tx.sql.run(`update agent set liveness = 'suspect' where id = ?`, [dying.id]));
      await makeJobs(store, experiment, times(1), { ...size(8) });
      await starve();
      expect(await reserved()).toEqual({ [good.id]: 1 });
      await store.write((tx) => tx.sql.run(`update agent set incarnation = 'first'`));
      await store.write((tx) => leaveAgent(tx, good.id, 'first', 'stopped'));
      await sweep();
      expect(await reserved()).toEqual({ [larger.id]: 1 });
      // One that is being cleared is not given up for a smaller one that comes back.
      await store.write((tx) => tx.sql.run(`update agent set liveness = 'alive' where id = ?`, [dying.id]));
      await sweep();
      expect(await reserved()).toEqual({ [larger.id]: 1 });
    });

    it('passes over a job that would fit nowhere, and keeps a machine for the next one', async () => {
      const { agent } = await starvedJob();
      await makeJobs(store, experiment, times(1), { ...size(9_000), priority: 5 });
      await starve();
      expect(await reserved()).toEqual({ [agent.id]: 2 });
    });
  });
}
