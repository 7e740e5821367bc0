// What must hold of the history of a worker on every engine.
import { beforeEach, describe, expect, it } from 'vitest';

import { finished, makeAgent, makeExperiment, makeJobs, running, sweptJustNow, type TestAgent, times } from '../../test/support/queue.ts';
import type { ManualClock } from '../../test/support/manual-clock.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';

import { commandWorkers, leaveAgent, listWorkers, type WorkerRequest } from './agents.ts';
import { pruneEvents } from './events.ts';
import { listExperiments } from './experiments.ts';
import { LEFT_HERE } from './left-slots.ts';
import { pruneAgents } from './prune-agents.ts';
import type { Store } from './store.ts';
import { sweepLiveness } from './sweep.ts';
import { type HistoryEntry, type HistoryPlace, NEWEST, readWorkerHistory } from './worker-history.ts';

export function workerHistorySuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`the history of a worker on ${name}`, () => {
    let store: Store;
    let experiment: number;
    let agent: TestAgent;

    let clock: ManualClock;

    storePerTest(make, (opened, manual) => {
      [store, clock] = [opened, manual];
    });
    beforeEach(async (context) => {
      if (store === undefined) return context.skip();
      experiment = await makeExperiment(store);
      agent = await makeAgent(store, { workers: 2 });
    });

    const now = (): Promise<number> => store.write(async (tx) => tx.now);
    /** What comes next is at a later moment, also by the clock of a database. */
    const later = async (): Promise<void> => {
      const before = await now();
      clock.advance(1);
      while ((await now()) === before);
    };
    const tell = (state: WorkerRequest['state'], selection: WorkerRequest['selection'] = {}) =>
      store.write((tx) => commandWorkers(tx, { id: experiment, name: 'tune' }, { selection, state, dry_run: false, actor: 'key:laptop', may_operate: null }));
    const page = (slot: number, after: HistoryPlace = NEWEST, limit = 100) => readWorkerHistory(store, { agent_id: agent.id, slot, after, limit });
    const words = (entries: readonly HistoryEntry[]): string[] =>
      entries.map((entry) => (entry.what === 'event' ? entry.event.kind : `job ${entry.job.number}.${entry.job.attempt} ${entry.job.outcome ?? 'runs'}`));
    const history = async (slot: number): Promise<string[]> => words((await page(slot)).entries);
    /** Each slot takes a job and ends it. */
    const work = async (): Promise<void> => {
      const { leases } = await agent.sync({ free_slots: [0, 1] });
      await agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)) });
      await agent.sync({ free_slots: [], finished: leases.map((lease) => finished(lease)) });
      await later();
    };

    it('knows which workers were sent away on their own machine, also after a silence, and when they come back', async () => {
      const states = async () =>
        Object.fromEntries(
          (await listWorkers(store, experiment)).map(({ slot, disabled_at, disabled_reason }) => [slot, disabled_at === null ? 'here' : disabled_reason]),
        );
      await agent.sync({ free_slots: [0], left_slots: [1] });
      await agent.sync({ free_slots: [0] });
      expect(await states()).toEqual({ 0: 'here', 1: LEFT_HERE });
      expect((await listExperiments(store, [experiment]))[0]?.workers).toEqual({ idle: 1, busy: 0 });
      expect((await history(1))[0]).toBe('worker_disabled');
      expect(await history(0)).not.toContain('worker_disabled');
      await store.write((tx) => sweepLiveness(tx, null).then(() => tx.sql.run('update agent set term_started_at = 1')));
      await store.write((tx) => sweepLiveness(tx, sweptJustNow(tx)));
      await agent.sync({ free_slots: [0] });
      expect((await states())[1]).toBe(LEFT_HERE);
      await agent.sync({ free_slots: [0, 1], left_slots: [] });
      expect((await states())[1]).toBe('here');
      expect(await history(1)).toContain('worker_registered');
    });

    it('tells of its registration, its jobs, its commands and its end, newest first, and of nobody else', async () => {
      await makeJobs(store, experiment, times(2));
      const other = await makeAgent(store, { workers: 1 });
      await work();
      await tell('pause', { worker_ids: [`${agent.name}_1`, `${other.name}_0`] });
      await agent.sync({ free_slots: [], workers: [{ slot: 1, applied_version: 1, state: 'pause' }] });
      await tell('run', { worker_ids: [`${agent.name}_1`] });
      await tell(null, { worker_ids: [`${agent.name}_1`] });
      await store.write((tx) => leaveAgent(tx, agent.id, 'first', 'stopped'));
      const jobs = (await page(0)).entries.flatMap((entry) => (entry.what === 'job' ? [entry.job] : []));
      expect(jobs[0]).toMatchObject({ experiment_id: experiment, experiment: 'tune', attempt: 1, outcome: 'succeeded' });
      expect(await history(0)).toEqual(['agent_left', `job ${jobs[0]!.number}.1 succeeded`, 'agent_registered']);
      expect(await history(1)).toEqual([
        ...['agent_left', 'worker_command_cancelled', 'worker_commanded', 'worker_command_applied', 'worker_commanded'],
        ...[`job ${3 - jobs[0]!.number}.1 succeeded`, 'agent_registered'],
      ]);
    });

    it('is read page by page without a gap or a repetition', async () => {
      await makeJobs(store, experiment, times(8));
      for (let round = 0; round < 4; round += 1) {
        await work();
        await tell(round % 2 === 0 ? 'pause' : 'run');
        const told = { applied_version: round + 1, state: round % 2 === 0 ? ('pause' as const) : ('run' as const) };
        await agent.sync({ free_slots: [], workers: [0, 1].map((slot) => ({ slot, ...told })) });
        if (round % 2 === 0) {
          await tell('run');
          await tell(null);
          await store.write((tx) => tx.sql.run(`update worker set desired_state = 'run', desired_version = ${round + 1}, applied_version = ${round + 1}`));
        }
      }
      const whole = await page(0);
      expect(whole.next).toBe(null);
      expect(whole.entries.filter((entry) => entry.what === 'job')).toHaveLength(4);
      for (const limit of [1, 2, 3, 5]) {
        const read: HistoryEntry[] = [];
        for (let place: HistoryPlace | null = NEWEST; place !== null;) {
          const { entries, next } = await page(0, place, limit);
          expect(entries.length).toBeLessThanOrEqual(limit);
          read.push(...entries);
          place = next;
        }
        expect(read).toEqual(whole.entries);
      }
    });

    it('tells of silence and of the return from it', async () => {
      await agent.sync();
      await store.write((tx) => sweepLiveness(tx, null));
      for (const seconds of [100, 3_600]) {
        await store.write((tx) => tx.sql.run('update agent set term_started_at = ?', [tx.now - seconds * 1000]));
        await store.write((tx) => sweepLiveness(tx, sweptJustNow(tx)));
      }
      await agent.sync();
      expect(await history(1)).toEqual(['agent_returned', 'agent_lost', 'agent_suspect', 'agent_registered']);
    });

    it('goes with its events and with its agent', async () => {
      const rows = async (): Promise<number> => (await store.sql.all('select 1 as one from event_worker')).length;
      expect(await rows()).toBe(1);
      const registered = await now();
      await makeJobs(store, experiment, times(1));
      // Events that a stream's reader may still catch up with stay, so there must be very many after it.
      await store.write((tx) => tx.sql.run('update event set id = id - 1000000, at = 5 where id < 3'));
      await store.write((tx) => tx.sql.run('update event_worker set event_id = event_id - 1000000'));
      expect(await store.write((tx) => pruneEvents(tx, 10, 100))).toBeGreaterThan(0);
      expect([await rows(), await history(0)]).toEqual([0, []]);
      await tell('pause');
      expect(await rows()).toBe(2);
      await store.write((tx) => tx.sql.run(`update agent set liveness = 'lost', heard_at = ?`, [registered]));
      expect(await pruneAgents(store, registered + LIMITS.agent_kept_seconds.value * 1000 + 1)).toBe(1);
      expect(await rows()).toBe(0);
    });
  });
}
