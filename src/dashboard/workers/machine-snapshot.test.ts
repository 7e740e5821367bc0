import { expect, it } from 'vitest';

import { snapshot } from './machine-snapshot.ts';

it('what is nearly full is marked, what has no whole has no bar', () => {
  const metrics = { cpu_percent: 12.4, load_1: 3, memory_used_bytes: 7e9, memory_total_bytes: 8e9, disk_free_bytes: 1e9 };
  expect(snapshot(metrics, 4)).toEqual([
    { name: 'CPU', text: '12%', share: 0.124, tone: 'good' },
    { name: 'Memory', text: '7.0 GB of 8.0 GB', share: 0.875, tone: 'bad' },
    { name: 'Load', text: '3 on 4 CPU', share: 0.75, tone: 'warn' },
    { name: 'Disk free', text: '1.0 GB', share: null, tone: 'good' },
  ]);
});

it('GPUs come in the order of their numbers, and never beyond their whole', () => {
  const gauges = snapshot({ gpu_10_percent: 130, gpu_2_percent: 5, gpu_2_celsius: 41.2, gpu_2_memory_used_bytes: 1e9 }, 0);
  expect(gauges.map(({ name, text, share }) => [name, text, share])).toEqual([
    ['GPU 2', '5% · 41 °C', 0.05],
    ['GPU 2 memory', '1.0 GB', null],
    ['GPU 10', '130%', 1],
  ]);
});
