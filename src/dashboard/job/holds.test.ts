import { expect, test } from 'vitest';

import type { EventShape } from '../../contract/index.ts';
import { holdsOf } from './holds.ts';

const START = Date.parse('2026-01-05T08:00:00.000Z');
const at = (seconds: number): number => START + seconds * 1000;
const iso = (seconds: number): string => new Date(at(seconds)).toISOString();
const told = (...events: [EventShape['kind'], number, EventShape['data']?][]) =>
  events.map(([kind, seconds, data = {}]) => ({ kind, at: iso(seconds), data })).toReversed();
const free = { held_at: null, created_at: iso(0) };
const hold = (from: number, to: number, kind = 'hold') => ({ kind, from: at(from), to: to === Infinity ? to : at(to) });

test('a hold lasts until the job is let run, requeued or cancelled; to hold it twice changes nothing', () => {
  expect(holdsOf(free, [], null)).toEqual([]);
  const events = told(['jobs_created', 0], ['jobs_held', 1], ['jobs_edited', 2], ['jobs_held', 3], ['jobs_unheld', 5], ['jobs_unheld', 6]);
  expect(holdsOf(free, events, null)).toEqual([hold(1, 5)]);
  const cancelled = told(['jobs_held', 1], ['jobs_cancelled', 4], ['jobs_requeued', 9], ['jobs_held', 10], ['jobs_unheld', 12]);
  expect(holdsOf(free, cancelled, null)).toEqual([hold(1, 4), hold(10, 12)]);
});

test('a job that is held now is held since it says so itself', () => {
  expect(holdsOf({ ...free, held_at: iso(7) }, told(['jobs_held', 1], ['jobs_unheld', 2], ['jobs_held', 7]), null)).toEqual([hold(1, 2), hold(7, Infinity)]);
});

test('a job that was created held is told apart from one that was held later, while it lasts and afterwards', () => {
  expect(holdsOf({ ...free, held_at: iso(0) }, [], null)).toEqual([hold(0, Infinity, 'created_held')]);
  expect(holdsOf(free, told(['jobs_created', 0, { held: true }], ['jobs_unheld', 4], ['jobs_held', 6], ['jobs_unheld', 7]), null)).toEqual([
    hold(0, 4, 'created_held'),
    hold(6, 7),
  ]);
});

test('that a job was let run which nobody had held tells of no hold', () => {
  expect(holdsOf(free, told(['jobs_created', 0], ['jobs_unheld', 5]), null)).toEqual([]);
});

test('holds of the queue: begun before the job was there, over, and lasting', () => {
  const events = told(['jobs_created', 0], ['queue_unheld', 3, { held_since: iso(-60) }], ['queue_held', 5], ['queue_unheld', 8, { held_since: iso(5) }]);
  expect(holdsOf(free, events, iso(9))).toEqual([hold(-60, 3, 'queue_hold'), hold(5, 8, 'queue_hold'), hold(9, Infinity, 'queue_hold')]);
});

test('while both were held, the hold of the job counts', () => {
  const events = told(['queue_held', 1], ['jobs_held', 3], ['jobs_unheld', 5], ['queue_unheld', 9, { held_since: iso(1) }]);
  expect(holdsOf(free, events, null)).toEqual([hold(1, 3, 'queue_hold'), hold(3, 5), hold(5, 9, 'queue_hold')]);
  expect(holdsOf({ ...free, held_at: iso(0) }, told(['queue_held', 1]), iso(1))).toEqual([hold(0, Infinity, 'created_held')]);
});
