// What every engine must do when its record is older than what its agents know: it was restored from a backup.
import { describe, expect, it } from 'vitest';

import { countersAreRight, finished, job, makeAgent, makeExperiment, makeJobs, PLENTY, running, syncTogether, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import type { DesiredState } from '../core/worker.ts';

import { commandWorkers, listWorkers, updateAgent } from './agents.ts';
import { listAttempts } from './attempts.ts';
import { jobHistory } from './events.ts';
import { leaseToken, newNonce } from './lease-token.ts';
import type { Store } from './store.ts';
import type { SyncMessage } from './sync-session.ts';

export function restoreSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`restored record on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    const expectCountersRight = (): Promise<void> => countersAreRight(store, experiment);

    it('takes attempts into the record that a restored backup does not know', async () => {
      const [number] = await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const record = await job(store, experiment, number!);
      const token = leaseToken(store.key, { job_id: record.id, created_at: record.created_at, attempt: 1, rank: 0 }, newNonce(store.key));
      const report = { job_id: record.id, attempt: 1, rank: 0, token, slot: 0, started_at: null };
      const answer = await agent.sync({ free_slots: [], running: [report] });
      expect(answer).toMatchObject({ revoked: [], unknown: [] });
      expect(await job(store, experiment, number!)).toMatchObject({ status: 'running', attempts: 1 });
      await expectCountersRight();
    });

    it('adopts a newer attempt of a job that the backup leases to the same agent, and goes on answering it', async () => {
      const [number] = await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      const record = await job(store, experiment, number!);
      const token = leaseToken(store.key, { job_id: record.id, created_at: record.created_at, attempt: 2, rank: 0 }, newNonce(store.key));
      const newer = { job_id: record.id, attempt: 2, rank: 0, token, slot: 0, started_at: null };
      expect(await agent.sync({ free_slots: [], running: [newer] })).toMatchObject({ revoked: [], unknown: [] });
      expect(await job(store, experiment, number!)).toMatchObject({ status: 'running', attempts: 2 });
      await agent.sync({ free_slots: [], finished: [{ ...finished(lease!), attempt: 2, token }] });
      expect(await job(store, experiment, number!)).toMatchObject({ status: 'done' });
      await expectCountersRight();
    });

    it('says of an execution that it forgot how it ended, and not of the attempt that has its number', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      const record = await job(store, experiment, 1);
      const nonce = newNonce(store.key);
      const token = leaseToken(store.key, { job_id: record.id, created_at: record.created_at, attempt: 1, rank: 0 }, nonce);
      const forgotten = { ...finished(lease!), token };
      const name = { job_id: record.id, attempt: 1, rank: 0 };
      const told = { free_slots: [], running: [running(lease!)], finished: [forgotten] };
      for (const _ of times(2)) expect((await agent.sync(told)).settled).toEqual([{ ...name, result: 'evidence' }]);
      expect(await listAttempts(store, record.id)).toMatchObject([{ attempt: 1, outcome: null, late_outcome: null }]);
      const events = await jobHistory(store, { experiment_id: experiment, before: Number.MAX_SAFE_INTEGER, limit: 20 }, 1);
      const ends = events.filter(({ kind }) => kind === 'attempt_forgotten');
      expect(ends.map(({ actor, data_json }) => [actor, JSON.parse(data_json)])).toEqual([
        [`agent:${agent.name}`, { attempt: 1, execution: nonce, outcome: 'succeeded', exit_code: 0, message: null }],
      ]);
      await agent.sync({ free_slots: [], finished: [finished(lease!)] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done' });
      await expectCountersRight();
    });

    /** An execution that the record has forgotten, as its agent tells of it. */
    const forgottenLease = async (attempt: number) => {
      const { id, created_at } = await job(store, experiment, 1);
      return { job_id: id, attempt, rank: 0, slot: 0, token: leaseToken(store.key, { job_id: id, created_at, attempt, rank: 0 }, newNonce(store.key)) };
    };
    const two = async () => [await makeAgent(store), await makeAgent(store)] as const;
    const none = { free_slots: [] };
    const outcomes = async () => (await listAttempts(store, (await job(store, experiment, 1)).id)).map(({ attempt, outcome }) => [attempt, outcome]);

    it('takes one of two executions that it forgot, of one attempt, when both are told of at once', async () => {
      await makeJobs(store, experiment, times(1));
      const [one, other] = await two();
      const [first, second] = [await forgottenLease(1), await forgottenLease(1)];
      const told = [await one.compose({ ...none, running: [running(first)] }), await other.compose({ ...none, running: [running(second)] })];
      const answers = await syncTogether(store, told);
      expect(answers).toMatchObject([{ revoked: [] }, { revoked: [{ attempt: 1, reason: 'superseded' }] }]);
      const ends = [await other.compose({ ...none, finished: [finished(second)] }), await one.compose({ ...none, finished: [finished(first)] })];
      expect(await syncTogether(store, ends)).toMatchObject([{ settled: [{ result: 'evidence' }] }, { settled: [{ result: 'recorded' }] }]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done', attempts: 1 });
      await expectCountersRight();
    });

    it('records one of two ends of one attempt that it forgot, and the other in the history', async () => {
      await makeJobs(store, experiment, times(1));
      const [one, other] = await two();
      const told = [
        await one.compose({ ...none, finished: [finished(await forgottenLease(1))] }),
        await other.compose({ ...none, finished: [finished(await forgottenLease(1), 'failed')] }),
      ];
      expect(await syncTogether(store, told)).toMatchObject([{ settled: [{ result: 'recorded' }] }, { settled: [{ result: 'evidence' }] }]);
      expect(await outcomes()).toEqual([[1, 'succeeded']]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done' });
      const events = await jobHistory(store, { experiment_id: experiment, before: Number.MAX_SAFE_INTEGER, limit: 20 }, 1);
      expect(events.filter(({ kind }) => kind === 'attempt_forgotten')).toHaveLength(1);
      await expectCountersRight();
    });

    it('lets the newest of several attempts that it forgot be the running one', async () => {
      await makeJobs(store, experiment, times(1));
      const [one, other] = await two();
      const [older, newer] = [await forgottenLease(2), await forgottenLease(3)];
      const told = [await one.compose({ ...none, running: [running(older)] }), await other.compose({ ...none, running: [running(newer)] })];
      await syncTogether(store, told);
      expect(await outcomes()).toEqual([
        [2, 'lost'],
        [3, null],
      ]);
      expect((await one.sync({ ...none, running: [running(older)] })).revoked).toMatchObject([{ attempt: 2, reason: 'superseded' }]);
      await other.sync({ ...none, finished: [finished(newer)] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done', attempts: 3 });
      await expectCountersRight();
    });

    it('ends a job once when the attempt on record and a newer one that it forgot end at once', async () => {
      await makeJobs(store, experiment, times(1));
      const [one, other] = await two();
      const [lease] = (await one.sync()).leases;
      const told = [
        await one.compose({ ...none, finished: [finished(lease!, 'failed')] }),
        await other.compose({ ...none, finished: [finished(await forgottenLease(2))] }),
      ];
      expect(await syncTogether(store, told)).toMatchObject([{ settled: [{ result: 'evidence' }] }, { settled: [{ result: 'recorded' }] }]);
      expect(await outcomes()).toEqual([
        [1, 'lost'],
        [2, 'succeeded'],
      ]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done', attempts: 2 });
      await expectCountersRight();
    });

    const tell = (state: DesiredState) =>
      store.write((tx) => commandWorkers(tx, { id: experiment, name: 'tune' }, { state, selection: {}, dry_run: false, actor: 'test', may_operate: null }));
    const states = async () => (await listWorkers(store, experiment)).map(({ desired_state }) => desired_state);

    it('learns of a command that it forgot, so that it is seen and can be undone', async () => {
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store, { workers: 2 });
      const paused = [{ slot: 0, applied_version: 1, state: 'pause' as const }];
      const answer = await agent.sync({ free_slots: [1], workers: paused });
      expect(answer.workers).toEqual([]);
      expect(answer.leases.map(({ slot }) => slot)).toEqual([1]);
      expect(await states()).toEqual(['pause', 'run']);
      expect(await tell('run')).toMatchObject({ changed: [`${agent.name}_0`] });
      const told = await agent.sync({ free_slots: [], running: answer.leases.map((lease) => running(lease)), workers: paused });
      expect(told.workers).toMatchObject([{ slot: 0, desired_state: 'run', desired_version: 2 }]);
      const after = { running: answer.leases.map((lease) => running(lease)), workers: [{ slot: 0, applied_version: 2, state: 'run' as const }] };
      expect((await agent.sync({ ...after, free_slots: [0] })).leases.map(({ slot }) => slot)).toEqual([0]);
    });

    it('gives a command again whose number the forgotten time has used up', async () => {
      const agent = await makeAgent(store, { workers: 1 });
      await tell('drain');
      const { workers } = await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 3, state: 'pause' }] });
      expect(workers).toMatchObject([{ slot: 0, desired_state: 'drain', desired_version: 4 }]);
      await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 4, state: 'drain' }] });
      expect(await listWorkers(store, experiment)).toMatchObject([{ desired_state: 'drain', desired_version: 4, applied_version: 4 }]);
    });

    it('tells workers that went on what it has on record since it began anew for them', async () => {
      const agent = await makeAgent(store, { workers: 1 });
      await tell('pause');
      await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 1, state: 'pause' }] });
      const facts = {
        ...{ workers: 1, drives: [], machine_class: null, has_script: false, total: PLENTY },
        ...{ version: '0.1.0', process_id: 1, platform: 'test' },
      };
      await store.write((tx) => updateAgent(tx, agent.id, facts));
      expect(await states()).toEqual(['run']);
      const [told] = (await agent.sync({ free_slots: [], workers: [{ slot: 0, applied_version: 1, state: 'pause' }] })).workers;
      expect(told).toMatchObject({ desired_state: 'run' });
      expect(told!.desired_version).toBeGreaterThan(1);
    });

    it('does not believe a position that no store could have reached', async () => {
      const agent = await makeAgent(store);
      await agent.sync({ store_id: store.id, store_position: Number.MAX_SAFE_INTEGER });
      expect((await agent.sync()).position).toBeLessThan(1_000_000);
      await makeJobs(store, experiment, times(1));
    });

    it('notices by an agent that it was restored, and never gives out ids that it forgot', async () => {
      const agent = await makeAgent(store);
      const message: Partial<SyncMessage> = { store_id: store.id, store_position: 5_000 };
      await agent.sync(message);
      await makeJobs(store, experiment, times(1));
      const record = await job(store, experiment, 1);
      expect(record.id).toBeGreaterThan(1_000_000);
      expect((await agent.sync()).position).toBeGreaterThanOrEqual(5_000);
    });
  });
}
