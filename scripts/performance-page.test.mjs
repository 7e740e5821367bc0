// The page of figures and the ratios on it: who is compared with whom, and what is said of whom.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { contest, linesOf } from './bench/race/contest.mjs';
import { performancePage } from './bench/page.mjs';
import { ROOT } from './step.mjs';

const one = (id, values, more = {}) => ({
  id: `cycles.sets.${id}`,
  group: 'cycles.sets',
  title: id,
  unit: 'jobs per second',
  who: 'peer',
  durable: true,
  values,
  ...more,
});

const FIELD = [
  one('ours', [100, 120, 110], { who: 'drover', base: 'cycles.sets.bare' }),
  one('bare', [200, 220, 180], { who: 'bare' }),
  one('careful', [90, 95, 99]),
  one('careless', [900, 950, 999], { durable: false }),
];

test('Drover is compared with the bare limit and with the best peer that keeps what it answers', () => {
  const [ours, bare, careful] = linesOf(FIELD);
  expect(ours).toMatchObject({ value: 110, low: 100, high: 120, against: { id: 'cycles.sets.bare', ratio: 0.55 }, rival: { id: 'cycles.sets.careful' } });
  expect(ours.rival.ratio).toBeCloseTo(110 / 95);
  expect(bare.rival).toBe(null);
  expect(careful.rival).toBe(null);
});

test('where all peers count, the fastest is the rival; of times the shortest is the best', () => {
  const [ours] = linesOf(FIELD.map((contestant) => ({ ...contestant, rivals: 'all' })));
  expect(ours.rival).toMatchObject({ id: 'cycles.sets.careless', value: 950 });
  const [time] = linesOf(FIELD.map((contestant) => ({ ...contestant, unit: 'ms', rivals: 'all' })));
  expect(time.rival).toMatchObject({ id: 'cycles.sets.careful' });
});

test('everybody has as many rounds, in turn, and who is missing is left out aloud', async () => {
  const [order, lines, absent] = [[], [], []];
  const contestant = (id) => one(id, [], { open: async () => ({ measure: async () => order.push(id) }) });
  const missing = { ...contestant('missing'), open: async () => ({ missing: 'not installed' }) };
  const all = [contestant('a'), contestant('b'), missing, contestant('c')];
  const selected = (id) => id !== 'cycles.sets.c';
  await contest(all, { rounds: 3, selected, emit: (line) => lines.push(line), leaveOut: (who) => absent.push(who) });
  expect(order.join('')).toBe('ababbaab');
  expect(lines.map(({ id, rounds }) => [id, rounds.length])).toEqual([
    ['cycles.sets.a', 3],
    ['cycles.sets.b', 3],
  ]);
  expect(absent).toEqual([{ id: 'cycles.sets.missing', title: 'missing', reason: 'not installed' }]);
});

const MACHINE = { cpu: 'a processor', cores: 2, memory_gib: 8, system: 'Linux', file_system: 'ext4', node: '20', sqlite: '3', commit: 'abc', redis: '7' };
const RACE = {
  ...{ taken_at: '2026-01-02T03:04:05.000Z', quick: false, rounds: 3, machine: MACHINE, load_before: [0.1, 0, 0], load_after: [2, 1, 0] },
  left_out: [{ id: 'cycles.sets.absent', title: 'absent', reason: 'absent is not installed' }],
};
const growth = (id, value) => ({ id, title: id, unit: 'jobs per second', value, low: value, high: value, rounds: [value] });

test('the page ranks the durable ones, shows the others, and says where Drover falls short', () => {
  const parts = [
    { name: 'cycles', title: 'Cycles', lines: linesOf(FIELD) },
    { name: 'jobs', title: 'Growth', lines: [growth('jobs.10.cycles', 200), growth('jobs.1000.cycles', 100)] },
  ];
  const page = performancePage({ drover: null, peers: { ...RACE, parts } });
  const rows = page.split('\n').filter((row) => row.startsWith('| '));
  expect(rows.find((row) => row.startsWith('| Sets of 2,000 |'))).toBe(
    '| Sets of 2,000 | 110 jobs per second (ours) | 1.16 × careful | yes | 0.55 | **no** (0.67) |',
  );
  const ranking = rows.filter((row) => /\| (yes|no) \| [\d.]* ?\|  \|$/.test(row)).map((row) => row.split(' | ').slice(0, 3));
  expect(ranking).toEqual([
    ['| 1.82', 'bare', '200'],
    ['| 1.00', '**ours**', '110'],
    ['| 0.86', 'careful', '95.0'],
    ['| 8.64', 'careless', '950'],
  ]);
  expect(rows).toContain('| 0.50 | jobs.1000.cycles | 100 jobs per second | 100 to 100 |');
  expect(page).toContain('**Left out**: absent: absent is not installed.');
  expect(page).toContain('Redis 7');
  expect(page).not.toContain('undefined');
});

test('the page is made of the results that are kept beside it', () => {
  const kept = (name) => {
    const path = join(ROOT, `bench/results/${name}.json`);
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
  };
  const results = { drover: kept('drover'), peers: kept('peers') };
  const page = readFileSync(join(ROOT, 'docs/explanation/performance.md'), 'utf8');
  if (results.drover === null && results.peers === null) return expect(page).toContain('Written by `npm run bench');
  return expect(page).toBe(performancePage(results));
});
