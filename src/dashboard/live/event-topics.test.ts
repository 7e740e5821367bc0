import { QueryClient } from '@tanstack/react-query';
import { expect, test } from 'vitest';

import type { EventShape } from '../../contract/index.ts';
import { StaleSet } from './event-topics.ts';

const event = (kind: EventShape['kind'], jobs: string | null, experiment: string | null = 'tune'): EventShape => ({
  id: 1,
  at: '2026-11-21T08:00:00.000Z',
  kind,
  experiment,
  actor: null,
  jobs,
  data: {},
});

function stale(events: readonly EventShape[], keys: readonly (readonly unknown[])[]): unknown[] {
  const set = new StaleSet();
  for (const each of events) set.add(each);
  const client = new QueryClient();
  for (const queryKey of keys) client.setQueryData(queryKey, 1);
  return client
    .getQueryCache()
    .findAll({ predicate: (query) => set.matches(query) })
    .map((query) => query.queryKey);
}

const KEYS = [
  ['job', 'tune', 3],
  ['job', 'tune', 9],
  ['job', 'other', 3],
  ['jobs', 'tune', {}],
  ['experiments'],
  ['log', 'tune', 3, 1, 'both'],
  ['workers', 'tune'],
];

test('an event makes stale what shows its jobs, and nothing else', () => {
  expect(stale([event('jobs_finished', '1-5')], KEYS)).toEqual([['job', 'tune', 3], ['jobs', 'tune', {}], ['experiments'], ['workers', 'tune']]);
  expect(stale([event('logs_appended', '3')], KEYS)).toEqual([['log', 'tune', 3, 1, 'both']]);
  expect(stale([event('logs_appended', '4')], KEYS)).toEqual([]);
});

test('many events of many jobs are one set, and never forget a job', () => {
  const events = Array.from({ length: 400 }, (_, index) => event('jobs_finished', `${2 * index + 10}`));
  expect(stale([event('jobs_finished', '3'), ...events], KEYS)).toContainEqual(['job', 'tune', 3]);
});

test('an event of no experiment concerns all', () => {
  expect(stale([event('store_restored', null, null)], KEYS)).toHaveLength(KEYS.length);
});
