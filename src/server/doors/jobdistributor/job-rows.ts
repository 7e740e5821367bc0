// A job as a row of JobDistributor's job library: its words for the status, moments as seconds, what happened as a list of reasons.
import type { JobStatus } from '../../../core/job.ts';
import { agentsNow, type DoorAttempt, doorAttempts, type DoorJob } from '../../../store/door-jobs.ts';
import type { Reader } from '../../../store/store.ts';

export const STATUS_WORDS = { pending: 'PENDING', running: 'SERVED', done: 'DONE', aborted: 'ABORTED' } as const satisfies Record<JobStatus, string>;

/** Attempts of one job that are told. */
const MOST_ATTEMPTS = 20;

export async function jobRows(reader: Pick<Reader, 'sql'>, jobs: readonly DoorJob[]): Promise<object[]> {
  const attempts = await doorAttempts(reader, jobs, MOST_ATTEMPTS);
  const holders = jobs.flatMap((job) => (job.status === 'running' ? (attempts.get(job.id)?.at(-1)?.agent_id ?? []) : []));
  const agents = await agentsNow(reader, [...new Set(holders)]);
  return jobs.map((job) => {
    const tried = attempts.get(job.id) ?? [];
    const holder = job.status === 'running' ? agents.get(tried.at(-1)?.agent_id ?? 0) : undefined;
    const worker_id = job.worker_id ?? '';
    return {
      id: job.number,
      status: STATUS_WORDS[job.status],
      parameters: JSON.parse(job.params_json) as unknown,
      message: reasons(job, tried),
      system_metrics: holder?.metrics_json === undefined || holder.metrics_json === null ? {} : (JSON.parse(holder.metrics_json) as unknown),
      ...{ worker_id, requested_by: worker_id },
      request_timestamp: seconds(job.attempts === 0 ? null : (tried.at(-1)?.claimed_at ?? job.started_at)),
      completion_timestamp: seconds(job.finished_at),
      required_time: (job.duration_ms ?? 0) / 1000,
      predicted_runtime: 0,
      last_ping_timestamp: seconds(holder?.heard_at ?? null),
      initialization_timestamp: seconds(job.created_at),
    };
  });
}

/** Unix seconds; 0 for none. */
export function seconds(ms: number | null): number {
  return ms === null ? 0 : ms / 1000;
}

function reasons(job: DoorJob, attempts: readonly DoorAttempt[]): { reason: string; timestamp: number }[] {
  const told = [{ reason: 'created', timestamp: seconds(job.created_at) }];
  for (const { attempt, worker_id, claimed_at, finished_at, recorded_at, outcome, message } of attempts) {
    told.push({ reason: `attempt ${attempt} given to ${worker_id}`, timestamp: seconds(claimed_at) });
    if (outcome === null) continue;
    told.push({ reason: `attempt ${attempt} ${outcome}${message === null ? '' : `: ${message}`}`, timestamp: seconds(finished_at ?? recorded_at) });
  }
  if (job.status === 'aborted' && attempts.length === 0) told.push({ reason: job.message ?? 'cancelled', timestamp: seconds(job.finished_at) });
  return told;
}
