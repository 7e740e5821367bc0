// What must hold of samples of machines on every engine.
import { beforeEach, describe, expect, it } from 'vitest';

import { makeAgent, type TestAgent } from '../../test/support/queue.ts';
import { storePerTest } from '../../test/support/store-hooks.ts';
import type { StoreMaker } from '../../test/support/stores.ts';
import { LIMITS } from '../core/limits.ts';

import { MEAN_MS, type MachineSeries, readMachine, recordSamples, thinSamples } from './machine-samples.ts';
import { pruneAgents } from './prune-agents.ts';
import type { Store } from './store.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** A stretch of time and a mean begin here. */
const NOON = Date.UTC(2026, 10, 21, 12);

export function machineSamplesSuite(name: string, make: () => Promise<StoreMaker | null>): void {
  describe(`samples of machines on ${name}`, () => {
    let store: Store;
    let agent: TestAgent;

    storePerTest(make, (opened) => {
      store = opened;
    });
    beforeEach(async (context) => {
      if (store === undefined) return context.skip();
      agent = await makeAgent(store);
    });

    /** As if the transaction were at another moment. */
    const at = <T>(now: number, unit: (tx: Parameters<Parameters<Store['write']>[0]>[0]) => T | Promise<T>): Promise<T> =>
      store.write(async (tx) => unit({ ...tx, now }));
    const record = (now: number, metrics: Record<string, number>, before: number | null = null): Promise<void> =>
      at(now, (tx) => recordSamples(tx, [{ agent_id: agent.id, before, metrics }]));
    const read = async (from: number, until: number, points = 240, now = until) => readMachine(store, { agent_id: agent.id, from, until, points, now });
    const rows = async (): Promise<number> => (await store.sql.all('select 1 as one from machine_sample')).length;
    const byName = (series: readonly MachineSeries[]) => Object.fromEntries(series.map((one) => [one.name, one.mean]));

    it('come with a sync, and not more often than they are kept', async () => {
      await agent.sync({ metrics: { cpu_percent: 10, load_1: 0.5 } });
      await agent.sync({ metrics: { cpu_percent: 90, load_1: 9 } });
      await agent.sync({});
      const { at: first } = (await store.sql.all<{ at: number }>('select max(heard_at) as at from agent'))[0]!;
      const { series } = await read(Number(first) - MINUTE, Number(first) + MINUTE, 1);
      expect(byName(series)).toEqual({ cpu_percent: [10], load_1: [0.5] });
    });

    it('are added up by pieces of time, with what was least and greatest, and gaps where nothing was measured', async () => {
      for (const [second, cpu] of [
        [0, 10],
        [15, 30],
        [30, 50],
        [90, 70],
      ] as const)
        await record(NOON + second * 1000, { cpu_percent: cpu });
      const { piece_ms, series } = await read(NOON, NOON + 2 * MINUTE);
      expect(piece_ms).toBe(30_000);
      expect(series).toEqual([{ name: 'cpu_percent', mean: [20, 50, null, 70], least: [10, 50, null, 70], greatest: [30, 50, null, 70] }]);
      expect((await read(NOON, NOON + 2 * MINUTE, 1)).series[0]).toMatchObject({ mean: [40], least: [10], greatest: [70] });
    });

    it('are of their own agent, and a GPU that was not always told of keeps its place', async () => {
      const other = await makeAgent(store);
      await at(NOON, (tx) =>
        recordSamples(tx, [
          { agent_id: agent.id, before: null, metrics: { cpu_percent: 1 } },
          { agent_id: other.id, before: null, metrics: { cpu_percent: 99, gpu_0_percent: 50 } },
        ]),
      );
      await record(NOON + 40_000, { cpu_percent: 2, gpu_0_percent: 80 });
      const { series } = await read(NOON, NOON + MINUTE);
      expect(byName(series)).toEqual({ cpu_percent: [1, 2], gpu_0_percent: [null, 80] });
    });

    it('keep few names, and none that is not one of ours', async () => {
      const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`gpu_${String(index).padStart(3, '0')}_percent`, index]));
      await record(NOON, { ...many, 'Robert"); drop table': 1, a_huge: 1.7976931348623157e308, fine: 2 });
      const { series } = await read(NOON, NOON + MINUTE);
      expect(series.map((one) => one.name)).not.toContain('a_huge');
      expect(series.map((one) => one.name)).toContain('fine');
      expect(series.length).toBeLessThanOrEqual(LIMITS.machine_metrics.value);
      expect(series.every((one) => /^(gpu_\d+_percent|fine)$/.test(one.name))).toBe(true);
    });

    it('become means when they are old, once, and go when they are very old', async () => {
      for (let second = 0; second < 600; second += 15) await record(NOON + second * 1000, { cpu_percent: second < 300 ? 20 : 60 });
      await record(NOON + 3 * DAY, { cpu_percent: 5 });
      const later = NOON + 3 * DAY + MINUTE;
      expect(await at(later, (tx) => thinSamples(tx, 100))).toBe(false);
      expect(await at(later, (tx) => thinSamples(tx, 100))).toBe(false);
      const { piece_ms, series } = await read(NOON, NOON + 10 * MINUTE, 100, later);
      expect(piece_ms).toBe(MEAN_MS);
      expect(byName(series)).toEqual({ cpu_percent: [20, 60] });
      expect(byName((await read(NOON + 3 * DAY - MINUTE, later)).series)['cpu_percent']).toContain(5);
      expect(await rows()).toBe(2);
      await at(NOON + 40 * DAY, (tx) => thinSamples(tx, 100));
      expect(byName((await read(NOON, NOON + DAY, 100, NOON + 40 * DAY)).series)).toEqual({});
    });

    it('are thinned in pieces', async () => {
      for (let row = 0; row < 5; row += 1) await record(NOON + row * 10 * MINUTE, { cpu_percent: row });
      const later = NOON + 4 * DAY;
      let pieces = 1;
      while (await at(later, (tx) => thinSamples(tx, 2))) pieces += 1;
      expect(pieces).toBe(3);
      expect((await read(NOON, NOON + 50 * MINUTE, 5, later)).series[0]!.mean).toEqual([0, 1, 2, 3, 4]);
    });

    it('go with their agent', async () => {
      await record(NOON, { cpu_percent: 1 });
      const now = await store.write(async (tx) => tx.now);
      await store.write((tx) => tx.sql.run(`update agent set liveness = 'lost', heard_at = ?`, [now]));
      expect(await pruneAgents(store, now + LIMITS.agent_kept_seconds.value * 1000 + 1)).toBe(1);
      expect(await rows()).toBe(0);
    });
  });
}
