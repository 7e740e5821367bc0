// Lists and searches of jobs: every page once, in order, whatever the filter, on every engine.
import { describe, expect, it } from 'vitest';

import { finished, makeAgent, makeExperiment, makeJobs } from '../../test/support/queue.ts';
import { storePerSuite } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';

import { parseSearch } from '../core/search.ts';

import { actOnJobs } from './job-actions.ts';
import { editJob } from './job-edit.ts';
import { exportJobs } from './job-export.ts';
import { countJobs, type JobPageRequest, listJobs } from './job-list.ts';
import { type Lanes, type Position, readLanes } from './job-lanes.ts';
import { filterWhere, type JobFilter } from './job-search.ts';
import { startWalk } from './job-walk.ts';
import type { Store } from './store.ts';

const JOBS = 60;

function search(text: string): JobFilter {
  const parsed = parseSearch(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return { terms: parsed.terms };
}

export function jobListSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`job list on ${name}`, () => {
    let store: Store;
    let experiment: number;

    storePerSuite(make, async (opened) => {
      store = opened;
      const other = await makeExperiment(store, 'other');
      await makeJobs(store, other, [{ lr: 0.1 }]);
      experiment = await makeExperiment(store);
      const params = Array.from({ length: JOBS }, (_, index) => ({
        lr: [0.1, 0.01, 0.001][index % 3]!,
        units: (index % 4) * 8,
        note: index === 7 ? '100%_odd "text"' : `plain ${index}`,
      }));
      await makeJobs(store, experiment, params);
      const agent = await makeAgent(store, { workers: 20, experiments: [experiment] });
      const { leases } = await agent.sync();
      const reports = leases.map((lease, index) =>
        finished(lease, index % 5 === 0 ? 'failed' : 'succeeded', { duration_ms: 1_000 - index, message: index === 5 ? 'CUDA out of memory' : null }),
      );
      await agent.sync({ free_slots: [], finished: reports });
    });

    const request = (over: Partial<JobPageRequest> = {}): JobPageRequest => ({ filter: {}, sort: 'number', order: 'desc', limit: 7, cursor: null, ...over });

    async function allPages(over: Partial<JobPageRequest>): Promise<number[]> {
      const numbers: number[] = [];
      let cursor: string | null = null;
      do {
        const page = await listJobs(store, experiment, request({ ...over, cursor }));
        expect(page.jobs.length).toBeLessThanOrEqual(7);
        numbers.push(...page.jobs.map((job) => job.number));
        cursor = page.next_cursor;
      } while (cursor !== null);
      return numbers;
    }

    const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

    for (const sort of ['number', 'created_at', 'started_at', 'finished_at', 'duration_ms', 'status', 'priority', 'worker_id', 'attempts'] as const) {
      for (const order of ['asc', 'desc'] as const) {
        it(`pages through all jobs once by ${sort} ${order}`, async () => {
          const numbers = await allPages({ sort, order });
          expect(numbers.toSorted((a, b) => a - b)).toEqual(upTo(JOBS));
        });
      }
    }

    it('orders by duration, those without one last', async () => {
      const numbers = await allPages({ sort: 'duration_ms', order: 'asc' });
      expect(numbers.slice(0, 3)).toEqual([20, 19, 18]);
      expect(numbers.slice(20)).toEqual(upTo(JOBS).slice(20));
    });

    const searches: [string, (index: number) => boolean][] = [
      ['lr=0.1', (index) => index % 3 === 0],
      ['lr=1e-1', (index) => index % 3 === 0],
      ['lr>0.001', (index) => index % 3 !== 2],
      ['lr<=0.01', (index) => index % 3 !== 0],
      ['lr!=0.1', (index) => index % 3 !== 0],
      ['lr=0.1 units=8', (index) => index % 3 === 0 && index % 4 === 1],
      ['lr=0.5', () => false],
      ['note="plain 12"', (index) => index === 12],
      ['"plain 1"', (index) => `plain ${index}`.startsWith('plain 1') && index !== 7],
      ['100%_odd', (index) => index === 7],
      ['0%_o', (index) => index === 7],
      ['CUDA', (index) => index === 5],
    ];
    for (const [text, expected] of searches) {
      it(`finds by ${text}`, async () => {
        const wanted = upTo(JOBS).filter((number) => expected(number - 1));
        expect(await allPages({ filter: search(text), order: 'asc' })).toEqual(wanted);
        expect(await allPages({ filter: search(text) })).toEqual(wanted.toReversed());
        expect(await countJobs(store, experiment, search(text), 1_000)).toEqual({ count: wanted.length, exact: true });
      });
    }

    it('joins search with status, ranges and hold', async () => {
      expect(await allPages({ filter: { ...search('lr=0.1'), statuses: ['aborted'] }, order: 'asc' })).toEqual([1, 16]);
      expect(await allPages({ filter: { statuses: ['done'], ranges: [{ from: 1, to: 4 }] }, order: 'asc' })).toEqual([2, 3, 4]);
      expect(await allPages({ filter: { held: true } })).toEqual([]);
    });

    it('merges some statuses into one order, page by page', async () => {
      const statuses = ['done', 'aborted'] as const;
      const ended = upTo(20);
      expect(await allPages({ filter: { statuses }, order: 'asc' })).toEqual(ended);
      expect(await allPages({ filter: { statuses }, sort: 'duration_ms', order: 'asc' })).toEqual(ended.toReversed());
      expect(await allPages({ filter: { statuses: ['pending', 'done'] }, sort: 'duration_ms' })).toEqual([
        ...ended.filter((number) => number % 5 !== 1),
        ...upTo(JOBS).slice(20).toReversed(),
      ]);
    });

    it('reads lanes in steps, with what else must hold, and goes on exactly where it stopped', async () => {
      for (const order of ['asc', 'desc'] as const) {
        for (const [column, text, limit] of [
          [null, 'lr>0.001', 2],
          ['duration_ms', 'lr>0.001', 2],
          ['duration_ms', 'lr=0.1 units=8', 1],
          [null, 'lr!=0.1', 100],
        ] as const) {
          const statuses = ['done', 'aborted', 'pending'] as const;
          const rest = await filterWhere(store, experiment, search(text), true);
          const numbers: number[] = [];
          for (let position: Position | null = null, count = 0; count < 100; count += 1) {
            const lanes: Lanes = await readLanes(store.sql, { experiment_id: experiment, statuses, column, order, rest, position, limit });
            numbers.push(...lanes.rows.map((job) => job.number));
            position = lanes.frontier;
            if (position === null) break;
          }
          const wanted = await allPages({ filter: { ...search(text), statuses }, sort: column ?? 'number', order });
          expect(numbers, `${text} ${column} ${order}`).toEqual(column === null ? wanted : wanted.filter((number) => number <= 20));
        }
      }
    });

    it('walks the values of a search in order, each number once', async () => {
      for (const order of ['asc', 'desc'] as const) {
        for (const [text, fits] of [
          ['lr>0.001', (index: number) => index % 3 !== 2],
          ['plain', (index: number) => index !== 7],
        ] as const) {
          const walk = (await startWalk(store.sql, experiment, search(text).terms!, order))!;
          const numbers: number[] = [];
          for (let at = order === 'desc' ? Number.MAX_SAFE_INTEGER : 0; ;) {
            const next = await walk.next(at);
            if (next.length === 0) break;
            numbers.push(...next);
            at = next.at(-1)!;
          }
          const wanted = upTo(JOBS).filter((number) => fits(number - 1));
          expect(numbers).toEqual(order === 'desc' ? wanted.toReversed() : wanted);
        }
      }
    });

    it('compares a number also after the same value came as a text', async () => {
      const mixed = await makeExperiment(store, 'mixed');
      await makeJobs(store, mixed, [{ a: 5 }]);
      await makeJobs(store, mixed, [{ a: '5' }]);
      const page = await listJobs(store, mixed, request({ filter: search('a>4') }));
      expect(page.jobs.map((job) => job.number)).toEqual([1]);
    });

    it('counts only up to its limit, and says so', async () => {
      expect(await countJobs(store, experiment, search('lr>0'), 50)).toEqual({ count: 50, exact: false });
    });

    it('exports each job that fits once, by number, in pieces', async () => {
      const exported = async (filter: JobFilter): Promise<number[]> => {
        const numbers: number[] = [];
        for await (const piece of exportJobs(store, experiment, { filter, metrics: ['loss'] })) {
          expect(piece.length).toBeGreaterThan(0);
          for (const { job, values } of piece) {
            expect(values).toEqual([null]);
            numbers.push(job.number);
          }
        }
        return numbers;
      };
      expect(await exported({})).toEqual(upTo(JOBS));
      expect(await exported({ ...search('lr=0.1'), statuses: ['aborted', 'pending'] })).toEqual([
        1,
        16,
        ...upTo(JOBS).filter((number) => number > 20 && number % 3 === 1),
      ]);
      expect(
        await exported({
          ranges: [
            { from: 3, to: 4 },
            { from: 60, to: 90 },
          ],
        }),
      ).toEqual([3, 4, 60]);
      expect(await exported(search('lr=7'))).toEqual([]);
    });

    it('refuses a cursor that it did not give out', async () => {
      const refused = (over: Partial<JobPageRequest>) =>
        expect(listJobs(store, experiment, request(over))).rejects.toMatchObject({ code: 'invalid_input', details: { fields: [{ path: 'cursor' }] } });
      const made = (...position: unknown[]) => Buffer.from(JSON.stringify(position)).toString('base64url');
      await refused({ cursor: 'bm9uc2Vuc2U' });
      await refused({ cursor: made('1', null) });
      await refused({ cursor: made(1) });
      await refused({ cursor: made(1, 'done'), sort: 'duration_ms' });
      await refused({ cursor: made(1, 0.5), sort: 'priority' });
      await refused({ cursor: made(1, 7), sort: 'worker_id' });
      await refused({ cursor: made(1, 'most'), sort: 'progress' });
    });

    it('finds an edited job by its new params and not by its old ones, and a deleted one not at all', async () => {
      const late = await makeExperiment(store, 'late');
      await makeJobs(store, late, [{ a: 1 }, { a: 2 }]);
      await store.write((tx) => editJob(tx, { experiment_id: late, number: 1 }, { params: { a: 7 } }, 'test'));
      await store.write((tx) => actOnJobs(tx, late, { ranges: [{ from: 2, to: 2 }] }, { action: 'delete', force: false, priority: 0, actor: 'test' }));
      const find = async (text: string) => (await listJobs(store, late, request({ filter: search(text) }))).jobs.map((job) => job.number);
      expect([await find('a=7'), await find('a=1'), await find('a=2')]).toEqual([[1], [], []]);
    });
  });
}
