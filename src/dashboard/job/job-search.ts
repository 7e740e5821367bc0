// What the job page keeps in its URL: which attempt and which stream of its log is open, and the line that a link is about.
export const STREAM_CHOICES = ['both', 'stdout', 'stderr'] as const;
export type StreamChoice = (typeof STREAM_CHOICES)[number];

export interface JobSearch {
  /** Absent: the newest. */
  readonly attempt?: number;
  readonly stream?: StreamChoice;
  /** `stdout.1234`: the line that begins there. */
  readonly line?: string;
}

const LINE = /^(stdout|stderr)\.(\d{1,15})$/;

export function readLine(text: string | undefined): { readonly stream: 'stdout' | 'stderr'; readonly offset: number } | null {
  const match = LINE.exec(text ?? '');
  return match === null ? null : { stream: match[1] === 'stderr' ? 'stderr' : 'stdout', offset: Number(match[2]) };
}

export function readJobSearch(raw: Record<string, unknown>): JobSearch {
  const attempt = Number(raw['attempt']);
  const stream = STREAM_CHOICES.find((known) => known === raw['stream']);
  return {
    ...(Number.isInteger(attempt) && attempt >= 1 ? { attempt } : {}),
    ...(stream === undefined || stream === 'both' ? {} : { stream }),
    ...(typeof raw['line'] === 'string' && LINE.test(raw['line']) ? { line: raw['line'] } : {}),
  };
}
