// Rows as they are stored, the same on both engines. Moments are milliseconds since 1970; `_json` columns hold JSON text;
// booleans are 0 or 1. The tables themselves are made by the migrations.
import type { Outcome } from '../core/attempt.ts';
import type { EventKind } from '../core/event.ts';
import type { JobStatus } from '../core/job.ts';
import type { Liveness } from '../core/liveness.ts';
import type { DesiredState } from '../core/worker.ts';
import type { Generated } from 'kysely';

import type { AccountTable, ApiKeyTable, IdempotencyKeyTable, SessionTable } from './schema-access.ts';
import type { DoorTables } from './schema-door.ts';
import type { ArtifactTable, ExecutionPlaceTable, ExecutionTable, LogChunkTable, MachineSampleTable, MetricChunkTable } from './schema-results.ts';

type Flag = 0 | 1;

export interface SettingTable {
  key: string;
  value: string;
}

export interface ExperimentTable {
  id: Generated<number>;
  name: string;
  description: string;
  created_at: number;
  created_by: string | null;
  held_at: number | null;
  next_number: number;
  settings_json: string;
  /** Encrypted with the server's key, because the owner may read it. */
  pin_cipher: string;
  pin_changed_at: number;
  /** Rises when the PIN changes: ends the sessions that the old one opened. */
  pin_version: number;
  last_activity_at: number | null;
}

export interface CommandTable {
  id: Generated<number>;
  hash: string;
  template: string;
  /** Null: it uses none. */
  variables_json: string | null;
}

export interface DemandTable {
  id: Generated<number>;
  key: string;
  experiment_id: number;
  machine_class: string | null;
  cpus: number;
  memory_bytes: number;
  gpus: number;
  gang_size: number;
  needs_script: Flag;
}

/** The job of a demand that is next, and since when: see reserve.ts. */
export interface DemandWaitTable {
  demand_id: number;
  job_id: number;
  revision: number;
  attempts: number;
  since: number;
}

export interface MatrixTable {
  id: Generated<number>;
  experiment_id: number;
  /** Ordered axes: [[name, [values]], …]. */
  spec_json: string;
  /** The settings that its jobs share. */
  job_json: string;
  size: number;
  expanded: number;
  first_number: number;
  first_job_id: number;
  created_at: number;
  created_by: string | null;
}

export interface JobTable {
  id: number;
  experiment_id: number;
  number: number;
  status: JobStatus;
  params_json: string;
  command_id: number | null;
  demand_id: number;
  matrix_id: number | null;
  kind: string;
  priority: number;
  revision: number;
  held_at: number | null;
  not_before: number | null;
  cancel_requested_at: number | null;
  attempts: number;
  failures: number;
  losses: number;
  max_attempts: number | null;
  timeout_seconds: number | null;
  grace_seconds: number | null;
  tags_json: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  duration_ms: number | null;
  outcome: Outcome | null;
  exit_code: number | null;
  signal: string | null;
  message: string | null;
  worker_id: string | null;
  progress_done: number | null;
  progress_total: number | null;
  /** Where its results are to be copied to; null: nowhere. */
  results_dir: string | null;
  /** An ended job that somebody forgot: out of the lists, and otherwise as it was. */
  forgotten_at: number | null;
}

/** A way to look at the jobs of an experiment that somebody gave a name. */
export interface SavedViewTable {
  id: Generated<number>;
  experiment_id: number;
  name: string;
  /** What the contract calls a view. */
  view_json: string;
  updated_at: number;
  updated_by: string;
}

/** Ids of jobs that were made at one moment and of which some were deleted: see deletions.ts. */
export interface DeletedJobTable {
  created_at: number;
  first_id: number;
  last_id: number;
  deleted_at: number;
}

/** A bulk action on more jobs than one commit may change: done in chunks, in the order of the jobs' numbers. */
export interface OperationTable {
  id: Generated<number>;
  experiment_id: number;
  action: string;
  /** What goes with the action: force, priority. */
  request_json: string;
  filter_json: string;
  /** Jobs with higher numbers were created later: they are not meant. */
  last_number: number;
  /** All jobs up to this number were looked at. */
  at_number: number;
  matched: number;
  done: number;
  changed: number;
  /** Refusal code → number of jobs, as JSON. */
  refused_json: string;
  created_at: number;
  created_by: string;
  finished_at: number | null;
  /** Why it ended before its end. */
  problem: string | null;
}

export interface AttemptTable {
  job_id: number;
  attempt: number;
  rank: number;
  agent_id: number;
  worker_id: string;
  slot: number;
  revision: number;
  /** With the server's key this makes the lease token; without the key it is worth nothing. */
  nonce: string;
  outcome: Outcome | null;
  claimed_at: number;
  started_at: number | null;
  finished_at: number | null;
  duration_ms: number | null;
  exit_code: number | null;
  signal: string | null;
  message: string | null;
  late_outcome: Outcome | null;
  late_at: number | null;
  late_exit_code: number | null;
  late_message: string | null;
  /** When the server recorded its end: the moment of that event. `claimed_at` is the moment of the claim's. */
  recorded_at: number | null;
  retry_at: number | null;
  requeued_at: number | null;
  /** Up to which offset of its spool the metrics are stored. */
  metrics_end: Generated<number>;
}

export interface LeaseTable {
  job_id: number;
  rank: number;
  attempt: number;
  agent_id: number;
  worker_id: string;
  slot: number;
  granted_at: number;
  /** The sync whose reply first carried it: nothing older can know it. */
  granted_seq: number;
  /** 0: only granted; 1: the agent listed it; 2: its process runs. */
  acknowledged: 0 | 1 | 2;
}

export interface AgentTable {
  id: Generated<number>;
  host: string;
  instance: string;
  /** Ids of the experiments whose jobs it takes, as JSON; null for all. */
  experiments_json: string | null;
  machine_id: number | null;
  secret_hash: string;
  created_at: number;
  created_by: string | null;
  workers: number;
  machine_class: string | null;
  /** Classes of machines elsewhere that it drives, as JSON; `*` for all; null: it drives none. */
  drives_json: string | null;
  has_script: Flag;
  total_cpus: number;
  total_memory_bytes: number;
  total_gpus: number;
  version: string;
  platform: string;
  process_id: number | null;
  incarnation: string | null;
  /** Incarnations that another one took over from, as JSON; the newest few. */
  old_incarnations_json: string;
  sync_seq: number;
  heard_at: number | null;
  term_started_at: number;
  next_sync_within_ms: number;
  liveness: Liveness;
  left_at: number | null;
  left_reason: string | null;
  revoked_at: number | null;
  /** A job that has waited too long: what stands behind it in the queue is not given to this agent until it fits. */
  reserved_job_id: number | null;
  metrics_json: string | null;
  metrics_at: number | null;
  first_slot: number;
}

export interface WorkerTable {
  id: string;
  agent_id: number;
  slot: number;
  desired_state: DesiredState;
  desired_version: number;
  applied_version: number;
  previous_state: DesiredState;
  registered_at: number;
  disabled_at: number | null;
  disabled_reason: string | null;
  jobs_completed: number;
  /** The driven machine that this slot is, for ever; null: an own worker of its agent. */
  machine_id: number | null;
}

export interface MachineTable {
  id: Generated<number>;
  name: string;
  kind: 'agent' | 'driven';
  machine_class: string | null;
  created_at: number;
  enabled: Flag;
  quarantined_at: number | null;
  quarantine_reason: string | null;
  /** Different jobs that failed there in a row. */
  failures: number;
  failed_job_id: number | null;
  /** From when it may get a job on trial. */
  trial_at: number | null;
  removed_at: number | null;
  /** Who drives it now, and as which of its slots. */
  agent_id: number | null;
  slot: number | null;
  options_json: string;
}

export interface EventTable {
  id: number;
  at: number;
  kind: EventKind;
  experiment_id: number | null;
  actor: string | null;
  /** Set when the event is about exactly one job. */
  job_id: number | null;
  job_from: number | null;
  job_to: number | null;
  /** Numbers as ranges; null when not about jobs. */
  jobs: string | null;
  data_json: string;
}

export interface EventWorkerTable {
  agent_id: number;
  /** -1: all workers of the agent. */
  slot: number;
  event_id: number;
}

export interface CounterTable {
  experiment_id: number;
  name: string;
  value: number;
}

export interface ParamValueTable {
  id: Generated<number>;
  experiment_id: number;
  name: string;
  value: string;
  number: number | null;
}

export interface JobParamTable {
  value_id: number;
  number: number;
}

export interface VariableTable {
  id: Generated<number>;
  /** 0: shared by all experiments. */
  experiment_id: number;
  name: string;
  /** Of a plain one. */
  value: string | null;
  /** Of a secret: encrypted with the server's key. */
  cipher: string | null;
  secret: Flag;
  updated_at: number;
}

export interface Database extends DoorTables {
  setting: SettingTable;
  experiment: ExperimentTable;
  command: CommandTable;
  demand: DemandTable;
  demand_wait: DemandWaitTable;
  matrix: MatrixTable;
  job: JobTable;
  saved_view: SavedViewTable;
  deleted_job: DeletedJobTable;
  operation: OperationTable;
  attempt: AttemptTable;
  lease: LeaseTable;
  execution: ExecutionTable;
  execution_place: ExecutionPlaceTable;
  agent: AgentTable;
  worker: WorkerTable;
  machine: MachineTable;
  artifact: ArtifactTable;
  log_chunk: LogChunkTable;
  metric_chunk: MetricChunkTable;
  machine_sample: MachineSampleTable;
  event: EventTable;
  event_worker: EventWorkerTable;
  counter: CounterTable;
  param_value: ParamValueTable;
  job_param: JobParamTable;
  variable: VariableTable;
  account: AccountTable;
  api_key: ApiKeyTable;
  session: SessionTable;
  idempotency_key: IdempotencyKeyTable;
}
