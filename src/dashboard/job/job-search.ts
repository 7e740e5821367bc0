// What the job page keeps in its URL: which attempt and which stream of its log is open.
export const STREAM_CHOICES = ['both', 'stdout', 'stderr'] as const;
export type StreamChoice = (typeof STREAM_CHOICES)[number];

export interface JobSearch {
  /** Absent: the newest. */
  readonly attempt?: number;
  readonly stream?: StreamChoice;
}

export function readJobSearch(raw: Record<string, unknown>): JobSearch {
  const attempt = Number(raw['attempt']);
  const stream = STREAM_CHOICES.find((known) => known === raw['stream']);
  return {
    ...(Number.isInteger(attempt) && attempt >= 1 ? { attempt } : {}),
    ...(stream === undefined || stream === 'both' ? {} : { stream }),
  };
}
