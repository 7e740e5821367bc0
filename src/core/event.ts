// Events: append-only facts, one per set of jobs. Their id is the cursor of the live stream; history and audit are views of them.
import type { NumberRange } from './identifiers.ts';

export const EVENT_KINDS = [
  'experiment_created',
  'experiment_changed',
  'experiment_deleted',
  'jobs_created',
  'jobs_claimed',
  'jobs_finished',
  'jobs_lost',
  'jobs_released',
  'jobs_taken_back',
  'jobs_edited',
  'jobs_deleted',
  'jobs_cancelled',
  'jobs_cancel_requested',
  'jobs_requeued',
  'jobs_held',
  'jobs_unheld',
  'jobs_ready',
  'jobs_progressed',
  'logs_appended',
  'metrics_appended',
  'artifact_stored',
  'matrix_created',
  'matrix_expanded',
  'agent_registered',
  'agent_suspect',
  'agent_lost',
  'agent_returned',
  'agent_left',
  'worker_registered',
  'worker_commanded',
  'worker_command_cancelled',
  'worker_command_applied',
  'worker_disabled',
  'key_created',
  'key_deleted',
  'pin_changed',
  'login',
  'store_restored',
] as const;
/** Facts that only wake whoever watches live: what they tell of is kept elsewhere, so they are not history and soon go. */
export const TRANSIENT_EVENTS = ['jobs_progressed', 'logs_appended', 'metrics_appended'] as const satisfies readonly (typeof EVENT_KINDS)[number][];

export type EventKind = (typeof EVENT_KINDS)[number];

/** Numbers of the jobs that an event speaks of, within its experiment. */
export type JobNumbers = readonly NumberRange[];
