// What time makes superfluous goes, and nothing that somebody may still need.
import { describe, expect, it } from 'vitest';

import { finished, job, makeAgent, makeExperiment, makeJobs, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';

import { leaveAgent, listWorkers } from './agents.ts';
import { endLeases } from './end-leases.ts';
import { pruneEvents, pruneTransientEvents } from './events.ts';
import { actOnJobs } from './job-actions.ts';
import { pruneAgents } from './prune-agents.ts';
import { pruneUnused } from './prune-unused.ts';
import type { Store } from './store.ts';

const KEPT_MS = LIMITS.agent_kept_seconds.value * 1000;

export function pruningSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`pruning on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    const now = () => store.write(async (tx) => tx.now);
    const workers = async () => (await listWorkers(store, experiment)).map((worker) => worker.id);

    it('forgets agents that left long ago, and their jobs still name their workers', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], finished: [finished(lease!)] });
      const present = await makeAgent(store, { workers: 1 });
      await present.sync();
      await store.write((tx) => leaveAgent(tx, agent.id, 'first', 'stopped'));
      expect(await pruneAgents(store, await now())).toBe(0);
      expect(await workers()).toHaveLength(2);
      expect(await pruneAgents(store, (await now()) + KEPT_MS + 1_000)).toBe(1);
      expect(await workers()).toEqual([`${present.name}_0`]);
      expect((await job(store, experiment, 1))!.worker_id).toBe(`${agent.name}_0`);
    });

    it('keeps a silent agent that may still bring the end of a lost attempt, and one that holds a lease', async () => {
      await makeJobs(store, experiment, times(2));
      const lost = await makeAgent(store, { workers: 1 });
      await lost.sync();
      const holding = await makeAgent(store, { workers: 1 });
      await holding.sync();
      await store.write(async (tx) => {
        await endLeases(tx, [lost.id], { outcome: 'lost', message: 'not heard of' });
        await tx.sql.run(`update agent set liveness = 'lost'`);
      });
      const later = (await now()) + KEPT_MS + 1_000;
      expect(await pruneAgents(store, later)).toBe(0);
      expect(await pruneAgents(store, (await now()) + LIMITS.undelivered_seconds.value * 1000 + 60_000)).toBe(1);
      expect(await workers()).toEqual([`${holding.name}_0`]);
    });

    it('forgets demands and commands without jobs; those of jobs stay, and a forgotten one is made anew', async () => {
      await makeJobs(store, experiment, times(1), { command: 'kept' });
      await makeJobs(store, experiment, times(1), { command: 'gone', cpus: 7 });
      const all = async () => [
        (await store.sql.all<{ cpus: number }>('select cpus from demand order by id')).map((row) => Number(row.cpus)),
        (await store.sql.all<{ template: string }>('select template from command order by id')).map((row) => row.template),
      ];
      expect(await pruneUnused(store, 'demand')).toBe(0);
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 2, to: 2 }] }, { action: 'delete', force: false, priority: 0, actor: 'test' }));
      expect([await pruneUnused(store, 'demand'), await pruneUnused(store, 'command')]).toEqual([1, 1]);
      expect(await all()).toEqual([[0], ['kept']]);
      await makeJobs(store, experiment, times(1), { command: 'gone', cpus: 7 });
      expect(await all()).toEqual([
        [0, 7],
        ['kept', 'gone'],
      ]);
      const agent = await makeAgent(store, { workers: 4 });
      expect((await agent.sync()).leases.map((lease) => lease.number)).toEqual([1, 3]);
    });

    it('removes transient events piece by piece until none is old, however many came', async () => {
      const tell = (kind: 'logs_appended' | 'jobs_held') =>
        store.write(async (tx) => {
          for (let count = 0; count < 50; count += 1) tx.event({ kind, experiment_id: experiment, actor: 'test', numbers: [1] });
        });
      for (const kind of ['logs_appended', 'jobs_held', 'logs_appended'] as const) await tell(kind);
      const shift = LIMITS.transient_event_seconds.value * 1000 + 1_000;
      await store.write((tx) => tx.sql.run('update event set at = at - ?', [shift]));
      await tell('logs_appended');
      let rounds = 0;
      for (let more = true; more; rounds += 1) more = await store.write((tx) => pruneTransientEvents(tx, 20));
      expect(rounds).toBeGreaterThan(5);
      const kinds = await store.sql.all<{ kind: string; n: number }>(
        `select kind, count(*) as n from event where kind in ('logs_appended', 'jobs_held') group by kind order by kind`,
      );
      expect(kinds.map((row) => [row.kind, Number(row.n)])).toEqual([
        ['jobs_held', 50],
        ['logs_appended', 50],
      ]);
    });

    it('removes old events up to those that a reader may catch up with, as many at once as it is told', async () => {
      const many = LIMITS.stream_events.value + 95;
      await store.write(async (tx) => {
        for (let count = 0; count < many; count += 1) tx.event({ kind: 'jobs_held', experiment_id: experiment, actor: 'test', numbers: [1] });
      });
      const [total] = await store.sql.all<{ n: number }>('select count(*) as n from event');
      const beyond = Number(total!.n) - LIMITS.stream_events.value;
      const prune = () => store.write((tx) => pruneEvents(tx, tx.now + 1_000, 60));
      expect([await prune(), await prune(), await prune()]).toEqual([60, beyond - 60, 0]);
    });
  });
}
