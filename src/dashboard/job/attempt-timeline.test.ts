import { expect, test } from 'vitest';

import type { AttemptShape } from '../../contract/index.ts';
import { timelineOf } from './attempt-timeline.ts';

const START = Date.parse('2026-01-05T08:00:00.000Z');
const iso = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

function attempt(number: number, claimed: number, { started = claimed, finished }: { started?: number | null; finished: number | null }): AttemptShape {
  return {
    attempt: number,
    rank: 0,
    outcome: finished === null ? null : 'failed',
    revision: 0,
    machine: null,
    worker_id: 'gpunode_egg_0',
    claimed_at: iso(claimed),
    started_at: started === null ? null : iso(started),
    finished_at: finished === null ? null : iso(finished),
    retry_at: null,
    requeued_at: null,
    duration_ms: null,
    exit_code: null,
    signal: null,
    message: null,
    evidence: null,
    log_bytes: { stdout: 0, stderr: 0 },
  };
}

const job = { status: 'running', created_at: iso(0) } as const;
const at = (seconds: number): number => START + seconds * 1000;
const spansOf = (timeline: ReturnType<typeof timelineOf>, row: number): unknown[] =>
  timeline.rows[row]!.spans.map(({ kind, from, to }) => [kind, Number(from.toFixed(4)), Number(to.toFixed(4))]);

test('waits, starts and runs stand where they were on the axis, the newest first', () => {
  const timeline = timelineOf(job, [attempt(1, 10, { started: 20, finished: 50 }), attempt(2, 60, { finished: null })], { now: at(100) });
  expect(timeline.shortened).toBe(false);
  expect(timeline.rows.map((row) => row.attempt?.attempt)).toEqual([2, 1]);
  expect(spansOf(timeline, 1)).toEqual([
    ['wait', 0, 0.1],
    ['start', 0.1, 0.2],
    ['run', 0.2, 0.5],
  ]);
  expect(spansOf(timeline, 0)).toEqual([
    ['wait', 0.5, 0.6],
    ['run', 0.6, 1],
  ]);
  expect(timeline.ticks).toEqual([at(0), at(25), at(50), at(75), at(100)]);
});

test('a wait of days does not hide the runs, nor the short waits between them', () => {
  const day = 86_400;
  const attempts = [attempt(1, 3 * day, { finished: 3 * day + 60 }), attempt(2, 3 * day + 70, { finished: 3 * day + 130 })];
  const timeline = timelineOf({ ...job, status: 'aborted' }, attempts, { now: at(9 * day) });
  expect(timeline.shortened).toBe(true);
  const [[, begin, claimed]] = spansOf(timeline, 1) as [[string, number, number]];
  expect(begin).toBe(0);
  expect(claimed).toBeGreaterThan(0.2);
  expect(claimed).toBeLessThan(0.3);
  const [[, waitFrom, waitTo], [, , end]] = spansOf(timeline, 0) as [[string, number, number], [string, number, number]];
  expect(waitTo - waitFrom).toBeGreaterThan(0.001);
  expect(end).toBe(1);
  expect(timeline.rows[1]!.waited_ms).toBe(3 * day * 1000);
  // The axis reads backwards too.
  expect(timeline.ticks[0]).toBe(at(0));
  expect(timeline.ticks.at(-1)).toBe(at(3 * day + 130));
});

test('a job that waits for its next try says so in a row of its own', () => {
  const timeline = timelineOf({ ...job, status: 'pending' }, [attempt(1, 0, { finished: 30 })], { now: at(40) });
  expect(timeline.rows.map((row) => row.attempt?.attempt ?? null)).toEqual([null, 1]);
  expect(spansOf(timeline, 0)).toEqual([['wait', 0.75, 1]]);
  expect(timeline.rows[0]!.waited_ms).toBe(10_000);
});

test('clocks that disagree, tries without any length and overlapping ones make no span that runs backwards', () => {
  const attempts = [
    attempt(1, 5, { started: 4, finished: 2 }),
    attempt(2, 6, { finished: 6 }),
    attempt(3, 7, { finished: 100 }),
    attempt(4, 50, { started: null, finished: null }),
  ];
  const timeline = timelineOf(job, attempts, { now: at(60) });
  for (const { spans } of timeline.rows) {
    for (const { from, to } of spans) {
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeGreaterThanOrEqual(from);
      expect(to).toBeLessThanOrEqual(1);
    }
  }
  // What is claimed and has not begun is still starting.
  expect(spansOf(timeline, 0).map((span) => (span as string[])[0])).toEqual(['start', 'run']);
  expect(timelineOf(job, [attempt(1, 0, { finished: 0 })], { now: at(0) }).rows).toHaveLength(1);
});

test('a wait is told as what it was: back-off, having ended until it was requeued, and the queue', () => {
  const waitsOf = (first: Partial<AttemptShape>): unknown[] => {
    const tries = [{ ...attempt(1, 10, { finished: 20 }), ...first }, attempt(2, 60, { finished: null })];
    return timelineOf(job, tries, { now: at(100) }).rows[0]!.waits.map(({ kind, ms }) => [kind, ms / 1000]);
  };
  expect(waitsOf({})).toEqual([['wait', 40]]);
  expect(waitsOf({ retry_at: iso(45) })).toEqual([
    ['back_off', 25],
    ['wait', 15],
  ]);
  // Clocks differ, and a worker may take it at once.
  expect(waitsOf({ retry_at: iso(61) })).toEqual([['back_off', 40]]);
  expect(waitsOf({ requeued_at: iso(50) })).toEqual([
    ['ended', 30],
    ['wait', 10],
  ]);
  const pending = timelineOf({ ...job, status: 'pending' }, [{ ...attempt(1, 0, { finished: 10 }), retry_at: iso(30) }], { now: at(25) });
  expect(pending.rows[0]).toMatchObject({ attempt: null, waits: [{ kind: 'back_off', ms: 15_000 }] });
});

test('the part of a wait in which the job was held is told as that, also within a back-off', () => {
  const holds = (...seconds: [number, number][]) => seconds.map(([from, to]) => ({ kind: 'hold' as const, from: at(from), to: at(to) }));
  const tries = [{ ...attempt(1, 10, { finished: 20 }), retry_at: iso(40) }, attempt(2, 90, { finished: null })];
  const timeline = timelineOf(job, tries, { now: at(100), holds: holds([2, 6], [30, 50], [60, 70], [95, Infinity]) });
  expect(timeline.rows[1]!.waits).toEqual([
    { kind: 'wait', ms: 6_000 },
    { kind: 'hold', ms: 4_000 },
  ]);
  expect(spansOf(timeline, 0).map((span) => (span as string[])[0])).toEqual(['back_off', 'hold', 'hold', 'wait', 'hold', 'wait', 'run']);
  expect(timeline.rows[0]!.waits).toEqual([
    { kind: 'back_off', ms: 10_000 },
    { kind: 'hold', ms: 30_000 },
    { kind: 'wait', ms: 30_000 },
  ]);
  // Between its end and being put back a job cannot be held.
  const requeued = [{ ...attempt(1, 0, { finished: 10 }), requeued_at: iso(50) }];
  const pending = timelineOf({ ...job, status: 'pending' }, requeued, { now: at(100), holds: holds([5, 20], [80, Infinity]) });
  expect(pending.rows[0]!.waits).toEqual([
    { kind: 'ended', ms: 40_000 },
    { kind: 'wait', ms: 30_000 },
    { kind: 'hold', ms: 20_000 },
  ]);
});
