import { expect, test } from 'vitest';

import { operationText, shownOperations, type Operation } from './operation-text.ts';

const at = (second: number): string => new Date(second * 1_000).toISOString();

const operation = (change: Partial<Operation>): Operation => ({
  ...{ id: 1, action: 'cancel', state: 'running', matched: 250_000, done: 40_000, changed: 39_990, refused: {} },
  ...{ created_at: at(0), created_by: 'key:laptop', finished_at: null, problem: null },
  ...change,
});

test('says what it does, what it did, what it left and why it stopped', () => {
  expect(operationText(operation({ refused: { job_ended: 10 } }))).toEqual({
    title: 'Cancelling 250,000 jobs',
    detail: '40,000 looked at, 10 had already ended and stayed as they were',
  });
  expect(operationText(operation({}), true).detail).toBe('waits for the one before');
  const done = operation({ action: 'set_priority', state: 'done', done: 3, matched: 3, changed: 2, refused: { job_ended: 1 } });
  expect(operationText(done)).toEqual({ title: 'Set the priority of 2 of 3 jobs', detail: '1 had already ended and stayed as it was' });
  expect(operationText(operation({ state: 'done', matched: 1, done: 1, changed: 1 }))).toEqual({ title: 'Cancelled 1 job', detail: null });
  expect(operationText(operation({ state: 'failed', problem: 'Too many.' }))).toEqual({
    title: 'Cancelling stopped after 40,000 of 250,000 jobs',
    detail: 'Too many.',
  });
});

test('shows what runs, what ended under the eyes of the viewer, and failures that were not closed', () => {
  const all = [
    operation({ id: 5 }),
    operation({ id: 4, state: 'done', finished_at: at(200_000) }),
    operation({ id: 3, state: 'done', finished_at: at(199_000) }),
    operation({ id: 2, state: 'failed', finished_at: at(190_000) }),
    operation({ id: 1, state: 'failed', finished_at: at(1_000) }),
  ];
  const viewer = { openedAt: 199_500_000, now: 201_000_000, read: [] };
  expect(shownOperations(all, viewer).map(({ id }) => id)).toEqual([2, 4, 5]);
  expect(shownOperations(all, { ...viewer, read: [2, 4, 5] }).map(({ id }) => id)).toEqual([5]);
});
