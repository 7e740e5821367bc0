// What each kind of event makes stale, and the bookkeeping of what waits to be loaded anew.
import type { Query } from '@tanstack/react-query';

import type { EventShape } from '../../contract/index.ts';
import type { EventKind } from '../../core/event.ts';
import { parseRanges, type NumberRange } from '../../core/identifiers.ts';
import type { Topic } from '../queries.ts';

const JOB_CHANGE = ['experiments', 'experiment', 'jobs', 'job', 'history', 'charts', 'matrices'] as const;
/** Also why a job waits. */
const JOB_AND_WORKER = [...JOB_CHANGE, 'workers'] as const;
const WORKER_CHANGE = ['experiments', 'experiment', 'workers'] as const;

/** Every waiting job tells it as the reason why it waits. */
const QUEUE_CHANGE = ['experiments', 'experiment', 'workers', 'history'] as const;

const STALE: Record<EventKind, readonly Topic[]> = {
  experiment_created: ['experiments'],
  experiment_changed: ['experiments', 'experiment', 'workers'],
  experiment_deleted: ['experiments', 'experiment'],
  queue_held: QUEUE_CHANGE,
  queue_unheld: QUEUE_CHANGE,
  jobs_created: JOB_CHANGE,
  jobs_claimed: JOB_AND_WORKER,
  jobs_finished: JOB_AND_WORKER,
  jobs_lost: JOB_AND_WORKER,
  jobs_released: JOB_AND_WORKER,
  jobs_taken_back: JOB_AND_WORKER,
  attempt_forgotten: ['history'],
  jobs_edited: JOB_AND_WORKER,
  jobs_deleted: JOB_CHANGE,
  jobs_cancelled: JOB_AND_WORKER,
  jobs_cancel_requested: JOB_CHANGE,
  jobs_requeued: JOB_AND_WORKER,
  jobs_held: JOB_AND_WORKER,
  jobs_unheld: JOB_AND_WORKER,
  jobs_forgotten: JOB_CHANGE,
  jobs_unforgotten: JOB_CHANGE,
  jobs_ready: JOB_AND_WORKER,
  jobs_progressed: ['jobs', 'job'],
  logs_appended: ['log'],
  metrics_appended: ['metrics', 'charts'],
  artifact_stored: ['artifacts', 'history'],
  matrix_created: JOB_CHANGE,
  matrix_expanded: JOB_CHANGE,
  views_changed: ['views'],
  variable_set: ['variables'],
  variable_removed: ['variables'],
  operation_started: ['history', 'operations'],
  operation_finished: [...JOB_CHANGE, 'operations'],
  agent_registered: WORKER_CHANGE,
  agent_suspect: WORKER_CHANGE,
  agent_lost: WORKER_CHANGE,
  agent_returned: WORKER_CHANGE,
  agent_left: WORKER_CHANGE,
  agent_revoked: WORKER_CHANGE,
  machine_added: WORKER_CHANGE,
  machine_changed: WORKER_CHANGE,
  machine_quarantined: WORKER_CHANGE,
  machine_readmitted: WORKER_CHANGE,
  worker_registered: WORKER_CHANGE,
  worker_commanded: ['workers'],
  worker_command_cancelled: ['workers'],
  worker_command_applied: WORKER_CHANGE,
  worker_disabled: WORKER_CHANGE,
  key_created: ['keys'],
  key_deleted: ['keys'],
  pin_changed: ['pin'],
  login: [],
  store_restored: [
    'experiments',
    'experiment',
    'jobs',
    'job',
    'operations',
    'history',
    'workers',
    'artifacts',
    'metrics',
    'charts',
    'matrices',
    'log',
    'views',
    'variables',
  ],
};

/** More job ranges than this are not worth keeping apart: all jobs of the experiment count as stale. */
const MAX_RANGES = 200;

interface Entry {
  readonly topic: Topic;
  /** Null: every experiment. */
  readonly experiment: string | null;
  /** Null: every job. */
  ranges: NumberRange[] | null;
}

/** Collects events until they are flushed, so that a burst of them costs one load of each query. */
export class StaleSet {
  private readonly entries = new Map<string, Entry>();

  get empty(): boolean {
    return this.entries.size === 0;
  }

  add(event: EventShape): void {
    const ranges = event.jobs === null ? null : parseRanges(event.jobs);
    for (const topic of STALE[event.kind]) this.addEntry(topic, event.experiment, ranges);
  }

  clear(): void {
    this.entries.clear();
  }

  /** Whether a query with this key shows something that changed. */
  matches(query: Query): boolean {
    const [topic, experiment, number] = query.queryKey;
    for (const entry of this.entries.values()) {
      if (entry.topic !== topic) continue;
      if (entry.experiment !== null && typeof experiment === 'string' && entry.experiment !== experiment) continue;
      if (entry.ranges === null || typeof number !== 'number') return true;
      if (entry.ranges.some((range) => range.from <= number && number <= range.to)) return true;
    }
    return false;
  }

  private addEntry(topic: Topic, experiment: string | null, ranges: NumberRange[] | null): void {
    const key = `${topic} ${experiment ?? ''}`;
    const known = this.entries.get(key);
    if (known === undefined) {
      this.entries.set(key, { topic, experiment, ranges: ranges === null ? null : [...ranges] });
    } else if (known.ranges !== null) {
      known.ranges = ranges === null || known.ranges.length + ranges.length > MAX_RANGES ? null : [...known.ranges, ...ranges];
    }
  }
}
