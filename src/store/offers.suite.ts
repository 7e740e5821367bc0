// What every engine must do with a lease that its agent does not list: offered again, released, or lost.
import { describe, expect, it } from 'vitest';

import type { ManualClock } from '../../test/support/manual-clock.ts';
import { countersAreRight, job, makeAgent, makeExperiment, makeJobs, times } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { storeArtifact } from './artifacts.ts';
import { listAttempts } from './attempts.ts';
import { appendLogs } from './logs.ts';
import { appendMetrics } from './metrics.ts';
import type { Store } from './store.ts';
import type { GrantedLease } from './sync-session.ts';
import type { Transaction } from './writer.ts';

export function offersSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`offers of leases on ${name}`, () => {
    let store: Store;
    let clock: ManualClock;
    let experiment: number;

    storePerTest(make, async (opened, time) => {
      store = opened;
      clock = time;
      experiment = await makeExperiment(store);
    });

    const expectCountersRight = (): Promise<void> => countersAreRight(store, experiment);

    it('offers a lease again whose reply was lost: same attempt, same token; then releases it', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      const again = await agent.sync();
      expect(again.leases).toMatchObject([{ number: 1, attempt: 1, token: lease!.token }]);
      if (store.dialect === 'postgres') return;
      clock.advance(31_000);
      const released = await agent.sync({ free_slots: [] });
      expect(released.leases).toEqual([]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', outcome: 'released' });
      await expectCountersRight();
    });

    it('does not offer to a new process of the agent what an earlier one was given: that one may have begun it', async () => {
      await makeJobs(store, experiment, times(1));
      const agent = await makeAgent(store, { workers: 1 });
      const [before] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], incarnation: 'second' });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', outcome: 'released' });
      const [after] = (await agent.sync({ incarnation: 'second' })).leases;
      expect(after).toMatchObject({ number: 1, attempt: 2 });
      expect(await listAttempts(store, before!.job_id)).toMatchObject([
        { attempt: 1, outcome: 'released' },
        { attempt: 2, outcome: null },
      ]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'running', attempts: 2, losses: 0 });
      await expectCountersRight();
    });

    const nameOf = (lease: GrantedLease) => ({ job_id: lease.job_id, attempt: lease.attempt, rank: lease.rank, token: lease.token });
    const outputs: Record<string, (tx: Transaction, lease: GrantedLease) => Promise<unknown>> = {
      logs: (tx, lease) => {
        const piece = { ...nameOf(lease), stream: 'stdout' as const, offset: 0, at: tx.now, content: Buffer.from('first ') };
        return appendLogs(tx, store, { agent_id: 1, sent_at: tx.now, pieces: [piece] });
      },
      metrics: (tx, lease) =>
        appendMetrics(tx, store, { agent_id: 1, sent_at: tx.now, batches: [{ ...nameOf(lease), from: 0, to: 9, points: [], progress: null }] }),
      'a file': (tx, lease) => {
        const blob = { key: `ab/${'0'.repeat(30)}`, size_bytes: 5, sha256: 'hash' };
        return storeArtifact(tx, store.key, { owner: nameOf(lease), kind: 'artifact', name: 'model.bin', blob, upload_key: 'first', actor: 'test' });
      },
    };
    it.each(Object.entries(outputs))('does not offer a lease again that brought %s: an agent that does not know it has lost its job', async (_, deliver) => {
      await makeJobs(store, experiment, times(2));
      const agent = await makeAgent(store, { workers: 2 });
      const { leases } = await agent.sync();
      await store.write((tx) => deliver(tx, leases[0]!));
      expect((await agent.sync({ free_slots: [] })).leases).toMatchObject([{ number: 2, attempt: 1, token: leases[1]!.token }]);
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending', outcome: 'lost', losses: 1 });
      expect((await agent.sync({ free_slots: [0] })).leases).toMatchObject([{ number: 2 }, { number: 1, attempt: 2 }]);
      await expectCountersRight();
    });
  });
}
