// How far a set of jobs is, and when it may end. An estimate is given only when something has finished to estimate from.

export interface ProgressSample {
  /** Milliseconds, from any clock that does not jump. */
  readonly at: number;
  /** Jobs that had ended by then. */
  readonly ended: number;
}

/** Samples kept for the estimate: the recent past says more than the beginning. */
const WINDOW = 20;

export function addSample(samples: readonly ProgressSample[], sample: ProgressSample): ProgressSample[] {
  const last = samples.at(-1);
  if (last !== undefined && last.ended === sample.ended) return [...samples];
  return [...samples, sample].slice(-WINDOW);
}

/** Milliseconds until `remaining` more jobs have ended, at the rate of the samples; null when there is no rate yet. */
export function estimateRemaining(samples: readonly ProgressSample[], remaining: number): number | null {
  if (remaining === 0) return 0;
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.ended <= first.ended || last.at <= first.at) return null;
  return Math.round((remaining * (last.at - first.at)) / (last.ended - first.ended));
}

/** `2h 05m`, `3m 07s`, `12s`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds >= 86_400) return `${Math.floor(seconds / 86_400)}d ${two(Math.floor((seconds % 86_400) / 3600))}h`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  if (seconds >= 60) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${seconds}s`;
}
