// What every engine must do with the queue. Exported as a function, so that the same sentences hold on SQLite and PostgreSQL.
import { describe, expect, it } from 'vitest';

import {
  countersAreRight,
  counts,
  finished,
  job,
  makeAgent,
  makeExperiment,
  makeJobs,
  running,
  sweptJustNow,
  syncTogether,
  TEMPLATE,
  times,
} from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { leaveAgent, listWorkers } from './agents.ts';
import { changeExperiment } from './experiments.ts';
import { replaceSome, startReplacement } from './delete-jobs.ts';
import { actOnJobs } from './job-actions.ts';
import { editJob } from './job-edit.ts';
import { createMatrix, expandNextChunk } from './matrices.ts';
import type { Store } from './store.ts';
import { readyDelayed, sweepLiveness } from './sweep.ts';

const act = { force: false, priority: 0, actor: 'test' };

export function queueSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`queue on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerTest(make, async (opened) => {
      store = opened;
      experiment = await makeExperiment(store);
    });

    const expectCountersRight = (): Promise<void> => countersAreRight(store, experiment);

    it('hands out by priority, then by age, to as many slots as are free', async () => {
      await makeJobs(store, experiment, times(3));
      await makeJobs(store, experiment, times(1), { priority: 5 });
      const agent = await makeAgent(store, { workers: 3 });
      const { leases } = await agent.sync();
      expect(leases.map((lease) => lease.number)).toEqual([4, 1, 2]);
      expect(leases.map((lease) => lease.slot)).toEqual([0, 1, 2]);
      expect((await agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)) })).leases).toEqual([]);
      await expectCountersRight();
    });

    it('records an end once, however often it is told', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      const first = await agent.sync({ finished: [finished(lease!)] });
      expect(first.settled).toMatchObject([{ result: 'recorded' }]);
      const again = await agent.sync({ finished: [finished(lease!)] });
      expect(again.settled).toMatchObject([{ result: 'repeated' }]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done', outcome: 'succeeded', duration_ms: 1_000, attempts: 1 });
      await expectCountersRight();
    });

    it('takes the end of one job and gives out the next in the same sync', async () => {
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      const answer = await agent.sync({ finished: [finished(lease!)] });
      expect(answer.leases.map((one) => one.number)).toEqual([2]);
    });

    it('never gives one job to two agents, even when they ask in one transaction', async () => {
      await makeJobs(store, experiment, times(5));
      const all = await Promise.all(Array.from({ length: 4 }, () => makeAgent(store, { workers: 3 })));
      const answers = await Promise.all(all.map((agent) => agent.sync()));
      const numbers = answers.flatMap((answer) => answer.leases.map((lease) => lease.number));
      expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
      await expectCountersRight();
    });

    it('refuses a sync that it has seen, or that is older', async () => {
      const agent = await makeAgent(store);
      await agent.sync({ sync_seq: 7 });
      expect(await agent.send({ sync_seq: 7 })).toBe('stale');
      expect(await agent.send({ sync_seq: 3 })).toBe('stale');
    });

    it('records the ends that several agents tell together, each under the name of its agent', async () => {
      await makeJobs(store, experiment, times(2));
      const [first, second] = [await makeAgent(store, { workers: 1 }), await makeAgent(store, { workers: 1 })];
      const leases = [...(await first.sync()).leases, ...(await second.sync()).leases];
      const messages = await Promise.all([first, second].map((agent, index) => agent.compose({ free_slots: [], finished: [finished(leases[index]!)] })));
      expect(await syncTogether(store, messages)).toMatchObject([{ settled: [{ result: 'recorded' }] }, { settled: [{ result: 'recorded' }] }]);
      const told = await store.sql.all(`select actor, jobs from event where kind = 'jobs_finished' order by id`);
      expect(told).toEqual([first, second].map((agent, index) => ({ actor: `agent:${agent.name}`, jobs: String(leases[index]!.number) })));
      await expectCountersRight();
    });

    it('judges two ends of one job that arrive together one after the other', async () => {
      await makeJobs(store, experiment, times(1));
      const [holder, copy] = [await makeAgent(store, { workers: 1 }), await makeAgent(store, { workers: 1 })];
      const [lease] = (await holder.sync()).leases;
      const messages = [
        await holder.compose({ free_slots: [], finished: [finished(lease!, 'released')] }),
        await copy.compose({ free_slots: [], finished: [finished(lease!, 'succeeded')] }),
      ];
      expect(await syncTogether(store, messages)).toMatchObject([{ settled: [{ result: 'recorded' }] }, { settled: [{ result: 'recorded' }] }]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done', outcome: 'succeeded' });
      await expectCountersRight();
    });

    it('calls a job lost that its agent had and no longer has', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      await agent.sync({ free_slots: [], running: [] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', outcome: 'lost', losses: 1 });
    });

    it('retries a failure after a delay, as often as the policy says, then aborts', async () => {
      await store.write((tx) => changeExperiment(tx, experiment, { settings: { max_attempts: 2, backoff_base_seconds: 10 } }, 'test'));
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      const answer = await agent.sync({ finished: [finished(lease!, 'failed')] });
      expect(answer.leases).toEqual([]);
      const waiting = await job(store, experiment, 1);
      expect(waiting).toMatchObject({ status: 'pending', failures: 1 });
      expect(waiting.not_before).not.toBeNull();
      expect(await store.sql.all('select retry_at from attempt')).toEqual([{ retry_at: waiting.not_before }]);
      expect((await agent.sync()).leases).toEqual([]);
      await store.sql.all('select 1');
      await store.write((tx) => tx.sql.run('update job set not_before = 1'));
      await store.write(readyDelayed);
      const [second] = (await agent.sync()).leases;
      expect(second).toMatchObject({ number: 1, attempt: 2 });
      await agent.sync({ finished: [finished(second!, 'timed_out')] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'aborted', outcome: 'timed_out', failures: 2 });
      // Each attempt keeps why the next one came when it did.
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 1, to: 1 }] }, { action: 'requeue', force: false, priority: 0, actor: 'test' }));
      const waits = await store.sql.all<Record<string, number | null>>('select retry_at, requeued_at from attempt order by attempt');
      expect(waits.map(({ retry_at, requeued_at }) => [retry_at !== null, requeued_at !== null].join())).toEqual(['true,false', 'false,true']);
      await expectCountersRight();
    });

    it('takes back a lost attempt that returns still running', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      await store.write((tx) => tx.sql.run('update agent set term_started_at = 1'));
      await store.write((tx) => sweepLiveness(tx, null).then(() => tx.sql.run('update agent set term_started_at = 1')));
      await store.write((tx) => sweepLiveness(tx, sweptJustNow(tx)));
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', outcome: 'lost' });
      const answer = await agent.sync({ free_slots: [], running: [running(lease!)] });
      expect(answer.revoked).toEqual([]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'running', attempts: 1 });
      await agent.sync({ finished: [finished(lease!)] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done' });
      await expectCountersRight();
    });

    it('revokes a lost attempt that returns after somebody else claimed the job, and keeps its success as evidence', async () => {
      await makeJobs(store, experiment, times(1));
      const [slow, quick] = [await makeAgent(store), await makeAgent(store)];
      const [lease] = (await slow.sync()).leases;
      await slow.sync({ free_slots: [], running: [running(lease!)] });
      await slow.sync({ free_slots: [], running: [] });
      const [second] = (await quick.sync()).leases;
      expect(second).toMatchObject({ number: 1, attempt: 2 });
      const answer = await slow.sync({ free_slots: [], running: [running(lease!)] });
      expect(answer.revoked).toMatchObject([{ attempt: 1, reason: 'superseded' }]);
      const late = await slow.sync({ free_slots: [], finished: [finished(lease!)] });
      expect(late.settled).toMatchObject([{ result: 'evidence' }]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'running', attempts: 2 });
      await quick.sync({ finished: [finished(second!, 'failed')] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'aborted', outcome: 'failed' });
      const [row] = await store.sql.all<{ late_outcome: string }>('select late_outcome from attempt where attempt = 1');
      expect(row!.late_outcome).toBe('succeeded');
    });

    it('accepts a late success if nobody claimed or edited the job since, and not if somebody did', async () => {
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store);
      const leases = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)) });
      await agent.sync({ free_slots: [], running: [] });
      await store.write((tx) => editJob(tx, { experiment_id: experiment, number: 2 }, { params: { index: 99 } }, 'test'));
      const answer = await agent.sync({ free_slots: [], finished: leases.map((lease) => finished(lease)) });
      expect(answer.settled.map((one) => one.result)).toEqual(['recorded', 'evidence']);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done', outcome: 'succeeded' });
      expect(await job(store, experiment, 2)).toMatchObject({ status: 'pending', params: { index: 99 } });
      await expectCountersRight();
    });

    it('believes nothing that comes with a wrong token', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      const forged = { ...lease!, token: `${lease!.token.slice(0, -1)}${lease!.token.endsWith('A') ? 'B' : 'A'}` };
      const answer = await agent.sync({ free_slots: [], running: [running(lease!)], finished: [finished(forged)] });
      expect(answer.settled).toEqual([]);
      expect(answer.unknown).toMatchObject([{ attempt: 1 }]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'running' });
    });

    it('cancels: a pending job at once, a running one when its agent confirms, and a success that comes first wins', async () => {
      await makeJobs(store, experiment, times(3));
      const agent = await makeAgent(store, { workers: 2 });
      const leases = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)) });
      await store.write((tx) => actOnJobs(tx, experiment, {}, { ...act, action: 'cancel' }));
      expect(await job(store, experiment, 3)).toMatchObject({ status: 'aborted' });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'running' });
      const told = await agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)) });
      expect(told.revoked.map((one) => one.reason)).toEqual(['cancelled', 'cancelled']);
      await agent.sync({ free_slots: [], finished: [finished(leases[0]!), finished(leases[1]!, 'cancelled')] });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done' });
      expect(await job(store, experiment, 2)).toMatchObject({ status: 'aborted', outcome: 'cancelled' });
      await expectCountersRight();
    });

    it('leaves a job that ended as it is, whatever is asked of it', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ finished: [finished(lease!)] });
      for (const action of ['cancel', 'hold', 'unhold', 'delete', 'set_priority'] as const) {
        const result = await store.write((tx) => actOnJobs(tx, experiment, {}, { ...act, action }));
        expect(result.changed).toEqual([]);
      }
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'done' });
    });

    it('keeps a held job from being claimed, and its place in the queue', async () => {
      await makeJobs(store, experiment, times(2));
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 1, to: 1 }] }, { ...act, action: 'hold' }));
      const agent = await makeAgent(store, { workers: 1 });
      expect((await agent.sync()).leases.map((lease) => lease.number)).toEqual([2]);
      await store.write((tx) => actOnJobs(tx, experiment, {}, { ...act, action: 'unhold' }));
      const other = await makeAgent(store, { workers: 1 });
      expect((await other.sync()).leases.map((lease) => lease.number)).toEqual([1]);
    });

    it('hands out nothing of a held experiment', async () => {
      await makeJobs(store, experiment, times(1));
      await store.write((tx) => changeExperiment(tx, experiment, { held: true }, 'test'));
      const agent = await makeAgent(store);
      expect((await agent.sync()).leases).toEqual([]);
    });

    it('gives jobs of a class and jobs without a command only to agents that fit', async () => {
      await makeJobs(store, experiment, times(1), { machine_class: 'gpu' });
      await makeJobs(store, experiment, times(1), { command: null });
      const plain = await makeAgent(store);
      expect((await plain.sync()).leases).toEqual([]);
      expect((await plain.sync({ has_script: true })).leases.map((lease) => lease.number)).toEqual([2]);
      const gpu = await makeAgent(store, { machine_class: 'gpu' });
      expect((await gpu.sync()).leases.map((lease) => lease.number)).toEqual([1]);
    });

    it('never gives an agent more than its machine has, counting what runs there', async () => {
      const demanding = { cpus: 400, memory_bytes: 0, gpus: 0 };
      await makeJobs(store, experiment, times(4), demanding);
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store, { workers: 8 });
      const { leases } = await agent.sync();
      expect(leases.map((lease) => lease.number)).toEqual([1, 2, 5]);
      const free_slots = [3, 4, 5];
      expect((await agent.sync({ free_slots, running: leases.map((lease) => running(lease)) })).leases).toEqual([]);
      const [first, ...rest] = leases;
      const next = await agent.sync({ free_slots, finished: [finished(first!)], running: rest.map((lease) => running(lease)) });
      expect(next.leases.map((lease) => lease.number)).toEqual([3]);
    });

    it('aborts a job after too many losses in a row', async () => {
      await store.write((tx) => changeExperiment(tx, experiment, { settings: { crash_limit: 2 } }, 'test'));
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      for (let round = 0; round < 2; round += 1) {
        const [lease] = (await agent.sync()).leases;
        await agent.sync({ free_slots: [], running: [running(lease!)] });
        await agent.sync({ free_slots: [], running: [] });
      }
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'aborted', outcome: 'lost' });
    });

    it('gives every live agent a full term after its own absence', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      await store.write((tx) => tx.sql.run('update agent set term_started_at = 1'));
      await store.write((tx) => sweepLiveness(tx, { ...sweptJustNow(tx), idle: 3_600_000 }));
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'running' });
    });

    it('gives back at once what an agent holds that leaves, and shows its workers again when it returns', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      await store.write((tx) => leaveAgent(tx, agent.id, 'first', 'stopped'));
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', outcome: 'released', losses: 0 });
      expect(await listWorkers(store, experiment)).toMatchObject([{ disabled_reason: 'stopped' }]);
      await agent.sync({ free_slots: [] });
      expect(await listWorkers(store, experiment)).toMatchObject([{ disabled_reason: null, liveness: 'alive', left_at: null }]);
      await expectCountersRight();
    });

    it('hears only the newest process of an agent, but records what an older one finished', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store);
      const [lease] = (await agent.sync({ incarnation: 'one' })).leases;
      await agent.sync({ incarnation: 'two', free_slots: [], running: [running(lease!)] });
      const old = await agent.sync({ incarnation: 'one', finished: [finished(lease!)] });
      expect(old).toMatchObject({ superseded: true, leases: [], settled: [{ result: 'recorded' }] });
    });

    it('replaces the jobs that a matrix has still to make, too', async () => {
      const axis = { name: 'a', values: Array.from({ length: 10_001 }, (_, index) => index) };
      await store.write((tx) => createMatrix(tx, { experiment_id: experiment, matrix: [axis], template: TEMPLATE, actor: 'test' }));
      await store.write(expandNextChunk);
      const replacement = await startReplacement(store, experiment, 'test');
      await store.write((tx) => replaceSome(tx, replacement, 10_000));
      expect(await store.write(expandNextChunk)).toBe(false);
      const { kept, counted } = await counts(store, experiment);
      expect([kept, kept['pending']]).toEqual([counted, 0]);
    }, 60_000);

    it('expands a matrix in order, in chunks when it is large', async () => {
      const axis = (name: string, length: number) => ({ name, values: Array.from({ length }, (_, index) => index) });
      const matrix = [axis('a', 120), axis('b', 100)];
      const record = await store.write((tx) => createMatrix(tx, { experiment_id: experiment, matrix, template: TEMPLATE, actor: 'test' }));
      expect(record).toMatchObject({ size: 12_000, expanded: 0, first_number: 1 });
      while (await store.write(expandNextChunk));
      const { kept, counted } = await counts(store, experiment);
      expect(kept).toEqual(counted);
      expect(kept['pending']).toBe(12_000);
      expect(await job(store, experiment, 12_000)).toMatchObject({ params: { a: 119, b: 99 } });
      expect(await job(store, experiment, 101)).toMatchObject({ params: { a: 1, b: 0 } });
    }, 60_000);

    it('rolls back one refused write without touching those that share its commit', async () => {
      const results = await Promise.allSettled([
        makeJobs(store, experiment, times(1)),
        store.write(async (tx) => {
          await tx.sql.run(`insert into setting (key, value) values ('left over', 'x')`);
          throw new Error('refused');
        }),
        makeJobs(store, experiment, times(1)),
      ]);
      expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await store.sql.all(`select 1 from setting where key = 'left over'`)).toEqual([]);
      await expectCountersRight();
    });
  });
}
