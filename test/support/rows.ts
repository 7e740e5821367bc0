// Rows for tests that begin in the middle: a job that runs, an attempt that ended. Written without the code that is tested elsewhere.
import type { Outcome } from '../../src/core/attempt.ts';
import type { JobStatus } from '../../src/core/job.ts';
import type { AttemptReference } from '../../src/store/attempt-proof.ts';
import { leaseToken, newNonce } from '../../src/store/lease-token.ts';
import type { Store } from '../../src/store/store.ts';

export interface InsertedExperiment {
  readonly id: number;
  readonly name: string;
  readonly demand_id: number;
}

let experiments = 0;

export async function insertExperiment(store: Store, name = `tune-${(experiments += 1)}`): Promise<InsertedExperiment> {
  return store.write(async (tx) => {
    const experiment = await tx.query
      .insertInto('experiment')
      .values({
        name,
        description: '',
        created_at: tx.now,
        created_by: null,
        held_at: null,
        next_number: 1_000,
        settings_json: '{}',
        pin_cipher: store.key.encrypt('123456'),
        pin_changed_at: tx.now,
        pin_version: 1,
        last_activity_at: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const demand = await tx.query
      .insertInto('demand')
      .values({ key: name, experiment_id: experiment.id, machine_class: null, cpus: 0, memory_bytes: 0, gpus: 0, gang_size: 1, needs_script: 1 })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { id: experiment.id, name, demand_id: demand.id };
  });
}

/** A job without attempts. Returns its id. */
export async function insertJob(store: Store, experiment: InsertedExperiment, number: number): Promise<number> {
  const id = experiment.id * 100_000 + number;
  await store.write(async (tx) => {
    await tx.query
      .insertInto('job')
      .values({
        ...{ id, experiment_id: experiment.id, number, status: 'pending', params_json: '{}', command_id: null, demand_id: experiment.demand_id },
        ...{ matrix_id: null, kind: 'job', priority: 0, revision: 1, held_at: null, not_before: null, cancel_requested_at: null },
        ...{ attempts: 0, failures: 0, losses: 0, max_attempts: null, timeout_seconds: null, grace_seconds: null, tags_json: null },
        ...{ created_at: tx.now, started_at: null, finished_at: null, duration_ms: null, outcome: null, exit_code: null, signal: null },
        ...{ message: null, worker_id: null, progress_done: null, progress_total: null, results_dir: null, forgotten_at: null },
      })
      .execute();
  });
  return id;
}

/** The next attempt of a job; the job runs. */
export async function insertAttempt(store: Store, jobId: number, rank = 0): Promise<AttemptReference> {
  return store.write(async (tx) => {
    const job = await tx.query.selectFrom('job').select(['attempts', 'revision', 'created_at']).where('id', '=', jobId).executeTakeFirstOrThrow();
    const attempt = rank === 0 ? job.attempts + 1 : job.attempts;
    const nonce = newNonce(store.key);
    await tx.query.updateTable('job').set({ status: 'running', attempts: attempt, outcome: null }).where('id', '=', jobId).execute();
    await tx.query
      .insertInto('attempt')
      .values({
        ...{ job_id: jobId, attempt, rank, agent_id: 1, worker_id: 'host_egg_0', slot: 0, revision: job.revision, nonce, outcome: null },
        ...{ claimed_at: tx.now, started_at: tx.now, finished_at: null, duration_ms: null, exit_code: null, signal: null, message: null },
        ...{ late_outcome: null, late_at: null, late_exit_code: null, late_message: null, recorded_at: null, retry_at: null, requeued_at: null },
      })
      .execute();
    await tx.query
      .insertInto('lease')
      .values({ job_id: jobId, rank, attempt, agent_id: 1, worker_id: 'host_egg_0', slot: 0, granted_at: tx.now, granted_seq: 1, acknowledged: 2 })
      .execute();
    return { job_id: jobId, attempt, rank, token: leaseToken(store.key, { job_id: jobId, created_at: job.created_at, attempt, rank }, nonce) };
  });
}

/** Ends an attempt, and with it its job's run. */
export async function endAttempt(store: Store, reference: AttemptReference, end: { readonly outcome: Outcome; readonly status: JobStatus }): Promise<void> {
  const { job_id, attempt, rank } = reference;
  await store.write(async (tx) => {
    await tx.query
      .updateTable('attempt')
      .set({ outcome: end.outcome, finished_at: tx.now, recorded_at: tx.now })
      .where((row) => row.and({ job_id, attempt, rank }))
      .execute();
    const job = await tx.query
      .updateTable('job')
      .set({ status: end.status, outcome: end.outcome })
      .where('id', '=', job_id)
      .returning(['experiment_id', 'number'])
      .executeTakeFirstOrThrow();
    await tx.query
      .deleteFrom('lease')
      .where((row) => row.and({ job_id, rank }))
      .execute();
    tx.event({ kind: 'jobs_finished', experiment_id: job.experiment_id, actor: null, numbers: [job.number], job_id });
  });
}
