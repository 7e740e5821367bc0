// Records as they travel: moments as ISO texts, ids as names.
import type { AttemptShape, ExperimentShape, JobShape, WorkerShape } from '../contract/index.ts';
import { commandWaits } from '../core/worker.ts';
import { toIso } from '../runtime/clock.ts';
import type { WorkerRecord } from '../store/agents.ts';
import type { AttemptRecord } from '../store/attempts.ts';
import type { ExperimentRecord } from '../store/experiments.ts';
import type { JobRecord } from '../store/job-rows.ts';

const BYTES_PER_MB = 1024 * 1024;

function moment(ms: number): string;
function moment(ms: number | null): string | null;
function moment(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}

export function experimentShape(record: ExperimentRecord): ExperimentShape {
  const { name, description, counts, workers, settings } = record;
  return {
    name,
    description,
    created_at: moment(record.created_at),
    held_at: moment(record.held_at),
    last_activity_at: moment(record.last_activity_at),
    counts,
    workers,
    settings,
  };
}

export function jobShape(job: JobRecord): JobShape {
  const { id, experiment, number, status, command, machine_class, priority, revision, matrix_id, attempts, outcome, exit_code, signal, message, worker_id } =
    job;
  return {
    id,
    experiment,
    number,
    status,
    params: job.params as JobShape['params'],
    command,
    machine_class,
    resources: { cpus: job.cpus, memory_mb: job.memory_bytes / BYTES_PER_MB, gpus: job.gpus },
    priority,
    revision,
    matrix_id,
    tags: [...job.tags],
    created_at: moment(job.created_at),
    held_at: moment(job.held_at),
    not_before: moment(job.not_before),
    cancel_requested_at: moment(job.cancel_requested_at),
    started_at: moment(job.started_at),
    finished_at: moment(job.finished_at),
    duration_ms: job.duration_ms,
    attempts,
    max_attempts: job.max_attempts,
    timeout_seconds: job.timeout_seconds,
    grace_seconds: job.grace_seconds,
    outcome,
    exit_code,
    signal,
    message,
    worker_id,
    progress: job.progress_done === null || job.progress_total === null ? null : { done: job.progress_done, total: job.progress_total },
    results_dir: job.results_dir,
    forgotten_at: moment(job.forgotten_at),
  };
}

export function attemptShape(attempt: AttemptRecord): AttemptShape {
  const { rank, outcome, revision, worker_id, machine, duration_ms, exit_code, signal, message, log_bytes } = attempt;
  return {
    attempt: attempt.attempt,
    rank,
    outcome,
    revision,
    worker_id,
    machine,
    claimed_at: moment(attempt.claimed_at),
    started_at: moment(attempt.started_at),
    finished_at: moment(attempt.finished_at),
    retry_at: moment(attempt.retry_at),
    requeued_at: moment(attempt.requeued_at),
    duration_ms,
    exit_code,
    signal,
    message,
    evidence:
      attempt.late_outcome === null || attempt.late_at === null
        ? null
        : { outcome: attempt.late_outcome, received_at: moment(attempt.late_at), exit_code: attempt.late_exit_code, message: attempt.late_message },
    log_bytes,
  };
}

export function workerShape(worker: WorkerRecord): WorkerShape {
  const gone = worker.disabled_at !== null || worker.left_at !== null || worker.liveness === 'lost';
  const { host, instance, slot, machine_class, machine, desired_state, desired_version, applied_version } = worker;
  const busy = worker.job_experiment !== null && worker.job_number !== null && worker.job_attempt !== null;
  return {
    worker_id: worker.id,
    host,
    instance,
    slot,
    machine_class,
    machine,
    status: gone ? 'disabled' : busy ? 'busy' : 'idle',
    liveness: gone ? 'lost' : worker.liveness,
    desired_state,
    desired_version,
    applied_version,
    command_waits: !gone && commandWaits(worker),
    job: busy ? { experiment: worker.job_experiment!, number: worker.job_number!, attempt: worker.job_attempt! } : null,
    agent_version: worker.version,
    process_id: worker.process_id,
    registered_at: moment(worker.registered_at),
    last_seen_at: moment(worker.heard_at),
    disabled_at: moment(worker.disabled_at ?? worker.left_at),
    disabled_reason: worker.disabled_reason ?? worker.left_reason,
    jobs_completed: worker.jobs_completed,
    metrics: worker.metrics_json === null ? null : (JSON.parse(worker.metrics_json) as Record<string, number>),
  };
}
