import { expect, test } from 'vitest';

import { exportUrl } from './api.ts';

test('a file is of all that narrows the list, and of nothing else', () => {
  const filter = { status: 'done', search: 'lr>0.1 & x', matrix_id: 3, numbers: '1-3,7' } as const;
  const url = new URL(exportUrl({ experiment: 'tune', filter, metrics: ['val, loss', 'acc'], format: 'csv' }), 'http://localhost');
  expect(url.pathname).toBe('/api/v1/experiments/tune/export');
  expect([...url.searchParams]).toEqual([
    ['format', 'csv'],
    ['mark', 'true'],
    ['status', 'done'],
    ['search', 'lr>0.1 & x'],
    ['matrix_id', '3'],
    ['numbers', '1-3,7'],
    ['metric', 'val, loss'],
    ['metric', 'acc'],
  ]);
  expect(exportUrl({ experiment: 'tune', filter: {}, metrics: [], format: 'jsonl' })).toBe('/api/v1/experiments/tune/export?format=jsonl');
});
