// The words of expjobserver for where a job is.
import type { JobShape } from '../contract/schemas.ts';
import type { Colour } from './terminal-text.ts';

export const STATUS_WORDS = ['Waiting', 'Held', 'Running', 'Done', 'Failed', 'Canceled'] as const;
export type StatusWord = (typeof STATUS_WORDS)[number];

export const WORD_COLOURS: Readonly<Record<StatusWord, Colour>> = {
  ...{ Waiting: 'blue', Held: 'blue', Running: 'yellow' },
  ...{ Done: 'green', Failed: 'red', Canceled: 'red' },
};

export function statusWord({ status, held_at: held, outcome }: Pick<JobShape, 'status' | 'held_at' | 'outcome'>): StatusWord {
  switch (status) {
    case 'pending':
      return held === null ? 'Waiting' : 'Held';
    case 'running':
      return 'Running';
    case 'done':
      return 'Done';
    case 'aborted':
      return outcome === 'cancelled' ? 'Canceled' : 'Failed';
  }
}

export type WordCounts = Readonly<Record<StatusWord, number>>;

const LETTERS: readonly (readonly [StatusWord, string])[] = [
  ['Running', 'R'],
  ['Waiting', 'W'],
  ['Held', 'H'],
  ['Done', 'D'],
  ['Failed', 'F'],
  ['Canceled', 'C'],
];

/** `248D 4F 12C`: what is zero is left out. */
export function countsText(counts: WordCounts): string {
  return LETTERS.flatMap(([word, letter]) => (counts[word] === 0 ? [] : [`${counts[word]}${letter}`])).join(' ');
}

export function countWords(jobs: readonly Pick<JobShape, 'status' | 'held_at' | 'outcome'>[]): WordCounts {
  const counts = { Waiting: 0, Held: 0, Running: 0, Done: 0, Failed: 0, Canceled: 0 };
  for (const job of jobs) counts[statusWord(job)] += 1;
  return counts;
}

/** `3m14s`, `1h32m`, `2d5h`, `0s`: the two largest parts. */
export function shortDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  if (days > 0) return `${days}d${hours % 24}h`;
  if (hours > 0) return `${hours}h${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
