// Jobs that agents ask for before a slot is free. Exported as a function, so that the same sentences hold on SQLite and PostgreSQL.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { manualClock } from '../../test/support/manual-clock.ts';
import { counts, finished, makeAgent, makeExperiment, makeJobs, running, syncTogether, times } from '../../test/support/queue.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { commandWorkers, listWorkers } from './agents.ts';
import { listExperiments } from './experiments.ts';
import type { Store } from './store.ts';

export function aheadSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`jobs ahead on ${name}`, () => {
    let maker: StoreMaker | null;
    let store: Store;
    let experiment: number;

    beforeAll(async () => {
      maker = await make();
    });
    afterAll(async () => {
      await maker?.close();
    });
    beforeEach(async (context) => {
      if (maker === null) return context.skip();
      store = await maker.open(manualClock());
      experiment = await makeExperiment(store);
    });

    it('gives jobs ahead to busy slots, after all free slots have theirs; a worker shows the job that runs', async () => {
      await makeJobs(store, experiment, times(5));
      const [busy, idle] = [await makeAgent(store, { workers: 2 }), await makeAgent(store, { workers: 1 })];
      const { leases } = await busy.sync({ free_slots: [0] });
      const [first, second] = await syncTogether(store, [
        await busy.compose({ free_slots: [1], ahead_slots: [0, 1, 0], running: [running(leases[0]!)] }),
        await idle.compose({}),
      ]);
      const slots = (result: typeof first) => (typeof result === 'object' ? result.leases.map(({ number, slot }) => [number, slot]) : result);
      expect([slots(first), slots(second)]).toEqual([
        [
          [2, 1],
          [4, 0],
          [5, 1],
        ],
        [[3, 0]],
      ]);
      expect((await listWorkers(store, experiment)).map(({ slot, job_number }) => [slot, job_number])).toEqual([
        [0, 1],
        [1, 2],
        [0, 3],
      ]);
      // What waits behind a running job is no worker.
      const other = await makeExperiment(store, 'other');
      const told = await listExperiments(store, [experiment, other]);
      expect(told.map(({ workers }) => workers)).toEqual([
        { idle: 0, busy: 3 },
        { idle: 0, busy: 3 },
      ]);
      const { kept, counted } = await counts(store, experiment);
      expect(kept).toEqual(counted);
    });

    it('gives nothing ahead that the machine has no room for, nor to a worker that is told to pause', async () => {
      await makeJobs(store, experiment, times(3), { cpus: 1 });
      const agent = await makeAgent(store, { workers: 2, total: { cpus: 2, memory_bytes: 1e9, gpus: 0 } });
      const { leases } = await agent.sync({ free_slots: [0], ahead_slots: [0, 0] });
      expect(leases.map(({ number, slot }) => [number, slot])).toEqual([
        [1, 0],
        [2, 0],
      ]);
      await store.write((tx) =>
        commandWorkers(tx, { id: experiment, name: 'digits' }, { state: 'pause', selection: {}, dry_run: false, actor: 'test', may_operate: null }),
      );
      const ends = leases.map((lease) => finished(lease));
      expect((await agent.sync({ free_slots: [0], ahead_slots: [0, 1], finished: ends })).leases).toEqual([]);
    });
  });
}
