// What of one attempt has been shipped and what waits. The server's answers are the truth about what it has.
import type { LeaseReferenceShape } from '../contract/index.ts';
import type { Attempt } from './attempt-life.ts';
import type { SpoolFiles } from './spool-files.ts';

export type LogName = 'stdout' | 'stderr';

export interface StreamState {
  /** The server has the bytes before this offset. */
  shipped: number;
  /** Bytes in the file when it was last looked at. */
  size: number;
  /** When it was last seen to have grown, monotonic milliseconds. */
  grown_at: number;
}

/** When a log was seen to have grown to this size, milliseconds since 1970: a server that is away does not make output younger. */
export interface Growth {
  readonly size: number;
  readonly at: number;
}

export interface Spool {
  readonly attempt: Attempt;
  readonly directory: string;
  readonly streams: Record<LogName, StreamState>;
  /** Of what was not shipped yet, oldest first. */
  readonly growth: Record<LogName, Growth[]>;
  readonly metrics: StreamState;
  uploads_waiting: boolean;
  /** Descriptions of uploads that were dealt with and cannot be moved out of the way. */
  readonly stuck_uploads: Set<string>;
  /** Monotonic milliseconds. */
  uploads_postponed_until: number;
  /** Monotonic milliseconds. */
  next_check: number;
  check_interval: number;
  /** The server refused this attempt's data: not before this moment again, monotonic milliseconds. */
  postponed_until: number;
  /** The server will never take more of its logs and metrics. */
  given_up: boolean;
  /** The server did not know it although its end was settled, so its end is told again. */
  told_again: boolean;
}

/** Files of running jobs are looked at this often while they grow, and less often while they do not. */
export const CHECK_MS = 200;
const LONGEST_CHECK_MS = 1_000;

export function createSpool(attempt: Attempt, directory: string): Spool {
  return {
    attempt,
    directory,
    streams: { stdout: newStream(), stderr: newStream() },
    growth: { stdout: [], stderr: [] },
    metrics: newStream(),
    uploads_waiting: false,
    stuck_uploads: new Set(),
    uploads_postponed_until: 0,
    next_check: 0,
    check_interval: CHECK_MS,
    postponed_until: 0,
    given_up: false,
    told_again: false,
  };
}

function newStream(): StreamState {
  return { shipped: 0, size: 0, grown_at: -Infinity };
}

/** Looks at the files; true when something waits to be shipped. */
export function refresh(spool: Spool, files: SpoolFiles, { monotonic, now }: { readonly monotonic: number; readonly now: number }): boolean {
  const before = spool.streams.stdout.size + spool.streams.stderr.size + spool.metrics.size;
  for (const name of ['stdout', 'stderr'] as const) {
    const size = files.size(spool.directory, name);
    if (size > spool.streams[name].size) {
      noteGrowth(spool, name, { size, at: now });
      spool.streams[name].grown_at = monotonic;
    }
    spool.streams[name].size = size;
  }
  spool.metrics.size = files.size(spool.directory, 'metrics.jsonl');
  spool.uploads_waiting = waitingUploads(spool, files).length > 0;
  const grown = spool.streams.stdout.size + spool.streams.stderr.size + spool.metrics.size > before;
  spool.check_interval = grown ? CHECK_MS : Math.min(LONGEST_CHECK_MS, spool.check_interval * 1.3);
  spool.next_check = monotonic + spool.check_interval;
  return !isDelivered(spool);
}

/** Names of the descriptions of uploads that wait, oldest first. */
export function waitingUploads({ directory, stuck_uploads }: Spool, files: SpoolFiles): string[] {
  return files.uploads(directory).filter((name) => !stuck_uploads.has(name));
}

/** A job can make its own files unreadable. While it runs it may mend them; after its end, what cannot be read is gone. */
export const UNREADABLE_AGAIN_MS = 1_000;

const MOST_GROWTHS = 256;

/** A long absence of the server is remembered coarsely: every second moment goes when there are too many. */
function noteGrowth(spool: Spool, name: LogName, growth: Growth): void {
  const { shipped } = spool.streams[name];
  const waiting = [...spool.growth[name].filter(({ size }) => size > shipped), growth];
  spool.growth[name] = waiting.length <= MOST_GROWTHS ? waiting : waiting.filter((_, index) => index % 2 === 1 || index === waiting.length - 1);
}

/** The growth that brought the byte at an offset; null when nobody looked at that time. */
export function growthAt(spool: Spool, name: LogName, offset: number): Growth | null {
  return spool.growth[name].find(({ size }) => size > offset) ?? null;
}

export function isDelivered(spool: Spool): boolean {
  if (spool.attempt.unwanted) return true;
  return (spool.given_up || (logsWait(spool) === 0 && spool.metrics.shipped >= spool.metrics.size)) && !spool.uploads_waiting;
}

export function logsWait({ streams }: Spool): number {
  return Math.max(0, streams.stdout.size - streams.stdout.shipped) + Math.max(0, streams.stderr.size - streams.stderr.shipped);
}

export function referenceOf({ lease }: Attempt): LeaseReferenceShape {
  return { job_id: lease.job_id, attempt: lease.attempt, rank: lease.rank, token: lease.token };
}

/** Names a rank of an attempt in replies, which do not repeat the token. */
export function attemptKey(name: { readonly job_id: number; readonly attempt: number; readonly rank: number }): string {
  return `${name.job_id}.${name.attempt}.${name.rank}`;
}
