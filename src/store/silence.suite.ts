// What every engine must do with agents that fall silent: each experiment says how long it waits for its jobs.
import { describe, expect, it } from 'vitest';

import { counts, finished, job, makeAgent, makeExperiment, makeJobs, running, sweptJustNow, type TestAgent, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { changeExperiment } from './experiments.ts';
import { appendLogs } from './logs.ts';
import type { Store } from './store.ts';
import { sweepLiveness } from './sweep.ts';

export function silenceSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`silent agents on ${name}`, () => {
    let store: Store;

    storePerTest(make, async (opened) => {
      store = opened;
      await store.write((tx) => sweepLiveness(tx, null));
    });

    const silentFor = async (seconds: number): Promise<void> => {
      await store.write((tx) => tx.sql.run('update agent set term_started_at = ?', [tx.now - seconds * 1000]));
      await store.write((tx) => sweepLiveness(tx, sweptJustNow(tx)));
    };
    const livenessOf = async (agent: TestAgent): Promise<string> =>
      (await store.sql.all<{ liveness: string }>('select liveness from agent where id = ?', [agent.id]))[0]!.liveness;
    const holding = async (experiments: readonly number[], serves: number[] | null): Promise<TestAgent> => {
      for (const experiment of experiments) await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store, { experiments: serves });
      const { leases } = await agent.sync();
      expect(leases).toHaveLength(experiments.length);
      await agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)) });
      return agent;
    };

    it('judges by what the experiment is set to now, for agents that were there before', async () => {
      const experiment = await makeExperiment(store);
      const agent = await holding([experiment], [experiment]);
      await silentFor(100);
      expect([await livenessOf(agent), (await job(store, experiment, 1)).status]).toEqual(['suspect', 'running']);
      await store.write((tx) => changeExperiment(tx, experiment, { settings: { lost_after_seconds: 90 } }, 'test'));
      await silentFor(100);
      expect([await livenessOf(agent), (await job(store, experiment, 1)).status]).toEqual(['lost', 'pending']);
    });

    it('waits longer when the experiment is set to that', async () => {
      const experiment = await makeExperiment(store);
      const agent = await holding([experiment], [experiment]);
      await store.write((tx) => changeExperiment(tx, experiment, { settings: { lost_after_seconds: 3_600 } }, 'test'));
      await silentFor(3_000);
      expect([await livenessOf(agent), (await job(store, experiment, 1)).status]).toEqual(['suspect', 'running']);
      await silentFor(3_600);
      expect([await livenessOf(agent), (await job(store, experiment, 1)).status]).toEqual(['lost', 'pending']);
    });

    it.each([['by name', false] as const, ['all there are', true] as const])(
      'lets each experiment decide for its own jobs when an agent serves several, %s',
      async (_how, all) => {
        const quick = await makeExperiment(store, 'quick', { lost_after_seconds: 60 });
        const patient = await makeExperiment(store, 'patient', { lost_after_seconds: 7_200 });
        const agent = await holding([quick, patient], all ? null : [quick, patient]);
        await silentFor(61);
        expect(await job(store, quick, 1)).toMatchObject({ status: 'pending', outcome: 'lost', losses: 1 });
        expect(await job(store, patient, 1)).toMatchObject({ status: 'running' });
        expect(await livenessOf(agent)).toBe('suspect');
        await silentFor(61);
        expect(await job(store, quick, 1)).toMatchObject({ losses: 1 });
        await silentFor(7_200);
        expect(await job(store, patient, 1)).toMatchObject({ status: 'pending', outcome: 'lost' });
        expect(await livenessOf(agent)).toBe('lost');
        for (const experiment of [quick, patient]) {
          const { kept, counted } = await counts(store, experiment);
          expect(kept).toEqual(counted);
        }
      },
    );

    it('says lost and not released of a job that its agent never listed, when output of it came', async () => {
      const experiment = await makeExperiment(store, 'quick', { lost_after_seconds: 60 });
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store);
      const { leases } = await agent.sync();
      const [begun] = leases;
      const { job_id, token } = begun!;
      const piece = { ...{ job_id, attempt: 1, rank: 0, token }, stream: 'stdout', offset: 0, at: 0, content: Buffer.from('it runs') } as const;
      await store.write((tx) => appendLogs(tx, store, { agent_id: agent.id, sent_at: 0, pieces: [piece] }));
      await silentFor(61);
      expect(await job(store, experiment, begun!.number)).toMatchObject({ status: 'pending', outcome: 'lost', losses: 1 });
      expect(await job(store, experiment, leases[1]!.number)).toMatchObject({ status: 'pending', outcome: 'released', losses: 0 });
    });

    it('does not let the patience of others hide that an idle agent for all is gone', async () => {
      await makeExperiment(store, 'patient', { lost_after_seconds: 604_800 });
      const agent = await makeAgent(store);
      await silentFor(601);
      expect(await livenessOf(agent)).toBe('lost');
    });

    it('lets no retry and no offer wait for a clock that was set back', async () => {
      const experiment = await makeExperiment(store, 'tune', { max_attempts: 3, backoff_base_seconds: 10, backoff_cap_seconds: 3_600 });
      await makeJobs(store, experiment, times(3));
      const agent = await makeAgent(store, { experiments: [experiment], workers: 3 });
      const { leases } = await agent.sync();
      await agent.sync({ free_slots: [], finished: [finished(leases[0]!, 'failed'), finished(leases[1]!, 'failed')] });
      const day = 86_400_000;
      const momentOf = async (number: number): Promise<number> => Number((await job(store, experiment, number)).not_before);
      const right = await momentOf(2);
      await store.write((tx) => tx.sql.run('update job set not_before = not_before + ? where number = 1', [day]));
      await store.write((tx) => tx.sql.run('update lease set granted_at = granted_at + ?', [day]));
      await store.write((tx) => sweepLiveness(tx, null));
      const { now, granted } = await store.write(async (tx) => ({
        now: tx.now,
        granted: await tx.sql.all<{ granted_at: number }>('select granted_at from lease'),
      }));
      const left = (await momentOf(1)) - now;
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(10_000);
      expect(await momentOf(2)).toBe(right);
      expect(granted).toHaveLength(1);
      expect(Number(granted[0]!.granted_at)).toBeLessThanOrEqual(now);
    });
  });
}
