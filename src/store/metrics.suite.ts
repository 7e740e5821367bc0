// What must hold of metrics on every engine.
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

import { makeExperiment, makeJobs, times } from '../../test/support/queue.ts';
import { endAttempt, insertAttempt, type InsertedExperiment, insertExperiment, insertJob } from '../../test/support/rows.ts';
import { LIMITS } from '../core/limits.ts';

import type { AttemptReference } from './attempt-proof.ts';
import { readCurves, readLastValues } from './compare.ts';
import { findMeasured, readLatestMetrics } from './metric-latest.ts';
import { readMetricSeries, readMetricSummaries } from './metric-reading.ts';
import { appendMetrics, type MetricBatch, type MetricEnd, type MetricPoint } from './metrics.ts';
import type { Store } from './store.ts';

/** Bytes of one line in these tests' spools. */
const LINE = 10;

export function metricsSuite(opened: () => Store): void {
  let store: Store;
  let experiment: InsertedExperiment;
  let job: number;
  let attempt: AttemptReference;

  beforeEach(async () => {
    store = opened();
    experiment = await insertExperiment(store);
    job = await insertJob(store, experiment, 42);
    attempt = await insertAttempt(store, job);
  });

  const point = (line: number, name: string, value: MetricPoint['value'], step: number | null = line): MetricPoint => ({
    offset: line * LINE,
    name,
    value,
    step,
    at: line,
  });
  const batch = (points: MetricPoint[], changes: Partial<MetricBatch> = {}): MetricBatch => ({
    ...attempt,
    from: points[0]?.offset ?? 0,
    to: (points.at(-1)?.offset ?? -LINE) + LINE,
    points,
    progress: null,
    ...changes,
  });
  const append = (batches: MetricBatch[], sentAt = 0): Promise<MetricEnd[]> =>
    store.write((tx) => appendMetrics(tx, store, { agent_id: 1, sent_at: sentAt, batches }));
  const values = async (name: string, points = 5_000, rank = 0) => {
    const { series } = await readMetricSeries(store, { job_id: job, name, attempt: null, rank, points });
    return series.map((one) => one.points.map((each) => each.value));
  };
  const events = async (kind: 'metrics_appended' | 'jobs_progressed') =>
    store.query.selectFrom('event').select(['jobs', 'data_json']).where('kind', '=', kind).where('experiment_id', '=', experiment.id).orderBy('id').execute();
  const progress = async () => store.query.selectFrom('job').select(['progress_done', 'progress_total']).where('id', '=', job).executeTakeFirstOrThrow();

  it('stores each point once, whatever is sent again', async () => {
    const first = batch([point(0, 'loss', 3), point(1, 'accuracy', 0.1), point(2, 'loss', 2)]);
    expect(await append([first])).toEqual([{ job_id: job, attempt: 1, rank: 0, end: 30 }]);
    expect(await append([first])).toEqual([{ job_id: job, attempt: 1, rank: 0, end: 30 }]);
    const overlapping = batch([point(1, 'accuracy', 0.1), point(2, 'loss', 2), point(3, 'loss', 1)]);
    expect(await append([overlapping])).toEqual([{ job_id: job, attempt: 1, rank: 0, end: 40 }]);
    expect(await values('loss')).toEqual([[3, 2, 1]]);
    expect(await values('accuracy')).toEqual([[0.1]]);
  });

  it('compares jobs by the newest attempt of each that has the metric', async () => {
    const other = await insertJob(store, experiment, 43);
    const otherAttempt = await insertAttempt(store, other);
    const without = await insertJob(store, experiment, 44);
    await append([batch([point(0, 'loss', 3), point(1, 'loss', 2), point(2, 'accuracy', 'NaN')])]);
    await append([{ ...batch([point(0, 'loss', 9)]), ...otherAttempt }]);
    await endAttempt(store, attempt, { outcome: 'failed', status: 'pending' });
    attempt = await insertAttempt(store, job);
    await append([batch([point(0, 'loss', 7)])]);
    expect(await readLastValues(store, [job, other, without])).toEqual([
      { job_id: job, name: 'accuracy', last: null },
      { job_id: job, name: 'loss', last: 7 },
      { job_id: other, name: 'loss', last: 9 },
    ]);
    const curves = await readCurves(store, { job_ids: [other, job, without], name: 'loss', points: 100 });
    expect(curves).toMatchObject([
      { job_id: job, attempt: 2, total: 1, points: [{ step: 0, value: 7 }] },
      { job_id: other, attempt: 1, total: 1, points: [{ step: 0, value: 9 }] },
    ]);
    expect(await readCurves(store, { job_ids: [], name: 'loss', points: 100 })).toEqual([]);
  });

  it('takes nothing that would leave a gap, and says where to go on', async () => {
    const early = batch([point(2, 'loss', 1)]);
    expect(await append([early])).toEqual([{ job_id: job, attempt: 1, rank: 0, end: 0 }]);
    expect(await values('loss')).toEqual([]);
    const first = batch([point(0, 'loss', 3), point(1, 'loss', 2)]);
    expect(await append([early, first])).toEqual([{ job_id: job, attempt: 1, rank: 0, end: 30 }]);
    expect(await append([batch([point(5, 'loss', 0)], { progress: { done: 9, total: 9 } })])).toMatchObject([{ end: 30 }]);
    expect(await append([early, first])).toMatchObject([{ end: 30 }]);
    expect(await values('loss')).toEqual([[3, 2, 1]]);
    expect(await progress()).toEqual({ progress_done: null, progress_total: null });
  });

  it('remembers parts of the spool that hold no points, so that what comes next does not seem early', async () => {
    expect(await append([batch([], { from: 0, to: 30, progress: { done: 1, total: 4 } })])).toMatchObject([{ end: 30 }]);
    expect(await append([batch([], { from: 30, to: 50 })])).toMatchObject([{ end: 50 }]);
    expect(await append([batch([point(5, 'loss', 1)])])).toMatchObject([{ end: 60 }]);
    expect(await append([batch([], { from: 0, to: 10 })])).toMatchObject([{ end: 60 }]);
    expect(await values('loss')).toEqual([[1]]);
  });

  it('summarises without reading points', async () => {
    await append([batch([point(0, 'loss', 3), point(1, 'loss', 9.5), point(2, 'loss', -1), point(3, 'loss', 2, null), point(4, 'odd', 'NaN')])]);
    expect(await readMetricSummaries(store, job, null)).toEqual([
      { name: 'loss', points: 4, last: 2, least: -1, greatest: 9.5, last_step: null },
      { name: 'odd', points: 1, last: null, least: null, greatest: null, last_step: 4 },
    ]);
    expect(await readMetricSummaries(store, job, 2)).toEqual([]);
  });

  it('keeps what is not a number, and tells the kinds apart in what it stores', async () => {
    await append([batch([point(0, 'loss', 1), point(1, 'loss', 'Infinity'), point(2, 'loss', 'NaN'), point(3, 'loss', '-Infinity'), point(4, 'loss', 5)])]);
    expect(await values('loss')).toEqual([[1, null, null, null, 5]]);
    expect(await readMetricSummaries(store, job, null)).toMatchObject([{ points: 5, last: 5, least: 1, greatest: 5 }]);
    const [row] = await store.query.selectFrom('metric_chunk').select('points').where('job_id', '=', job).execute();
    const stored = JSON.parse(`[${row!.points}]`) as [number, number | string, number][];
    expect(stored.map(([step, value]) => [step, value])).toEqual([
      [0, 1],
      [1, 'Infinity'],
      [2, 'NaN'],
      [3, '-Infinity'],
      [4, 5],
    ]);
  });

  it('gives moments by the server clock, and null steps', async () => {
    const now = await store.write(async (tx) => tx.now);
    await append([batch([{ ...point(0, 'loss', 1, null), at: 70_000 }])], 100_000);
    const { series } = await readMetricSeries(store, { job_id: job, name: 'loss', attempt: null, rank: 0, points: 10 });
    expect(series[0]!.points[0]!.step).toBeNull();
    expect(Math.abs(series[0]!.points[0]!.at - (now - 30_000))).toBeLessThan(5_000);
  });

  it("keeps attempts and ranks apart; the last value is the newest attempt's", async () => {
    await append([batch([point(0, 'loss', 8), point(1, 'loss', 7)])]);
    await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
    const second = await insertAttempt(store, job);
    const gang = await insertAttempt(store, job, 1);
    await append([batch([point(0, 'loss', 6)], second), batch([point(0, 'loss', 100)], gang)]);
    await append([batch([point(2, 'loss', 5)])]);
    expect(await values('loss')).toEqual([[8, 7, 5], [6]]);
    expect(await values('loss', 100, 1)).toEqual([[100]]);
    expect(await readMetricSummaries(store, job, null)).toMatchObject([{ points: 5, last: 6, least: 5, greatest: 100 }]);
    expect(await readMetricSummaries(store, job, 1)).toMatchObject([{ points: 3, last: 5 }]);
  });

  it('skips what nobody proved a right to', async () => {
    const forged = batch([point(0, 'loss', 1)], { token: 'x'.repeat(28) });
    expect(await append([forged, batch([point(0, 'loss', 1)], { attempt: 9 })])).toEqual([]);
    expect(await values('loss')).toEqual([]);
  });

  it('packs any sequence of batches in order, in few rows', { timeout: 120_000 }, async () => {
    let number = 100;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 90 }), fc.integer({ min: 900, max: 2_300 })), { maxLength: 40 }),
        async (sizes) => {
          number += 1;
          const own = await insertAttempt(store, await insertJob(store, experiment, number));
          let line = 0;
          for (const size of sizes) {
            const points = Array.from({ length: size }, (_, index) => point(line + index, 'loss', (line + index) % 977));
            await append([batch(points, own)]);
            line += size;
          }
          const question = { job_id: own.job_id, name: 'loss', attempt: null, rank: 0, points: 1_000_000 };
          const { total, series } = await readMetricSeries(store, question);
          expect(total).toBe(line);
          expect(series.flatMap((one) => one.points.map((each) => each.step))).toEqual(Array.from({ length: line }, (_, index) => index));
          const rows = await store.query.selectFrom('metric_chunk').selectAll().where('job_id', '=', own.job_id).orderBy('id').execute();
          expect(rows.length).toBeLessThanOrEqual(2 + (2 * line) / LIMITS.metric_chunk_points.value);
          for (const row of rows) {
            const held = JSON.parse(`[${row.points}]`) as [number, number, number][];
            const numbers = held.map(([, value]) => value);
            expect(row).toMatchObject({
              count: held.length,
              first_step: held[0]![0],
              last_step: held.at(-1)![0],
              last: numbers.at(-1),
              first_at: held[0]![2],
              last_at: held.at(-1)![2],
            });
            expect([row.least, row.greatest]).toEqual([Math.min(...numbers), Math.max(...numbers)]);
            expect(row.count).toBeLessThanOrEqual(LIMITS.metric_chunk_points.value);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('thins a long series, first, last and extremes kept', async () => {
    const points = Array.from({ length: 6_000 }, (_, index) => point(index, 'loss', index === 3_333 ? -50 : index === 4_444 ? 5_000 : index % 10));
    await append([batch(points)]);
    const { total, series } = await readMetricSeries(store, { job_id: job, name: 'loss', attempt: 1, rank: 0, points: 50 });
    expect(total).toBe(6_000);
    expect(series[0]!.points.length).toBeLessThanOrEqual(50);
    expect(series[0]!.points.length).toBeGreaterThan(40);
    expect([series[0]!.points[0]!.step, series[0]!.points.at(-1)!.step]).toEqual([0, 5_999]);
    const kept = series[0]!.points.map((each) => each.value);
    expect(kept).toContain(-50);
    expect(kept).toContain(5_000);
  });

  it('shares the points of a read among the attempts', async () => {
    await append([batch(Array.from({ length: 3_000 }, (_, index) => point(index, 'loss', index)))]);
    await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
    await append([
      batch(
        Array.from({ length: 1_000 }, (_, index) => point(index, 'loss', index)),
        await insertAttempt(store, job),
      ),
    ]);
    const [first, second] = await values('loss', 100);
    expect(first!.length + second!.length).toBeLessThanOrEqual(100);
    expect(first!.length).toBeGreaterThan(2 * second!.length);
    expect([second![0], second!.at(-1)]).toEqual([0, 999]);
  });

  it('gives the latest values of many jobs, of their newest attempts alone', async () => {
    const names = ['loss', 'a "?" b', 'never', 'nan'];
    const other = await insertAttempt(store, await insertJob(store, experiment, 43));
    await insertJob(store, experiment, 44);
    await append([batch([point(0, 'loss', 3), point(1, 'a "?" b', 7), point(2, 'loss', 0.1), point(3, 'nan', 'NaN')])]);
    await append([
      batch(
        Array.from({ length: 1_500 }, (_, index) => point(index, 'loss', index)),
        other,
      ),
    ]);
    await append([batch([{ ...point(1_500, 'loss', -1), step: 0 }], other)]);
    const latest = async () => {
      const jobs = await findMeasured(store, experiment.id, [{ from: 1, to: 50 }]);
      const values = await readLatestMetrics(store, jobs, names);
      return jobs.map((each) => [each.number, each.attempts, ...values.get(each.id)!]);
    };
    expect(await latest()).toEqual([
      [42, 1, 0.1, 7, null, 'not_finite'],
      [43, 1, -1, null, null, null],
      [44, 0, null, null, null, null],
    ]);
    await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
    await append([batch([point(0, 'loss', 5)], await insertAttempt(store, job))]);
    expect((await latest())[0]).toEqual([42, 2, 5, null, null, null]);
    expect(await readLatestMetrics(store, [], names)).toEqual(new Map());
  });

  it('refuses to look for the latest values of more jobs than a page holds', async () => {
    const most = LIMITS.page_items.value;
    const many = await makeExperiment(store, `many-${experiment.id}`);
    await makeJobs(store, many, times(most + 1));
    expect(await findMeasured(store, many, [{ from: 1, to: most }])).toHaveLength(most);
    await expect(findMeasured(store, many, [{ from: 1, to: most + 1 }])).rejects.toMatchObject({ code: 'too_many' });
  });

  describe('progress', () => {
    it('is the newest of the live attempt', async () => {
      await append([batch([], { from: 0, to: 20, progress: { done: 3, total: 10 } })]);
      expect(await progress()).toEqual({ progress_done: 3, progress_total: 10 });
      await append([batch([point(2, 'loss', 1)], { progress: { done: 4.5, total: 10 } }), batch([point(3, 'loss', 1)], { progress: { done: 6, total: 10 } })]);
      expect(await progress()).toEqual({ progress_done: 6, progress_total: 10 });
      expect(await events('jobs_progressed')).toHaveLength(2);
    });

    it('still counts when it arrives after the end of its attempt', async () => {
      await append([batch([point(0, 'loss', 1)], { progress: { done: 9, total: 10 } })]);
      await endAttempt(store, attempt, { outcome: 'succeeded', status: 'done' });
      await append([batch([point(1, 'loss', 1)], { progress: { done: 10, total: 10 } })]);
      expect(await progress()).toEqual({ progress_done: 10, progress_total: 10 });
    });

    it('of a superseded attempt changes nothing, nor does what arrives again', async () => {
      await append([batch([point(0, 'loss', 1)], { progress: { done: 6, total: 10 } })]);
      await append([batch([point(0, 'loss', 1)], { progress: { done: 5, total: 10 } })]);
      expect(await progress()).toEqual({ progress_done: 6, progress_total: 10 });
      await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
      await insertAttempt(store, job);
      await append([batch([point(1, 'loss', 1)], { progress: { done: 9, total: 10 } })]);
      expect(await progress()).toEqual({ progress_done: 6, progress_total: 10 });
      expect(await values('loss')).toEqual([[1, 1]]);
    });
  });

  it('records one event for a set', async () => {
    const others = await Promise.all([43, 44].map(async (number) => insertAttempt(store, await insertJob(store, experiment, number))));
    await append([batch([point(0, 'loss', 1), point(1, 'accuracy', 1)]), ...others.map((other) => batch([point(0, 'loss', 1)], other))]);
    expect(await events('metrics_appended')).toEqual([{ jobs: '42-44', data_json: '{}' }]);
  });

  it('takes names as they are, and those that no engine can store in another form', async () => {
    const names = ['val/loss', '損失', "o'brien", 'a"b\\c', '?', 'zero\u0000', 'half\ud800'];
    await append([batch(names.map((name, line) => point(line, name, line)))]);
    const stored = (await readMetricSummaries(store, job, null)).map((one) => one.name).sort();
    expect(stored).toEqual(['val/loss', '損失', "o'brien", 'a"b\\c', '?', 'zero\uFFFD', 'half\uFFFD'].sort());
    expect(await values("o'brien")).toEqual([[2]]);
  });

  it('limits the names of a job, and tells it once', async () => {
    const most = LIMITS.metric_names.value;
    let line = 0;
    const name = (index: number) => point((line += 1) - 1, `metric ${index}`, index);
    await append([batch(Array.from({ length: most - 2 }, (_, index) => name(index)))]);
    await append([batch([name(0), name(most), name(most + 1), name(most + 2), name(1)])]);
    await append([batch([name(most + 3), name(2)])]);
    const summaries = await readMetricSummaries(store, job, null);
    expect(summaries).toHaveLength(most);
    expect(summaries.find((one) => one.name === 'metric 2')).toMatchObject({ points: 2 });
    expect((await events('metrics_appended')).map((event) => JSON.parse(event.data_json) as unknown)).toEqual([{}, { metric_names_full: [42] }, {}]);
    await endAttempt(store, attempt, { outcome: 'lost', status: 'pending' });
    line = 0;
    await append([batch([name(3), name(most + 9)], await insertAttempt(store, job))]);
    expect(await values('metric 3')).toEqual([[3], [3]]);
    expect(await values(`metric ${most + 9}`)).toEqual([]);
  });
}
