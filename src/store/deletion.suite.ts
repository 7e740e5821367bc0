// What every engine must tell an agent that comes back with an attempt of a job that was deleted while it was away.
import { describe, expect, it } from 'vitest';

import { finished, job, makeAgent, makeExperiment, makeJobs, running, sweptJustNow, type TestAgent, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { findDeletedAttempts, forgetDeletedJobs } from './deletions.ts';
import { deleteExperiment } from './experiments.ts';
import { actOnJobs } from './job-actions.ts';
import { leaseToken, newNonce } from './lease-token.ts';
import { purgeSome } from './purge-experiment.ts';
import type { Store } from './store.ts';
import { sweepLiveness } from './sweep.ts';
import type { GrantedLease } from './sync-session.ts';

const remove = { action: 'delete', force: false, priority: 0, actor: 'test' } as const;

export function deletionSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`deleted jobs on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    /** An agent that started a job, was silent for too long, and whose job waits again. */
    const lostJob = async (): Promise<{ agent: TestAgent; lease: GrantedLease }> => {
      await makeJobs(store, experiment, times(3));
      const agent = await makeAgent(store, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      await store.write((tx) => sweepLiveness(tx, null));
      await store.write((tx) => tx.sql.run('update agent set term_started_at = 1'));
      await store.write((tx) => sweepLiveness(tx, sweptJustNow(tx)));
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', outcome: 'lost' });
      return { agent, lease: lease! };
    };
    const deleteFirst = (): Promise<unknown> => store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 1, to: 1 }] }, remove));
    const purge = async (): Promise<void> => {
      while ((await store.write((tx) => purgeSome(tx, 2))) !== null);
    };

    it('revokes what still runs, and wants no end of it', async () => {
      const { agent, lease } = await lostJob();
      await deleteFirst();
      expect(await agent.sync({ free_slots: [], running: [running(lease)] })).toMatchObject({ revoked: [{ attempt: 1, reason: 'deleted' }], unknown: [] });
      const ended = await agent.sync({ free_slots: [], finished: [finished(lease, 'cancelled')] });
      expect(ended).toMatchObject({ revoked: [{ attempt: 1, reason: 'deleted' }], unknown: [], settled: [] });
    });

    it('does so for a whole experiment, before its rows are removed and after', async () => {
      const { agent, lease } = await lostJob();
      await store.write((tx) => deleteExperiment(tx, experiment, 'test'));
      expect(await agent.sync({ free_slots: [], running: [running(lease)] })).toMatchObject({ revoked: [{ reason: 'deleted' }], unknown: [] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending' });
      await purge();
      expect(await store.sql.all('select 1 from job')).toEqual([]);
      expect(await agent.sync({ free_slots: [], running: [running(lease)] })).toMatchObject({ revoked: [{ reason: 'deleted' }], unknown: [] });
      expect(await agent.sync({ free_slots: [], finished: [finished(lease)] })).toMatchObject({ revoked: [{ reason: 'deleted' }], unknown: [] });
    });

    it('tells a deleted job from one that the record never had: that one is kept', async () => {
      const { agent, lease } = await lostJob();
      const { created_at } = await job(store, experiment, 1);
      await deleteFirst();
      const attemptOf = (job_id: number, made: number) => ({
        ...{ job_id, attempt: 1, rank: 0 },
        token: leaseToken(store.key, { job_id, created_at: made, attempt: 1, rank: 0 }, newNonce(store.key)),
      });
      // The same id in a past that a restore undid; an id beyond all; the deleted one itself, with a token of another store.
      const strangers = [attemptOf(lease.job_id, created_at + 60_000), attemptOf(lease.job_id + 50, created_at), { ...lease, token: `${'x'.repeat(28)}` }];
      for (const stranger of strangers) {
        const report = { ...running(lease), ...stranger };
        expect(await agent.sync({ free_slots: [], running: [report] })).toMatchObject({ revoked: [], unknown: [{ job_id: stranger.job_id }] });
        const end = { ...finished(lease), ...stranger };
        expect(await agent.sync({ free_slots: [], finished: [end] })).toMatchObject({ revoked: [], unknown: [{ job_id: stranger.job_id }] });
      }
      // An attempt that a restored backup forgot, of a job that was then deleted: that was somebody's wish.
      const forgotten = { ...attemptOf(lease.job_id, created_at), attempt: 7 };
      const token = leaseToken(store.key, { job_id: lease.job_id, created_at, attempt: 7, rank: 0 }, newNonce(store.key));
      expect(await store.write((tx) => findDeletedAttempts(tx, store.key, [{ ...forgotten, token }]))).toEqual(new Set([`${lease.job_id}.7.0`]));
    });

    it('says nothing of jobs that exist, whatever was deleted around them', async () => {
      const { agent, lease } = await lostJob();
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 2, to: 3 }] }, remove));
      await store.write((tx) => tx.sql.run('update deleted_job set first_id = 0'));
      const answer = await agent.sync({ free_slots: [], running: [running(lease)] });
      expect(answer).toMatchObject({ revoked: [], unknown: [] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'running' });
    });

    it('forgets after more than a year', async () => {
      const { lease } = await lostJob();
      await deleteFirst();
      const found = (): Promise<Set<string>> => store.write((tx) => findDeletedAttempts(tx, store.key, [lease]));
      await store.write(forgetDeletedJobs);
      expect((await found()).size).toBe(1);
      await store.write((tx) => tx.sql.run('update deleted_job set deleted_at = deleted_at - ?', [401 * 86_400_000]));
      await store.write(forgetDeletedJobs);
      expect((await found()).size).toBe(0);
    });
  });
}
