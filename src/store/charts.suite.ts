// What the charts say, against the same reckoned one by one from the rows, on every engine.
import { describe, expect, it } from 'vitest';

import { makeExperiment, makeJobs } from '../../test/support/queue.ts';
import { storePerSuite } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import type { Outcome } from '../core/attempt.ts';
import type { JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import type { Params } from '../core/params.ts';
import { parseSearch } from '../core/search.ts';
import { timeBuckets } from '../core/time-buckets.ts';

import { type Activity, type ActivityRequest, readActivity } from './chart-activity.ts';
import { readChartFields } from './chart-fields.ts';
import { readFailuresByValue, readMachines } from './chart-machines.ts';
import { readReplicates, readResults, type ResultsRequest } from './chart-results.ts';
import type { JobFilter } from './job-search.ts';
import type { Store } from './store.ts';

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 0, 1, 12, 0, 30);

interface Row {
  readonly number: number;
  readonly params: Params;
  readonly created_at: number;
  readonly status: JobStatus;
  readonly outcome: Outcome | null;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly duration_ms: number | null;
  readonly worker_id: string | null;
  /** Of the newest attempt; null for none. */
  readonly loss: readonly number[] | null;
  /** Outcomes of attempts before the newest. */
  readonly earlier: readonly Outcome[];
}

/** Numbers without pattern, the same in every run. */
function scatter(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const WORKERS = ['alpha_egg_0', 'alpha_egg_1', 'beta_ham_0', 'gamma_jam_7'];
const ROWS: readonly Row[] = makeRows(240);

function makeRows(count: number): Row[] {
  const random = scatter(7);
  return Array.from({ length: count }, (_, index): Row => {
    const created_at = NOW - 180 * MINUTE + Math.floor((index / count) * 170) * MINUTE;
    const kind = random();
    const started_at = Math.min(NOW - 1_000, created_at + Math.floor(random() * 20 * MINUTE));
    const duration_ms = Math.floor(random() * 5 * MINUTE);
    const finished_at = Math.min(NOW - 500, started_at + duration_ms);
    const worker_id = WORKERS[Math.floor(random() * random() * WORKERS.length)]!;
    const lr = [0.1, 0.01, 0.001][index % 3]!;
    const params: Params = {
      lr,
      seed: Math.floor(index / 3) % 5,
      ...(index % 4 === 0 ? { note: 'x'.repeat(400) } : { note: `n${index % 4}` }),
      layers: [8, index % 2],
    };
    const loss = [3 * lr + random() / 10, 2 * lr + random() / 10, 2.5 * lr + random() / 10];
    const base = { number: index + 1, params, created_at, earlier: random() < 0.2 ? (['failed', 'lost'] as const) : [], loss: random() < 0.9 ? loss : null };
    const run = { started_at, worker_id };
    if (kind < 0.1) return { ...base, status: 'pending', outcome: null, started_at: null, finished_at: null, duration_ms: null, worker_id: null, loss: null };
    if (kind < 0.15) {
      return { ...base, status: 'aborted', outcome: 'cancelled', started_at: null, finished_at: started_at, duration_ms: null, worker_id: null, loss: null };
    }
    if (kind < 0.25) return { ...base, ...run, status: 'running', outcome: null, finished_at: null, duration_ms: null };
    if (kind < 0.4)
      return { ...base, ...run, status: 'aborted', outcome: kind < 0.3 ? 'failed' : kind < 0.35 ? 'timed_out' : 'cancelled', finished_at, duration_ms };
    return { ...base, ...run, status: 'done', outcome: 'succeeded', finished_at, duration_ms };
  });
}

async function insertRows(store: Store, experiment: number, rows: readonly Row[]): Promise<void> {
  await makeJobs(
    store,
    experiment,
    rows.map((row) => row.params),
  );
  await store.write(async (tx) => {
    for (const row of rows) {
      const { number, params: _params, loss, earlier, ...columns } = row;
      const attempts = earlier.length + (row.worker_id === null ? 0 : 1);
      const job = await tx.query
        .updateTable('job')
        .set({ ...columns, attempts })
        .where((job_) => job_.and({ experiment_id: experiment, number }))
        .returning('id')
        .executeTakeFirstOrThrow();
      tx.count(experiment, 'pending', -1);
      tx.count(experiment, row.status, 1);
      const ends = row.worker_id === null ? earlier : [...earlier, row.outcome];
      for (const [index, outcome] of ends.entries())
        await insertAttempt(tx, { job_id: job.id, attempt: index + 1, outcome, worker_id: row.worker_id ?? 'alpha_egg_0' });
      if (loss === null) continue;
      const chunk = { job_id: job.id, rank: 0, name: 'loss', first_step: 0, last_step: 1, first_at: NOW, last_at: NOW, points: '' };
      // An older attempt with better values, which must not count.
      if (attempts > 1)
        await tx.query
          .insertInto('metric_chunk')
          .values({ ...chunk, attempt: 1, count: 1, least: -9, greatest: 99, last: -9 })
          .execute();
      for (const value of loss)
        await tx.query
          .insertInto('metric_chunk')
          .values({ ...chunk, attempt: attempts, count: 1, least: value, greatest: value, last: value })
          .execute();
    }
  });
}

type Tx = Parameters<Parameters<Store['write']>[0]>[0];

async function insertAttempt(tx: Tx, of: { job_id: number; attempt: number; outcome: Outcome | null; worker_id: string }): Promise<void> {
  await tx.query
    .insertInto('attempt')
    .values({
      ...of,
      ...{ rank: 0, agent_id: 1, slot: 0, revision: 1, nonce: 'n', claimed_at: NOW, started_at: NOW, finished_at: NOW, duration_ms: 1 },
      ...{ exit_code: null, signal: null, message: null, late_outcome: null, late_at: null, late_exit_code: null, late_message: null },
      ...{ recorded_at: NOW, retry_at: null, requeued_at: null },
    })
    .execute();
}

function search(text: string): JobFilter {
  const parsed = parseSearch(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return { terms: parsed.terms };
}

const host = (row: Row): string => row.worker_id!.split('_')[0]!;
const isEnded = (row: Row): boolean => row.status === 'done' || row.status === 'aborted';
const hasFailed = (row: Row): boolean => row.status === 'aborted' && row.outcome !== 'cancelled';
const count = (rows: readonly Row[], fits: (row: Row) => boolean): number => rows.filter(fits).length;

export function chartsSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`charts on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerSuite(make, async (opened) => {
      store = opened;
      const other = await makeExperiment(store, 'other');
      await insertRows(store, other, makeRows(12));
      experiment = await makeExperiment(store);
      await insertRows(store, experiment, ROWS);
    });

    const activity = (over: Partial<ActivityRequest> = {}): Promise<Activity> =>
      readActivity(store, {
        experiment_id: experiment,
        buckets: timeBuckets({ bucket: 'minute', count: 120, until: NOW, shift: 0 }),
        split: null,
        machine: null,
        now: NOW,
        ...over,
      });

    for (const [what, until] of [
      ['until now', NOW],
      ['until an hour ago', NOW - 60 * MINUTE],
    ] as const) {
      it(`tells what ended, waited and ran, minute by minute, ${what}`, async () => {
        const buckets = timeBuckets({ bucket: 'minute', count: 120, until, shift: 0 });
        const found = await activity({ buckets });
        const expected = buckets.map(({ from, to }) => ({
          at: from,
          done: count(ROWS, (row) => row.status === 'done' && row.finished_at! >= from && row.finished_at! < to),
          aborted: count(ROWS, (row) => row.status === 'aborted' && row.finished_at! >= from && row.finished_at! < to),
          waiting: count(ROWS, (row) => row.created_at < to && !((row.started_at ?? row.finished_at ?? Infinity) < to)),
          running: count(ROWS, (row) => row.started_at !== null && row.started_at < to && !((row.finished_at ?? Infinity) < to)),
        }));
        expect(found.buckets).toEqual(expected);
        expect(found.last_finished_at).toBe(Math.max(...ROWS.map((row) => row.finished_at ?? 0)));
      });
    }

    it('splits the ends by machine and by worker, and keeps to one machine', async () => {
      const buckets = timeBuckets({ bucket: 'hour', count: 4, until: NOW, shift: 0 });
      const ran = ROWS.filter((row) => isEnded(row) && row.worker_id !== null);
      const byMachine = await activity({ buckets, split: 'machine' });
      expect(byMachine.series.map(({ name: label }) => label).toSorted()).toEqual([...new Set(ran.map(host))].toSorted());
      for (const { name: label, ended } of byMachine.series) {
        expect(ended).toEqual(buckets.map(({ from, to }) => count(ran, (row) => host(row) === label && row.finished_at! >= from && row.finished_at! < to)));
      }
      const sums = byMachine.series.map(({ ended }) => ended.reduce((a, b) => a + b, 0));
      expect(sums).toEqual(sums.toSorted((a, b) => b - a));
      const one = await activity({ buckets, split: 'worker', machine: 'alpha' });
      expect(one.series.map(({ name: label }) => label).toSorted()).toEqual(['alpha_egg_0', 'alpha_egg_1']);
      expect(one.buckets.map(({ done }) => done)).toEqual(
        buckets.map(({ from, to }) => count(ran, (row) => row.status === 'done' && host(row) === 'alpha' && row.finished_at! >= from && row.finished_at! < to)),
      );
    });

    it('knows what each machine did', async () => {
      const { machines, sampled, left_out } = await readMachines(store, { experiment_id: experiment, grouping: 'machine', filter: {} });
      expect(left_out).toBe(0);
      expect(sampled).toEqual({ of: count(ROWS, (row) => row.status !== 'pending'), taken: count(ROWS, (row) => row.status !== 'pending') });
      const ran = ROWS.filter((row) => row.worker_id !== null);
      expect(machines.map((one) => one.name).toSorted()).toEqual([...new Set(ran.map(host))].toSorted());
      for (const machine of machines) {
        const own = ran.filter((row) => host(row) === machine.name);
        const spans = own
          .filter((row) => row.status === 'done')
          .map((row) => row.duration_ms!)
          .toSorted((a, b) => a - b);
        const at = (share: number): number => spans[Math.ceil(spans.length * share) - 1]!;
        expect(machine).toMatchObject({
          workers: new Set(own.map((row) => row.worker_id)).size,
          jobs: own.length,
          running: count(own, (row) => row.status === 'running'),
          done: spans.length,
          failed: count(own, hasFailed),
          cancelled: count(own, (row) => row.outcome === 'cancelled'),
          busy_ms: own.reduce((sum, row) => sum + (row.duration_ms ?? 0), 0),
          durations: { count: spans.length, least: spans[0], lower_quartile: at(0.25), median: at(0.5), upper_quartile: at(0.75), greatest: spans.at(-1) },
          first_started_at: Math.min(...own.map((row) => row.started_at!)),
          last_finished_at: Math.max(...own.map((row) => row.finished_at ?? 0)),
        });
        expect(machine.durations!.mean).toBeCloseTo(spans.reduce((a, b) => a + b, 0) / spans.length, 3);
        // A job aborted before it ran has no worker: its attempts before that were on alpha.
        const tried = ROWS.filter((row) => (row.worker_id === null ? row.status !== 'pending' && machine.name === 'alpha' : host(row) === machine.name));
        expect(machine.attempts).toEqual({
          failed: count(tried, (row) => row.earlier.length > 0) + count(own, (row) => row.outcome === 'failed'),
          timed_out: count(own, (row) => row.outcome === 'timed_out'),
          lost: count(tried, (row) => row.earlier.length > 0),
        });
      }
    });

    it('keeps to the jobs of a search', async () => {
      const filter = search('lr=0.01');
      const { machines } = await readMachines(store, { experiment_id: experiment, grouping: 'worker', filter });
      const own = ROWS.filter((row) => row.params['lr'] === 0.01 && row.worker_id !== null);
      expect(machines.reduce((sum, one) => sum + one.jobs, 0)).toBe(own.length);
      expect(machines.map((one) => one.name).toSorted()).toEqual([...new Set(own.map((row) => row.worker_id!))].toSorted());
    });

    it('tells failures by the value of a param', async () => {
      const { values, left_out } = await readFailuresByValue(store, { experiment_id: experiment, param: 'lr', filter: {} });
      expect(left_out).toBe(0);
      expect(values.toSorted((a, b) => Number(a.value) - Number(b.value))).toEqual(
        [0.001, 0.01, 0.1].map((lr) => {
          const own = ROWS.filter((row) => row.params['lr'] === lr);
          return {
            value: String(lr),
            done: count(own, (row) => row.status === 'done'),
            failed: count(own, hasFailed),
            cancelled: count(own, (row) => row.outcome === 'cancelled'),
          };
        }),
      );
      const long = await readFailuresByValue(store, { experiment_id: experiment, param: 'note', filter: {} });
      expect(Math.max(...long.values.map(({ value }) => value!.length))).toBe(LIMITS.chart_text_characters.value + 2);
      const none = await readFailuresByValue(store, { experiment_id: experiment, param: 'nothing', filter: {} });
      expect(none.values).toEqual([
        {
          value: null,
          done: count(ROWS, (row) => row.status === 'done'),
          failed: count(ROWS, hasFailed),
          cancelled: count(ROWS, (row) => row.outcome === 'cancelled'),
        },
      ]);
    });

    it('offers params with their spread, and metrics', async () => {
      const { params, metrics } = await readChartFields(store, experiment);
      expect(metrics).toEqual(['loss']);
      expect(params).toEqual([
        { name: 'layers', values: 2, is_numeric: false, least: null, greatest: null },
        { name: 'lr', values: 3, is_numeric: true, least: 0.001, greatest: 0.1 },
        { name: 'note', values: 4, is_numeric: false, least: null, greatest: null },
        { name: 'seed', values: 5, is_numeric: true, least: 0, greatest: 4 },
      ]);
      expect(await readChartFields(store, await makeExperiment(store, `nothing-${experiment}`))).toEqual({ params: [], metrics: [] });
    });

    const measured = ROWS.filter((row) => row.loss !== null);
    const reductions = {
      last: (loss: readonly number[]) => loss.at(-1)!,
      min: (loss: readonly number[]) => Math.min(...loss),
      max: (loss: readonly number[]) => Math.max(...loss),
    };
    const request: ResultsRequest = {
      experiment_id: 0,
      metrics: ['loss', 'nothing'],
      reduction: 'last',
      goal: 'minimise',
      params: ['lr', 'layers', 'nothing'],
      filter: {},
    };

    for (const reduction of ['last', 'min', 'max'] as const) {
      for (const goal of ['minimise', 'maximise'] as const) {
        it(`finds the best jobs: ${goal} the ${reduction} value of the newest attempt`, async () => {
          const found = await readResults(store, { ...request, experiment_id: experiment, reduction, goal });
          const sign = goal === 'minimise' ? 1 : -1;
          const value = (row: Row): number => reductions[reduction](row.loss!);
          const expected = measured.toSorted((a, b) => sign * (value(a) - value(b)));
          expect(found.measured).toBe(measured.length);
          expect(found.jobs.map((job) => job.number)).toEqual(expected.map((row) => row.number));
          expect(found.jobs.map((job) => job.place)).toEqual(expected.map((_, index) => index + 1));
          expect(found.jobs[0]!.values).toEqual([value(expected[0]!), null]);
          expect(found.jobs[0]!.params.map((json) => (json === null ? null : (JSON.parse(json) as unknown)))).toEqual([
            expected[0]!.params['lr'],
            expected[0]!.params['layers'],
            null,
          ]);
        });
      }
    }

    it('gives mean and interval over replicates', async () => {
      const filter = search('note=n1');
      const found = await readReplicates(store, {
        experiment_id: experiment,
        metric: 'loss',
        seed: 'seed',
        reduction: 'last',
        goal: 'minimise',
        params: ['lr', 'layers'],
        filter,
      });
      const groups = new Map<string, Row[]>();
      for (const row of measured.filter((one) => one.params['note'] === 'n1')) {
        const { seed: _seed, ...others } = row.params;
        const key = JSON.stringify(others);
        groups.set(key, [...(groups.get(key) ?? []), row]);
      }
      expect(found.left_out).toBe(0);
      expect(found.measured).toBe([...groups.values()].flat().length);
      expect(found.groups.length).toBe(groups.size);
      expect(found.groups.map(({ mean }) => mean)).toEqual(found.groups.map(({ mean }) => mean).toSorted((a, b) => a - b));
      for (const group of found.groups) {
        const rows = [...groups.values()].find(([first]) => first!.number === group.number)!;
        const values = rows.map((row) => row.loss!.at(-1)!);
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(group.count).toBe(values.length);
        expect(group.mean).toBeCloseTo(mean, 9);
        expect(group.least).toBe(Math.min(...values));
        expect(group.greatest).toBe(Math.max(...values));
        expect(group.params[0]).toBe(String(rows[0]!.params['lr']));
        expect(group.confidence!.deviation).toBeCloseTo(Math.sqrt(squares / (values.length - 1)), 9);
      }
    });

    it('looks at a fixed share of many jobs, which meets every value of a matrix alike, and says so', async () => {
      const many = LIMITS.chart_jobs.value + 10_000;
      const large = await makeExperiment(store, `large-${experiment}`);
      await makeJobs(
        store,
        large,
        Array.from({ length: many }, (_, index) => ({ a: index % 10 })),
      );
      await store.write(async (tx) => {
        await tx.sql.run(
          `update job set status = 'done', outcome = 'succeeded', attempts = 1, started_at = ?, finished_at = ? + number, duration_ms = number, worker_id = case when number % 4 = 0 then 'beta_x_0' else 'alpha_x_0' end
            where experiment_id = ?`,
          [NOW - 50 * MINUTE, NOW - 45 * MINUTE, large],
        );
        tx.count(large, 'pending', -many);
        tx.count(large, 'done', many);
      });
      const { values, sampled } = await readFailuresByValue(store, { experiment_id: large, param: 'a', filter: {} });
      expect(sampled.of).toBe(many);
      expect(sampled.taken / LIMITS.chart_jobs.value).toBeCloseTo(1, 2);
      expect(values).toHaveLength(10);
      for (const { done } of values) expect(done / (sampled.taken / 10)).toBeCloseTo(1, 1);
      const again = await readFailuresByValue(store, { experiment_id: large, param: 'a', filter: {} });
      expect(again).toEqual({ values, sampled, left_out: 0 });
      // What is counted in indexes is exact all the same, and the split is scaled up to it.
      const found = await activity({ experiment_id: large, split: 'machine' });
      const done = found.buckets.reduce((sum, bucket) => sum + bucket.done, 0);
      expect(done).toBe(many);
      expect(found.sampled.taken).toBeLessThan(many);
      expect(found.series.map(({ name: label }) => label)).toEqual(['alpha', 'beta']);
      const [alpha, beta] = found.series.map(({ ended }) => ended.reduce((a, b) => a + b, 0));
      expect(alpha! / (many * 0.75)).toBeCloseTo(1, 1);
      expect(beta! / (many * 0.25)).toBeCloseTo(1, 1);
      // A search that names few jobs finds them all, also those that the share leaves out.
      const few = await readMachines(store, { experiment_id: large, grouping: 'machine', filter: search('a=3') });
      expect(few.machines.reduce((sum, one) => sum + one.jobs, 0)).toBe(many / 10);
    });
  });
}
