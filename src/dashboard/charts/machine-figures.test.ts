import { expect, it } from 'vitest';

import { axisStep, figureTable, linePoints, machineFigures, type MachineReply } from './machine-figures.ts';

const series = (name: string, ...mean: (number | null)[]): MachineReply['series'][number] => ({
  name,
  mean,
  least: mean.map((value) => (value === null ? null : value - 1)),
  greatest: mean.map((value) => (value === null ? null : value + 1)),
});
const reply = (...all: MachineReply['series']): MachineReply => ({
  worker_id: 'node_egg_0',
  from: '2026-11-21T08:00:00.000Z',
  until: '2026-11-21T08:03:00.000Z',
  piece_seconds: 60,
  series: all,
});

it('figures are made of what was measured: GPUs together, in the order of their numbers', () => {
  const figures = machineFigures(
    reply(
      series('cpu_percent', 10, null, 30),
      series('gpu_10_percent', 1),
      series('gpu_2_percent', 2),
      series('memory_used_bytes', 2e9),
      series('memory_total_bytes', 8e9),
    ),
  );
  expect(figures.map(({ title, lines }) => [title, lines.map(({ label }) => label)])).toEqual([
    ['CPU', ['CPU']],
    ['Memory used', ['Memory']],
    ['GPU use', ['GPU 2', 'GPU 10']],
  ]);
  expect(figures.map(({ summary }) => summary)).toEqual(['20% on average, 31% at most', '2.0 GB on average, 2.0 GB at most', '1.5% on average, 3% at most']);
});

it('a piece of time without a measurement stays a gap, in the line and in the table', () => {
  const machine = reply(series('cpu_percent', 10, null, 30));
  const at = Date.parse(machine.from);
  expect(linePoints(machine, machine.series[0]!.mean)).toEqual([
    [at, 10],
    [at + 60_000, null],
    [at + 120_000, 30],
  ]);
  expect(figureTable(machine, machineFigures(machine)[0]!).rows.map((row) => row.slice(1))).toEqual([
    [10, 9, 11],
    [null, null, null],
    [30, 29, 31],
  ]);
});

it('marks the axis of a machine by round numbers', () => {
  expect([100, 25.3e9, 64e9, 271e9, 8, 1].map(axisStep)).toEqual([25, 5e9, 20e9, 50e9, 2, 0.2]);
});
