import { expect, test } from 'vitest';

import type { EventShape } from '../../contract/index.ts';
import { holdsOf } from './holds.ts';

const START = Date.parse('2026-01-05T08:00:00.000Z');
const at = (seconds: number): number => START + seconds * 1000;
const iso = (seconds: number): string => new Date(at(seconds)).toISOString();
const told = (...events: [EventShape['kind'], number][]) => events.map(([kind, seconds]) => ({ kind, at: iso(seconds) })).toReversed();
const free = { held_at: null };

test('a hold lasts until the job is let run, requeued or cancelled; to hold it twice changes nothing', () => {
  expect(holdsOf(free, [])).toEqual([]);
  expect(holdsOf(free, told(['jobs_created', 0], ['jobs_held', 1], ['jobs_edited', 2], ['jobs_held', 3], ['jobs_unheld', 5], ['jobs_unheld', 6]))).toEqual([
    { from: at(1), to: at(5) },
  ]);
  expect(holdsOf(free, told(['jobs_held', 1], ['jobs_cancelled', 4], ['jobs_requeued', 9], ['jobs_held', 10], ['jobs_unheld', 12]))).toEqual([
    { from: at(1), to: at(4) },
    { from: at(10), to: at(12) },
  ]);
});

test('a job that is held now is held since it says so itself, also when it was created like that', () => {
  expect(holdsOf({ held_at: iso(7) }, told(['jobs_held', 1], ['jobs_unheld', 2], ['jobs_held', 7]))).toEqual([
    { from: at(1), to: at(2) },
    { from: at(7), to: Infinity },
  ]);
  expect(holdsOf({ held_at: iso(0) }, told(['jobs_created', 0]))).toEqual([{ from: at(0), to: Infinity }]);
});

test('that a job was let run which nobody had held tells of no hold', () => {
  expect(holdsOf(free, told(['jobs_created', 0], ['jobs_unheld', 5]))).toEqual([]);
});
