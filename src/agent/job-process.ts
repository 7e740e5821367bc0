// The port between an attempt's life and the machine: how a job becomes a process. The simulator brings its own.
import type { LeaseShape } from '../contract/index.ts';
import type { StoredAttempt } from './attempt-store.ts';

export interface ProcessEnd {
  /** `exited`: there is a status. `vanished`: gone without one while somebody watched. `lost`: gone without one, unseen. */
  readonly kind: 'exited' | 'vanished' | 'lost';
  readonly exit_code: number | null;
  readonly signal: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface JobProcess {
  /** Of the shell around it, which leads its process group; null when it was never known. */
  readonly pid: number | null;
  /** Milliseconds since 1970. */
  readonly started_at: number;
  /** Milliseconds that it had run when it was started or found here, by a clock that nobody sets; null: not known. */
  readonly ran_ms: number | null;
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** Whether its end is on record, even if `ended` has not told it yet. */
  hasEnded(): boolean;
  /** To everything in the job's process group. */
  signal(name: 'SIGTERM' | 'SIGKILL'): void;
  groupLives(): boolean;
}

export interface ProcessRunner {
  /** Throws StartFailure. */
  start(attempt: StoredAttempt, workerId: string): Promise<JobProcess>;
  /** Finds the process that another run of the agent started. */
  adopt(attempt: StoredAttempt): Promise<JobProcess>;
}

/** Who is to blame when a process could not be started: the job fails, or it is given back and the machine takes no more for a while. */
export class StartFailure extends Error {
  readonly fault: 'job' | 'machine';

  constructor(fault: 'job' | 'machine', message: string) {
    super(message);
    this.name = 'StartFailure';
    this.fault = fault;
  }
}

/** The disk, the memory, or a file system that has gone: a home over the network that is away right now must not cost a queue its jobs. */
const MACHINE_FAULTS = new Set([
  ...['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EBUSY', 'ESTALE'],
  ...['ENOENT', 'ENODEV', 'ENXIO', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN'],
]);

/** What a failed system call during preparation or start means. */
export function startFailure(error: unknown, lease: LeaseShape): StartFailure {
  if (error instanceof StartFailure) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'E2BIG') {
    return new StartFailure('job', 'The command line is longer than this system allows (E2BIG). Put large values into a file and pass its path.');
  }
  const fault = code !== undefined && (MACHINE_FAULTS.has(code) || code === 'EACCES' || code === 'EPERM') ? 'machine' : 'job';
  return new StartFailure(fault, `Job ${lease.experiment}/${lease.number} could not be started here: ${message ?? String(error)}.`);
}
