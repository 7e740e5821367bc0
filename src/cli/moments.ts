// Moments and durations for eyes.
import { formatDuration } from '../core/progress.ts';

/** `5s ago`, `2h 05m ago`; `in 30s` for a moment to come. */
export function relativeTime(moment: string | null, now: number): string {
  if (moment === null) return '';
  const past = now - Date.parse(moment);
  if (past < 0 && past > -1000) return 'now';
  return past >= 0 ? `${formatDuration(past)} ago` : `in ${formatDuration(-past)}`;
}

/** The moment itself, and how long ago it was. */
export function fullTime(moment: string | null, now: number): string {
  return moment === null ? '' : `${moment} (${relativeTime(moment, now)})`;
}

export function durationText(milliseconds: number | null): string {
  if (milliseconds === null) return '';
  return milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)}s` : formatDuration(milliseconds);
}
