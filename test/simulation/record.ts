// Drover's record, read from its database file as it stands after a commit.
import LibsqlDatabase from 'libsql';

import { parseRanges } from '../../src/core/identifiers.ts';
import type { JobStatus } from '../../src/core/job.ts';

export interface JobRow {
  readonly id: number;
  readonly experiment_id: number;
  readonly number: number;
  readonly status: JobStatus;
  readonly attempts: number;
  readonly revision: number;
  readonly held_at: number | null;
  readonly not_before: number | null;
  readonly priority: number;
  readonly demand_id: number;
  readonly outcome: string | null;
  readonly finished_at: number | null;
  readonly cancel_requested_at: number | null;
  readonly forgotten_at: number | null;
}

export interface LeaseRow {
  readonly job_id: number;
  readonly rank: number;
  readonly attempt: number;
  readonly agent_id: number;
  readonly worker_id: string;
  readonly acknowledged: number;
}

export interface EventRow {
  readonly id: number;
  readonly kind: string;
  readonly experiment_id: number | null;
  readonly actor: string | null;
  readonly jobs: string | null;
  readonly data_json: string;
}

export interface AttemptRow {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
  readonly worker_id: string;
  readonly outcome: string | null;
  readonly message: string | null;
  readonly late_outcome: string | null;
  readonly revision: number;
  /** The first characters of the lease token that this attempt stands for. */
  readonly nonce: string;
}

export interface AgentRow {
  readonly id: number;
  readonly name: string;
  readonly revoked_at: number | null;
}

export interface WorkerRow {
  readonly id: string;
  readonly desired_state: string;
}

export interface Snapshot {
  readonly jobs: ReadonlyMap<number, JobRow>;
  readonly leases: readonly LeaseRow[];
  readonly workers: ReadonlyMap<string, WorkerRow>;
  /** Experiments whose queue is held. */
  readonly held: ReadonlySet<number>;
}

export interface ExperimentRow {
  readonly id: number;
  readonly name: string;
  readonly held_at: number | null;
}

export class RecordReader {
  readonly #database: InstanceType<typeof LibsqlDatabase>;
  readonly #statements = new Map<string, { all(...values: unknown[]): unknown[] }>();

  constructor(path: string) {
    this.#database = new LibsqlDatabase(path);
  }

  close(): void {
    this.#database.close();
  }

  all<Row>(text: string, ...values: unknown[]): Row[] {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#database.prepare(text) as never));
    return statement!.all(...values) as Row[];
  }

  /** Many rows come faster as one text. */
  #rows<Row>(columns: readonly string[], from: string): Row[] {
    const [list] = this.all<{ rows: string }>(`select json_group_array(json_array(${columns.join(', ')})) as rows from (select ${columns.join(', ')} ${from})`);
    return (JSON.parse(list!.rows) as unknown[][]).map((cells) => Object.fromEntries(columns.map((name, index) => [name, cells[index]])) as Row);
  }

  newestJob(): number {
    return this.all<{ id: number | null }>('select max(id) as id from job')[0]!.id ?? 0;
  }

  snapshot(): Snapshot {
    const jobs = this.#rows<JobRow>(
      [
        'id',
        'experiment_id',
        'number',
        'status',
        'attempts',
        'revision',
        'held_at',
        'not_before',
        'priority',
        'demand_id',
        'outcome',
        'finished_at',
        'cancel_requested_at',
        'forgotten_at',
      ],
      'from job',
    );
    const workers = this.#rows<WorkerRow>(['id', 'desired_state'], 'from worker');
    return {
      jobs: new Map(jobs.map((job) => [job.id, job])),
      leases: this.#rows<LeaseRow>(['job_id', 'rank', 'attempt', 'agent_id', 'worker_id', 'acknowledged'], 'from lease'),
      workers: new Map(workers.map((worker) => [worker.id, worker])),
      held: new Set(
        this.experiments()
          .filter(({ held_at }) => held_at !== null)
          .map(({ id }) => id),
      ),
    };
  }

  experiments(): ExperimentRow[] {
    return this.all<ExperimentRow>('select id, name, held_at from experiment');
  }

  agents(): AgentRow[] {
    return this.all<AgentRow>(`select id, host || '_' || instance as name, revoked_at from agent`);
  }

  liveAttempts(): Set<string> {
    return new Set(
      this.all<{ name: string }>(`select job_id || '.' || attempt || '.' || rank as name from attempt where outcome is null`).map(({ name }) => name),
    );
  }

  counters(): { experiment_id: number; name: string; value: number }[] {
    return this.all(`select experiment_id, name, value from counter where name in ('pending', 'running', 'done', 'aborted', 'forgotten')`);
  }

  newestEvent(): number {
    return this.all<{ id: number | null }>('select max(id) as id from event')[0]?.id ?? 0;
  }

  eventsAfter(id: number): EventRow[] {
    return this.all<EventRow>('select id, kind, experiment_id, actor, jobs, data_json from event where id > ? order by id', id);
  }

  attempts(jobId: number): AttemptRow[] {
    return this.all<AttemptRow>(
      'select job_id, attempt, rank, worker_id, outcome, message, late_outcome, revision, nonce from attempt where job_id = ? order by attempt',
      jobId,
    );
  }

  /** A worker with the same credential had this job, and may yet report it. */
  isBarred(jobId: number, agentId: number): boolean {
    const text = 'select 1 from door_assignment d join door_worker w on w.token_id = d.token_id where d.job_id = ? and w.agent_id = ?';
    return this.all(text, jobId, agentId).length > 0;
  }
  log(
    jobId: number,
    attempt: number,
    stream: number,
  ): { first_offset: number; length: number; data: ArrayBuffer | Uint8Array | null; blob_key: string | null; dropped: number }[] {
    return this.all(
      'select first_offset, length, data, blob_key, dropped from log_chunk where job_id = ? and attempt = ? and rank = 0 and stream = ? order by first_offset',
      ...[jobId, attempt, stream],
    );
  }

  metrics(jobId: number, attempt: number): { name: string; points: string }[] {
    return this.all('select name, points from metric_chunk where job_id = ? and attempt = ? and rank = 0 order by id', jobId, attempt);
  }

  artifacts(jobId: number): { attempt: number; name: string; kind: string; upload_key: string; sha256: string; blob_key: string }[] {
    return this.all('select attempt, name, kind, upload_key, sha256, blob_key from artifact where job_id = ? order by id', jobId);
  }
}

/** Numbers of the jobs that an event is about. */
export function numbersOf(event: Pick<EventRow, 'jobs'>): number[] {
  if (event.jobs === null) return [];
  return (parseRanges(event.jobs) ?? []).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
}
