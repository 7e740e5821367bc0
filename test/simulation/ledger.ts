// What really happened, written down by the simulated jobs and users themselves and never by Drover: the truth that the record must match.
import type { FinishedAttemptShape } from '../../src/contract/index.ts';

import type { Life } from './machine.ts';

export interface MetricPoint {
  readonly name: string;
  readonly value: number;
  readonly step: number;
}

export interface Upload {
  readonly key: string;
  readonly name: string;
  readonly kind: 'artifact' | 'checkpoint';
  readonly sha256: string;
}

/** One process of one job. */
export interface Execution {
  readonly token: string;
  readonly experiment: string;
  readonly number: number;
  readonly attempt: number;
  readonly job_id: number;
  readonly machine: string;
  /** The agent process that asked for it. */
  readonly agent: Life;
  /** Milliseconds of the world. */
  readonly started: number;
  ended: number | null;
  /** As a shell tells it; null when nobody wrote it down. */
  status: number | null;
  /** Why there is no status, or the status may be lost. */
  powerless: boolean;
  shim_killed: boolean;
  stdout: Buffer;
  stderr: Buffer;
  readonly metrics: MetricPoint[];
  readonly uploads: Upload[];
  /** By the monotonic clock of its machine. */
  readonly monotonic_start: number;
  readonly timeout_at: number;
}

export type JobName = `${string}/${number}`;

export function jobName(experiment: string, number: number): JobName {
  return `${experiment}/${number}`;
}

export class Ledger {
  /** By job token, in the order of their starts; a lease that server and agent have both forgotten, or never knew to have begun, may begin again. */
  readonly executions = new Map<string, Execution>();
  /** Jobs that the server said it accepted, with moments of the world: it was committed between them. */
  readonly created = new Map<JobName, { readonly asked: number; readonly told: number }>();
  /** Jobs that somebody tried to cancel or delete: stopping them needs no other reason. */
  readonly unwanted = new Set<JobName>();
  /** Experiments of which all jobs may be meant. */
  readonly unwantedExperiments = new Set<string>();
  /** Ends that an agent was told are on disk. */
  readonly settled = new Map<string, { readonly at: number; readonly outcome: FinishedAttemptShape['outcome']; readonly result: string }>();
  /** Moments of the world at which the server's record was put back, each with the moment that it was put back to and the newest job that it knew then. */
  readonly restores: { readonly at: number; readonly to: number; readonly newest_job: number }[] = [];

  /** By `jdt_JOB.ATTEMPT.RANK.NONCE`, with which the token of such a lease begins: when the record had it first, a moment of the world. */
  readonly #grants = new Map<string, number>();

  /** Told of each start. */
  #onBegin: ((execution: Execution) => void)[] = [];

  onBegin(listener: (execution: Execution) => void): void {
    this.#onBegin.push(listener);
  }

  /** False when the same lease was begun before: whatever was lost or put back, its output would be mixed. */
  begin(execution: Execution): boolean {
    const before = this.begunWith(execution.token);
    this.executions.set(before.length === 0 ? execution.token : `${execution.token} ${before.length + 1}`, execution);
    for (const listener of this.#onBegin) listener(execution);
    return before.length === 0;
  }

  /** Executions with this token, in the order of their starts. */
  begunWith(token: string): Execution[] {
    return [...this.executions.values()].filter((execution) => execution.token === token);
  }

  /** The record has a lease. */
  noteGrant({ job_id, attempt, rank, nonce }: { job_id: number; attempt: number; rank: number; nonce: string }, at: number): void {
    const name = `jdt_${job_id}.${attempt}.${rank}.${nonce}`;
    if (!this.#grants.has(name)) this.#grants.set(name, at);
  }

  /**
   * When the lease of this job token was given out. What the record forgot is told by this moment and not by that of the start: the reply
   * that brings a lease may be under way for so long that the record was put back meanwhile.
   */
  grantedAt(token: string): number {
    for (const [name, at] of this.#grants) if (token.startsWith(name)) return at;
    return this.executions.get(token)?.started ?? 0;
  }

  isUnwanted(name: JobName): boolean {
    return this.unwanted.has(name) || this.unwantedExperiments.has(name.split('/')[0]!);
  }

  hasRun(jobId: number, attempt: number): boolean {
    return [...this.executions.values()].some((execution) => execution.job_id === jobId && execution.attempt === attempt);
  }

  executionsOf(name: JobName): Execution[] {
    return [...this.executions.values()].filter((execution) => jobName(execution.experiment, execution.number) === name);
  }

  restoredSince(at: number): boolean {
    return this.restores.some((restore) => restore.at >= at);
  }

  /** Whether a job of this id of which a lease was given out at this moment may be unknown to the record since. */
  isForgottenJob(id: number, at: number): boolean {
    return this.restores.some((restore) => restore.at >= at && restore.newest_job < id);
  }

  /** Whether what became true at this moment, or between these two, may be forgotten since. */
  forgotten(from: number, to = from): boolean {
    return this.restores.some((restore) => restore.to <= to && from <= restore.at);
  }
}
