import { expect, test } from 'vitest';

import { countsText, countWords, shortDuration, statusWord } from './status-word.ts';

const job = (status: 'pending' | 'running' | 'done' | 'aborted', more: { held_at?: string; outcome?: 'failed' | 'cancelled' } = {}) => ({
  status,
  held_at: more.held_at ?? null,
  outcome: more.outcome ?? null,
});

test('each state has one word', () => {
  expect(statusWord(job('pending'))).toBe('Waiting');
  expect(statusWord(job('pending', { held_at: '2026-11-21T08:30:00.000Z' }))).toBe('Held');
  expect(statusWord(job('aborted', { outcome: 'failed' }))).toBe('Failed');
  expect(statusWord(job('aborted', { outcome: 'cancelled' }))).toBe('Canceled');
});

test('counts come in one order, without those that are zero', () => {
  expect(countsText({ Waiting: 0, Held: 0, Running: 0, Done: 248, Failed: 4, Canceled: 12 })).toBe('248D 4F 12C');
  expect(countsText(countWords([job('pending'), job('running'), job('pending')]))).toBe('1R 2W');
});

test.each([
  [0, '0s'],
  [999, '0s'],
  [194_000, '3m14s'],
  [3_235_000, '53m55s'],
  [5_520_000, '1h32m'],
  [190_800_000, '2d5h'],
])('%s ms are %s', (milliseconds, text) => expect(shortDuration(milliseconds)).toBe(text));
