// What only PostgreSQL has: connections that break, and two servers on one database that want the same rows.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { eventually } from '../../test/support/eventually.ts';
import { manualClock } from '../../test/support/manual-clock.ts';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { counts, finished, job, makeAgent, makeExperiment, makeJobs, running, times } from '../../test/support/queue.ts';
import { TEST_KEY } from '../../test/support/stores.ts';

import { actOnJobs } from './job-actions.ts';
import { openPool } from './postgres.ts';
import { openStore, type Store } from './store.ts';
import { syncAgents } from './sync.ts';
import type { Transaction } from './writer.ts';

const cancel = { action: 'cancel', force: false, priority: 0, dry_run: false, actor: 'test' } as const;

describe('PostgreSQL', () => {
  let server: TestPostgres | null;
  let outside: ReturnType<typeof openPool>;
  let opened: Store[] = [];
  let first: Store;
  let second: Store;
  let experiment: number;

  beforeAll(async () => {
    server = await startPostgres();
    if (server !== null) outside = openPool(server.url, null);
  });
  afterAll(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await outside?.end();
    await server?.stop();
  });
  beforeEach(async (context) => {
    if (server === null) return context.skip();
    await Promise.all(opened.map((store) => store.close()));
    const schema = `pair_${process.pid}_${Math.floor(performance.now())}`;
    await outside.query(`create schema ${schema}`);
    const { url } = server;
    const open = (): Promise<Store> => {
      const clock = manualClock();
      return openStore({ engine: { kind: 'postgres', url, schema, clock }, directory: null, clock, key: TEST_KEY });
    };
    // The clocks of the tests stand still: no poll ever helps a notification that was missed.
    opened = [await open(), await open()];
    [first, second] = opened as [Store, Store];
    experiment = await makeExperiment(first);
  });

  const pidOf = async (tx: Transaction): Promise<number> => Number((await tx.sql.all<{ pid: number }>('select pg_backend_pid() as pid'))[0]!.pid);
  const terminate = async (pid: number): Promise<void> => {
    await outside.query('select pg_terminate_backend($1)', [pid]);
    await eventually(async () => expect((await outside.query('select 1 from pg_stat_activity where pid = $1', [pid])).rows).toEqual([]));
  };
  const insert = (tx: Transaction, name: string): Promise<number> => tx.sql.run(`insert into setting (key, value) values (?, 'x')`, [name]);
  const stored = async (): Promise<string[]> =>
    (await first.sql.all<{ key: string }>(`select key from setting where key like 'mark %' order by key`)).map((row) => row.key);

  describe('a connection that breaks', () => {
    it('while it is idle costs nobody anything', async () => {
      await terminate(await first.write(pidOf));
      await first.write((tx) => insert(tx, 'mark after'));
      expect(await stored()).toEqual(['mark after']);
    });

    it('within a transaction leaves nothing of it behind, and the next one is well', async () => {
      const broken = first.write(async (tx) => {
        await insert(tx, 'mark before the break');
        await terminate(await pidOf(tx));
        await insert(tx, 'mark behind the break');
      });
      await expect(broken).rejects.toThrow(/connection|ECONNRESET/i);
      expect(await stored()).toEqual([]);
      await first.write((tx) => insert(tx, 'mark next'));
      expect(await stored()).toEqual(['mark next']);
    });

    it('before the commit refuses all that share it: nobody is told of what is not stored', async () => {
      const results = await Promise.allSettled([
        makeJobs(first, experiment, times(1)),
        first.write(async (tx) => {
          await insert(tx, 'mark refused');
          await terminate(await pidOf(tx));
        }),
        makeJobs(first, experiment, times(1)),
      ]);
      expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(await stored()).toEqual([]);
      const { kept, counted } = await counts(first, experiment);
      expect([kept, kept['pending']]).toEqual([counted, 0]);
      expect(await first.sql.all(`select 1 from event where kind = 'jobs_created'`)).toEqual([]);
    });

    it('while a server starts is told as what it was, and leaves no connection open', async () => {
      const schema = `start_${process.pid}_${Math.floor(performance.now())}`;
      await outside.query(`create schema ${schema}`);
      const waiting = `select pid from pg_stat_activity where application_name = 'drover' and wait_event_type = 'Lock'`;
      const holder = await outside.connect();
      await holder.query('select pg_advisory_lock(7346000)');
      const clock = manualClock();
      const opening = openStore({ engine: { kind: 'postgres', url: server!.url, schema, clock }, directory: null, clock, key: TEST_KEY });
      const refusal = opening.then(
        () => null,
        (error: unknown) => error as Error,
      );
      const pid = await eventually(async () => Number((await outside.query<{ pid: number }>(waiting)).rows[0]!.pid));
      await terminate(pid);
      expect((await refusal)?.message).toMatch(/terminating connection due to administrator command/);
      await holder.query('select pg_advisory_unlock(7346000)');
      holder.release();
      // Whoever starts it again finds nothing in the way.
      opened.push(await openStore({ engine: { kind: 'postgres', url: server!.url, schema, clock }, directory: null, clock, key: TEST_KEY }));
    });

    it('while it listens is renewed, and what was missed meanwhile is looked for', async () => {
      const listeners = async (): Promise<number[]> => {
        const { rows } = await outside.query<{ pid: number }>(
          `select pid from pg_stat_activity where application_name = 'drover' and query = 'listen drover_change' order by pid`,
        );
        return rows.map((row) => Number(row.pid));
      };
      let changes = 0;
      const forget = second.onChange(() => (changes += 1));
      const before = await listeners();
      expect(before).toHaveLength(2);
      for (const pid of before) await terminate(pid);
      await eventually(async () => {
        const now = await listeners();
        expect(now).toHaveLength(2);
        expect(now.filter((pid) => before.includes(pid))).toEqual([]);
      });
      await eventually(() => expect(changes).toBeGreaterThan(0));
      changes = 0;
      await makeJobs(first, experiment, times(1));
      await eventually(() => expect(changes).toBeGreaterThan(0));
      forget();
    });
  });

  describe('two servers on one database', () => {
    /** Runs a unit on the first server and keeps its transaction open until `release` is called. */
    const holding = async <T>(unit: (tx: Transaction) => Promise<T>): Promise<{ release: () => void; result: Promise<T> }> => {
      let release = (): void => {};
      const gate = new Promise<void>((resolve) => (release = resolve));
      let result!: Promise<T>;
      await new Promise<void>((resolve, reject) => {
        result = first.write(async (tx) => {
          const value = await unit(tx);
          resolve();
          await gate;
          return value;
        });
        result.catch(reject);
      });
      return { release, result };
    };
    const someoneWaits = (): Promise<void> =>
      eventually(async () => {
        const { rows } = await outside.query(`select 1 from pg_stat_activity where application_name = 'drover' and wait_event_type = 'Lock'`);
        expect(rows).not.toEqual([]);
      });
    const runningJob = async () => {
      await makeJobs(first, experiment, times(1));
      const agent = await makeAgent(second, { workers: 1 });
      const [lease] = (await agent.sync()).leases;
      await agent.sync({ free_slots: [], running: [running(lease!)] });
      return { agent, lease: lease! };
    };
    const expectCountersRight = async (): Promise<void> => {
      const { kept, counted } = await counts(first, experiment);
      expect(kept).toEqual(counted);
    };

    it('a forced cancel that comes first is not undone by the end of the job', async () => {
      const { agent, lease } = await runningJob();
      const cancelling = await holding((tx) => actOnJobs(tx, experiment, {}, { ...cancel, force: true }));
      const ending = agent.sync({ free_slots: [], finished: [finished(lease)] });
      await someoneWaits();
      cancelling.release();
      expect((await cancelling.result).changed).toEqual([1]);
      expect((await ending).settled).toMatchObject([{ result: 'evidence' }]);
      expect(await job(first, experiment, 1)).toMatchObject({ status: 'aborted', outcome: 'cancelled' });
      await expectCountersRight();
    });

    it('an end that comes first is not undone by a cancel', async () => {
      const { agent, lease } = await runningJob();
      const message = await agent.compose({ free_slots: [], finished: [finished(lease)] });
      const terms = { store_id: first.id, key: first.key, next_sync_within_ms: 30_000, random: () => 0 };
      const ending = await holding((tx) => syncAgents(tx, [{ message, again: false }], terms));
      const cancelling = second.write((tx) => actOnJobs(tx, experiment, {}, { ...cancel, force: true }));
      await someoneWaits();
      ending.release();
      expect(await ending.result).toMatchObject([{ settled: [{ result: 'recorded' }] }]);
      expect(await cancelling).toMatchObject({ changed: [], refused: { job_ended: 1 } });
      expect(await job(first, experiment, 1)).toMatchObject({ status: 'done', outcome: 'succeeded' });
      await expectCountersRight();
    });

    it('a job is cancelled and counted once, whoever asks', async () => {
      await makeJobs(first, experiment, times(1));
      const one = await holding((tx) => actOnJobs(tx, experiment, {}, cancel));
      const other = second.write((tx) => actOnJobs(tx, experiment, {}, cancel));
      await someoneWaits();
      one.release();
      expect([(await one.result).changed, (await other).changed]).toEqual([[1], []]);
      await expectCountersRight();
      expect(await first.sql.all(`select jobs from event where kind = 'jobs_cancelled'`)).toEqual([{ jobs: '1' }]);
    });

    it('a claim does not wait for a job that the other server is changing; it takes the next one', async () => {
      await makeJobs(first, experiment, times(2));
      const agent = await makeAgent(second, { workers: 1 });
      const editing = await holding((tx) => actOnJobs(tx, experiment, { ranges: [{ from: 1, to: 1 }] }, cancel));
      expect(await agent.sync()).toMatchObject({ leases: [{ number: 2 }] });
      editing.release();
      await editing.result;
      expect(await job(first, experiment, 1)).toMatchObject({ status: 'aborted' });
      await expectCountersRight();
    });
  });
});
