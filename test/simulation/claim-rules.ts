// What may happen between two looks at the record: transitions of the table, claims in the order of the queue.
import { isEnded, TRANSITIONS, type JobStatus } from '../../src/core/job.ts';

import { numbersOf, type EventRow, type JobRow, type Snapshot } from './record.ts';
import { Violation } from './world.ts';

export interface RecordChange {
  readonly before: Snapshot;
  readonly now: Snapshot;
  readonly events: readonly EventRow[];
  readonly nameOf: (job: JobRow) => string;
}

/** What each kind of event may do to a job's status; the rest leave it alone. */
const EFFECTS: Record<string, readonly (keyof typeof TRANSITIONS)[]> = {
  jobs_claimed: ['claim'],
  jobs_finished: ['succeed', 'fail', 'confirm_cancel', 'succeed_late'],
  jobs_lost: ['lose', 'confirm_cancel'],
  jobs_released: ['release', 'confirm_cancel'],
  jobs_taken_back: ['take_back'],
  jobs_cancelled: ['cancel', 'force_cancel'],
  jobs_requeued: ['requeue'],
};

function eventsByJob(change: RecordChange): Map<number, EventRow[]> {
  const byName = new Map<string, number>();
  for (const job of [...change.before.jobs.values(), ...change.now.jobs.values()]) byName.set(`${job.experiment_id}/${job.number}`, job.id);
  const found = new Map<number, EventRow[]>();
  for (const event of change.events) {
    for (const number of numbersOf(event)) {
      const id = byName.get(`${event.experiment_id}/${number}`);
      if (id !== undefined) found.set(id, [...(found.get(id) ?? []), event]);
    }
  }
  return found;
}

/** The events of a job rebuild its status and its number of attempts. */
export function checkTransitions(change: RecordChange): Violation | null {
  const told = eventsByJob(change);
  for (const job of change.now.jobs.values()) {
    const before = change.before.jobs.get(job.id);
    const events = told.get(job.id) ?? [];
    const problem = before === undefined ? newJobProblem(job, events) : changedJobProblem(before, job, events);
    if (problem !== null) return new Violation(`${change.nameOf(job)} ${problem}`, change.nameOf(job));
  }
  for (const job of change.before.jobs.values()) {
    if (change.now.jobs.has(job.id)) continue;
    if (job.status === 'running') return new Violation(`${change.nameOf(job)} was deleted while it ran`, change.nameOf(job));
    const isTold = change.events.some(
      (event) => event.kind === 'jobs_deleted' || event.kind === 'experiment_deleted' || event.kind === 'operation_finished' || event.kind === 'jobs_created',
    );
    if (!isTold) return new Violation(`${change.nameOf(job)} vanished without an event`, change.nameOf(job));
  }
  return null;
}

function newJobProblem(job: JobRow, events: readonly EventRow[]): string | null {
  const isTold = events.some((event) => event.kind === 'jobs_created' || event.kind === 'matrix_expanded' || event.kind === 'matrix_created');
  return isTold ? null : `appeared without an event as ${job.status}`;
}

function changedJobProblem(before: JobRow, job: JobRow, events: readonly EventRow[]): string | null {
  let possible = new Set<JobStatus>([before.status]);
  let claims = 0;
  let adopted = false;
  for (const event of events) {
    const transitions = EFFECTS[event.kind];
    if (transitions === undefined) continue;
    if (event.kind === 'jobs_claimed') claims += 1;
    // A restored record takes in attempts that it does not know, from whatever status it has put the job back to.
    if (event.kind === 'jobs_taken_back' && event.data_json.includes('restored')) {
      adopted = true;
      possible = new Set(['running']);
      continue;
    }
    const next = new Set<JobStatus>();
    for (const from of possible) {
      for (const name of transitions) for (const to of (TRANSITIONS[name] as Partial<Record<JobStatus, readonly JobStatus[]>>)[from] ?? []) next.add(to);
    }
    if (next.size === 0) return `was ${[...possible].join(' or ')} when event ${event.id} (${event.kind}) came`;
    possible = next;
  }
  if (!possible.has(job.status)) return `is ${job.status}, but its events say ${[...possible].join(' or ')} (before: ${before.status})`;
  if (!adopted && job.attempts !== before.attempts + claims) return `has ${job.attempts} attempts, but had ${before.attempts} before ${claims} claims`;
  const untouched = events.every((event) => EFFECTS[event.kind] === undefined);
  if (untouched && isEnded(before.status) && (before.outcome !== job.outcome || before.finished_at !== job.finished_at))
    return 'had ended, and its end was changed';
  return null;
}

/** Whoever is claimed stood first in its queue, was not held, and went to a worker that was told to run. */
export function checkClaims(change: RecordChange & { readonly isBarred: (jobId: number, agentId: number) => boolean }): Violation | null {
  const told = eventsByJob(change);
  for (const [id, events] of told) {
    const job = change.now.jobs.get(id);
    const before = change.before.jobs.get(id);
    if (job === undefined || before === undefined || !events.some((event) => event.kind === 'jobs_claimed')) continue;
    const name = change.nameOf(job);
    const only = events.every((event) => event.kind === 'jobs_claimed');
    if (only && before.held_at !== null && job.held_at !== null) return new Violation(`${name} was claimed while it was held`, name);
    if (only && before.not_before !== null) return new Violation(`${name} was claimed before its delay was over`, name);
    if (change.before.held.has(job.experiment_id) && change.now.held.has(job.experiment_id))
      return new Violation(`${name} was claimed while its experiment was held`, name);
    const lease = change.now.leases.find((one) => one.job_id === id);
    const states =
      lease === undefined ? [] : [change.before.workers.get(lease.worker_id)?.desired_state, change.now.workers.get(lease.worker_id)?.desired_state];
    if (states.length === 2 && states.every((state) => state !== undefined && state !== 'run'))
      return new Violation(`${name} was given to ${lease!.worker_id}, which was told to ${states[0]}`, name);
    const claimed = (other: JobRow): boolean => told.get(other.id)?.some((event) => event.kind === 'jobs_claimed') === true;
    // Whoever got the job perhaps must not get the one in front of it for now.
    const mayPass = (other: JobRow): boolean => claimed(other) || (lease !== undefined && change.isBarred(other.id, lease.agent_id));
    const passed = overtaken(job, change, mayPass);
    if (passed !== null) return new Violation(`${name} was claimed before ${change.nameOf(passed)}, which stood in front of it`, name);
  }
  return null;
}

/** Whoever stood in front of a job, waited before and waits still, without having been claimed itself meanwhile. */
function overtaken(job: JobRow, change: RecordChange, claimed: (other: JobRow) => boolean): JobRow | null {
  for (const other of change.now.jobs.values()) {
    const isFirst = other.priority > job.priority || (other.priority === job.priority && other.id < job.id);
    if (!isFirst || other.demand_id !== job.demand_id || !waits(other) || claimed(other)) continue;
    const before = change.before.jobs.get(other.id);
    if (before !== undefined && waits(before) && before.priority === other.priority) return other;
  }
  return null;
}

function waits(job: JobRow): boolean {
  return job.status === 'pending' && job.held_at === null && job.not_before === null;
}
