// As what attempts were run, on every engine: believed with the token only, kept once, gone with its job.
import { beforeEach, describe, expect, it } from 'vitest';

import { finished, job, makeAgent, makeExperiment, makeJobs, running, type TestAgent, times } from '../../test/support/queue.ts';
import { storePerSuite } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { type ExecutionPlace, findExecution, type ToldExecutions } from './executions.ts';
import { deleteExperiment } from './experiments.ts';
import { actOnJobs } from './job-actions.ts';
import { pruneUnused } from './prune-unused.ts';
import { purgeSome } from './purge-experiment.ts';
import type { Store } from './store.ts';
import type { GrantedLease } from './sync-session.ts';

const PLACE: ExecutionPlace = {
  ...{ host: 'gpunode', user: 'ada', working_directory: '/srv/ada', script: null, interpreter: null, interpreter_version: null },
  ...{ agent_version: '0.1.0', platform: 'linux x64', variables: { PATH: '/usr/bin', JD_SERVER: 'http://lab' } },
};

function told(lease: GrantedLease, over: Partial<ToldExecutions['attempts'][number]> = {}, place = PLACE): ToldExecutions {
  const { job_id, attempt, rank, token } = lease;
  const own = { arguments: ['/bin/sh', '-c', 'echo "\u{1f600}" \u0000'], cut: false, process_id: 4711, variables: { JD_JOB_ID: '1' } };
  return { place, attempts: [{ job_id, attempt, rank, token, ...own, ...over }] };
}

let experiments = 0;

export function executionsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`executions on ${name}`, () => {
    let store: Store;
    let experiment: number;
    let agent: TestAgent;
    let leases: GrantedLease[];

    storePerSuite(make, (opened) => {
      store = opened;
    });
    beforeEach(async () => {
      experiments += 1;
      experiment = await makeExperiment(store, `run-${experiments}`);
      await makeJobs(store, experiment, times(3));
      agent = await makeAgent(store, { experiments: [experiment], workers: 3 });
      ({ leases } = await agent.sync());
    });

    const tell = (...executions: ToldExecutions[]) => agent.sync({ free_slots: [], running: leases.map((lease) => running(lease)), executions });
    const places = async (): Promise<number> => (await store.sql.all('select id from execution_place')).length;

    it('keeps the first telling of each attempt, and each place once', async () => {
      const before = await places();
      const place = { ...PLACE, host: `host-${experiments}` };
      await tell(told(leases[0]!, {}, place), told(leases[1]!, { process_id: null }, place));
      await tell(told(leases[0]!, { arguments: ['other'] }, PLACE), told(leases[2]!, {}, place));
      expect(await findExecution(store, leases[0]!)).toEqual({
        ...place,
        ...{ arguments: ['/bin/sh', '-c', 'echo "\u{1f600}" \u0000'], cut: false, process_id: 4711 },
        variables: { PATH: '/usr/bin', JD_SERVER: 'http://lab', JD_JOB_ID: '1' },
      });
      expect(await findExecution(store, leases[1]!)).toMatchObject({ process_id: null });
      expect(await findExecution(store, { ...leases[1]!, attempt: 2 })).toBeNull();
      expect((await places()) - before).toBeLessThanOrEqual(2);
    });

    it('believes nobody without the token of that attempt, and the telling of the others counts', async () => {
      const stranger = await makeAgent(store, { experiments: [experiment] });
      await stranger.sync({ free_slots: [], executions: [told(leases[0]!, { token: leases[1]!.token }), told(leases[1]!)] });
      expect(await findExecution(store, leases[0]!)).toBeNull();
      // Who has the token speaks for the attempt, as with logs.
      expect(await findExecution(store, leases[1]!)).not.toBeNull();
    });

    it('takes it of an attempt that is over, and with the sync that tells its end', async () => {
      const { job_id, attempt, rank, token } = leases[0]!;
      const end = {
        job_id,
        attempt,
        rank,
        token,
        outcome: 'released',
        exit_code: null,
        signal: null,
        message: null,
        started_at: null,
        duration_ms: 5,
      } as const;
      await agent.sync({
        ...{ free_slots: [], running: leases.slice(1).map((lease) => running(lease)) },
        ...{ finished: [{ ...end, finished_at: '2026-01-01T00:00:01.000Z' }], executions: [told(leases[0]!)] },
      });
      expect(await job(store, experiment, 1)).toMatchObject({ status: 'pending' });
      expect(await findExecution(store, leases[0]!)).not.toBeNull();
      // It goes with its job.
      const request = { action: 'delete', force: false, priority: 0, actor: 'test' } as const;
      await store.write((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 1, to: 1 }] }, request));
      expect(await findExecution(store, leases[0]!)).toBeNull();
    });

    it('forgets with a deleted experiment, and places that nothing names any more', async () => {
      const place = { ...PLACE, host: `gone-${experiments}` };
      await tell(told(leases[0]!, {}, place));
      await agent.sync({ free_slots: [], finished: leases.map((lease) => finished(lease)) });
      await store.write((tx) => deleteExperiment(tx, experiment, 'test'));
      while ((await store.write((tx) => purgeSome(tx, 100))) !== null);
      expect(await findExecution(store, leases[0]!)).toBeNull();
      const before = await places();
      expect(await pruneUnused(store, 'execution_place')).toBeGreaterThan(0);
      expect(await places()).toBeLessThan(before);
    });
  });
}
