import { expect, test } from 'vitest';

import { exampleJob } from '../../contract/endpoints/jobs.ts';
import type { JobShape } from '../../contract/index.ts';
import { paramRows, settingRows } from './compared-rows.ts';

const job = (params: JobShape['params'], change: Partial<JobShape> = {}): JobShape => ({
  ...(exampleJob as JobShape),
  params,
  command: 'true',
  tags: [],
  machine_class: null,
  ...change,
});

test('params of all jobs, with what differs told from what does not', () => {
  expect(paramRows([job({ lr: 0.1, seed: 1 }), job({ lr: 0.1, seed: 2, drop: null })])).toEqual([
    { name: 'lr', texts: ['0.1', '0.1'], differs: false },
    { name: 'seed', texts: ['1', '2'], differs: true },
    { name: 'drop', texts: [null, 'null'], differs: true },
  ]);
});

test('settings that no job has are left out', () => {
  expect(settingRows([job({}), job({}, { command: null })])).toEqual([{ name: 'command', texts: ['true', 'script of the worker'], differs: true }]);
});
