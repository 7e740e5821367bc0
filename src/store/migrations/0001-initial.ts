// The first schema. Written as SQL, because the indexes are the design; only the types differ between the engines.
import type { Migration } from '../migrate.ts';

export const initial: Migration = {
  version: 1,
  name: 'initial',
  statements: ({ id, integer, real, blob, keyed }) => [
    `create table setting (key text primary key, value text not null)`,

    `create table experiment (
      id ${id}, name text not null unique, description text not null, created_at ${integer} not null, created_by text,
      held_at ${integer}, next_number ${integer} not null, settings_json text not null,
      pin_cipher text not null, pin_changed_at ${integer} not null, pin_version ${integer} not null, last_activity_at ${integer})`,

    // Templates are few and jobs are many: each text is stored once, with the variables that were frozen into it.
    `create table command (id ${id}, hash text not null unique, template text not null, variables_json text)`,

    `create table demand (
      id ${id}, key text not null unique, experiment_id ${integer} not null, machine_class text,
      cpus ${real} not null, memory_bytes ${real} not null, gpus ${real} not null,
      gang_size ${integer} not null, needs_script ${integer} not null)`,
    `create index demand_experiment on demand (experiment_id)`,
    `create table demand_wait (
      demand_id ${integer} primary key, job_id ${integer} not null, revision ${integer} not null, attempts ${integer} not null, since ${integer} not null)`,

    `create table matrix (
      id ${id}, experiment_id ${integer} not null, spec_json text not null, job_json text not null,
      size ${integer} not null, expanded ${integer} not null, first_number ${integer} not null, first_job_id ${integer} not null,
      created_at ${integer} not null, created_by text)`,
    `create index matrix_experiment on matrix (experiment_id, id)`,
    `create index matrix_unfinished on matrix (id) where expanded < size`,

    `create table job (
      id ${integer} primary key, experiment_id ${integer} not null, number ${integer} not null, status text not null,
      params_json text not null, command_id ${integer}, demand_id ${integer} not null, matrix_id ${integer}, kind text not null,
      priority ${integer} not null, revision ${integer} not null, held_at ${integer}, not_before ${integer}, cancel_requested_at ${integer},
      attempts ${integer} not null, failures ${integer} not null, losses ${integer} not null,
      max_attempts ${integer}, timeout_seconds ${real}, grace_seconds ${real}, tags_json text,
      created_at ${integer} not null, started_at ${integer}, finished_at ${integer}, duration_ms ${integer},
      outcome text, exit_code ${integer}, signal text, message text, worker_id text, progress_done ${real}, progress_total ${real},
      results_dir text, forgotten_at ${integer})`,
    `create unique index job_number on job (experiment_id, number)`,
    `create index job_status on job (experiment_id, status, number)`,
    // What may be claimed, in the order in which it is claimed. Held and delayed jobs are not in it, so they cost a claim nothing.
    `create index job_pending on job (demand_id, priority desc, id) where status = 'pending' and held_at is null and not_before is null`,
    `create index job_delayed on job (not_before) where not_before is not null`,
    `create index job_cancelling on job (id) where cancel_requested_at is not null and status = 'running'`,
    // By status first: a list of some statuses merges a lane of each, so that none of them is looked for among the others.
    `create index job_started on job (experiment_id, status, started_at, number) where started_at is not null and status <> 'running'`,
    `create index job_finished on job (experiment_id, status, finished_at, number) where finished_at is not null`,
    `create index job_duration on job (experiment_id, status, duration_ms, number) where duration_ms is not null`,
    `create index job_held on job (experiment_id, number) where held_at is not null`,
    `create index job_forgotten on job (experiment_id, number) where forgotten_at is not null`,
    `create index job_matrix on job (matrix_id, number) where matrix_id is not null`,

    `create table saved_view (
      id ${id}, experiment_id ${integer} not null, name text not null, view_json text not null,
      updated_at ${integer} not null, updated_by text not null, unique (experiment_id, name))`,

    `create table deleted_job (
      created_at ${integer} primary key, first_id ${integer} not null, last_id ${integer} not null, deleted_at ${integer} not null)`,
    `create index deleted_job_range on deleted_job (last_id, first_id)`,

    `create table operation (
      id ${id}, experiment_id ${integer} not null, action text not null, request_json text not null, filter_json text not null,
      last_number ${integer} not null, at_number ${integer} not null, matched ${integer} not null, done ${integer} not null,
      changed ${integer} not null, refused_json text not null, created_at ${integer} not null, created_by text not null,
      finished_at ${integer}, problem text)`,
    `create index operation_experiment on operation (experiment_id, id)`,
    `create index operation_unfinished on operation (id) where finished_at is null`,

    `create table attempt (
      job_id ${integer} not null, attempt ${integer} not null, rank ${integer} not null,
      agent_id ${integer} not null, worker_id text not null, slot ${integer} not null, revision ${integer} not null, nonce text not null,
      outcome text, claimed_at ${integer} not null, started_at ${integer}, finished_at ${integer}, duration_ms ${integer},
      exit_code ${integer}, signal text, message text,
      late_outcome text, late_at ${integer}, late_exit_code ${integer}, late_message text,
      recorded_at ${integer}, retry_at ${integer}, requeued_at ${integer}, metrics_end ${integer} not null default 0,
      primary key (job_id, attempt, rank))${keyed}`,
    `create index attempt_worker on attempt (agent_id, slot, claimed_at, job_id)`,

    // Where attempts were run differs little and attempts are many: each place is stored once.
    `create table execution_place (id ${id}, hash text not null unique, place_json text not null)`,
    `create table execution (
      job_id ${integer} not null, attempt ${integer} not null, rank ${integer} not null, place_id ${integer} not null, own_json text not null,
      primary key (job_id, attempt, rank))${keyed}`,

    // The primary key is a promise: no rank of a job is ever held twice.
    `create table lease (
      job_id ${integer} not null, rank ${integer} not null, attempt ${integer} not null, agent_id ${integer} not null,
      worker_id text not null, slot ${integer} not null, granted_at ${integer} not null, granted_seq ${integer} not null,
      acknowledged ${integer} not null, primary key (job_id, rank))${keyed}`,
    `create index lease_agent on lease (agent_id)`,

    `create table agent (
      id ${id}, host text not null, instance text not null, experiments_json text, machine_id ${integer}, secret_hash text not null unique,
      created_at ${integer} not null, created_by text, workers ${integer} not null, machine_class text, drives_json text, has_script ${integer} not null,
      total_cpus ${real} not null, total_memory_bytes ${real} not null, total_gpus ${real} not null,
      version text not null, platform text not null, process_id ${integer}, incarnation text, old_incarnations_json text not null,
      sync_seq ${integer} not null, heard_at ${integer}, term_started_at ${integer} not null, next_sync_within_ms ${integer} not null,
      liveness text not null, left_at ${integer}, left_reason text, revoked_at ${integer},
      reserved_job_id ${integer}, metrics_json text, metrics_at ${integer}, first_slot ${integer} not null, unique (host, instance, first_slot))`,
    `create index agent_present on agent (liveness) where left_at is null`,

    `create table worker (
      id text primary key, agent_id ${integer} not null, slot ${integer} not null, desired_state text not null,
      desired_version ${integer} not null, applied_version ${integer} not null, previous_state text not null,
      registered_at ${integer} not null, disabled_at ${integer}, disabled_reason text, jobs_completed ${integer} not null,
      machine_id ${integer})`,
    `create unique index worker_slot on worker (agent_id, slot)`,

    // Workers that speak JobDistributor's protocol: each is an agent of one worker, found by the id that it gives itself.
    `create table door_worker (
      experiment_id ${integer} not null, told_id text not null, agent_id ${integer} not null unique, token_id text not null,
      base_version ${integer} not null, told_version ${integer} not null, kill_version ${integer}, idle_since ${integer},
      primary key (experiment_id, told_id))`,
    // To whom an attempt was given that has no lease token to show, and what was heard of it since.
    `create table door_assignment (
      job_id ${integer} not null, attempt ${integer} not null, agent_id ${integer} not null, token_id text not null, key_id ${integer},
      token_ends_at ${integer}, heard_at ${integer} not null, quit_at ${integer}, primary key (job_id, attempt))`,
    `create index door_assignment_token on door_assignment (token_id, quit_at)`,
    `create index door_assignment_agent on door_assignment (agent_id) where quit_at is null`,

    `create table machine (
      id ${id}, name text not null unique, kind text not null, machine_class text, created_at ${integer} not null,
      enabled ${integer} not null, quarantined_at ${integer}, quarantine_reason text, failures ${integer} not null, failed_job_id ${integer},
      trial_at ${integer}, removed_at ${integer}, agent_id ${integer}, slot ${integer}, options_json text not null)`,
    `create index machine_agent on machine (agent_id) where agent_id is not null`,
    `create index worker_machine on worker (machine_id) where machine_id is not null`,

    `create table artifact (
      id ${id}, job_id ${integer} not null, attempt ${integer} not null, rank ${integer} not null, kind text not null,
      name text not null, version ${integer} not null, size_bytes ${integer} not null, sha256 text not null, blob_key text not null,
      upload_key text not null, superseded ${integer} not null, created_at ${integer} not null)`,
    `create unique index artifact_version on artifact (job_id, kind, name, version)`,
    `create unique index artifact_upload on artifact (job_id, upload_key)`,

    `create table log_chunk (
      job_id ${integer} not null, attempt ${integer} not null, rank ${integer} not null, stream ${integer} not null,
      first_offset ${integer} not null, length ${integer} not null, at ${integer} not null, data ${blob}, blob_key text, dropped ${integer} not null,
      primary key (job_id, attempt, rank, stream, first_offset))`,

    `create table metric_chunk (
      id ${id}, job_id ${integer} not null, attempt ${integer} not null, rank ${integer} not null, name text not null,
      count ${integer} not null, first_step ${real}, last_step ${real}, first_at ${integer} not null, last_at ${integer} not null,
      least ${real}, greatest ${real}, last ${real}, points text not null)`,
    `create index metric_job on metric_chunk (job_id, attempt, rank, name, id)`,

    // What agents measure of their machines, appended to the row of a stretch of time: raw ones, then means of them.
    `create table machine_sample (
      agent_id ${integer} not null, span text not null, starts_at ${integer} not null, names_json text not null, points text not null,
      primary key (agent_id, span, starts_at, names_json))${keyed}`,
    `create index machine_sample_age on machine_sample (span, starts_at)`,

    `create table event (
      id ${integer} primary key, at ${integer} not null, kind text not null, experiment_id ${integer}, actor text,
      job_id ${integer}, job_from ${integer}, job_to ${integer}, jobs text, data_json text not null)`,
    `create index event_experiment on event (experiment_id, id)`,
    // An attempt finds the events of its claim and its end by their moment: a transaction has one moment.
    `create index event_moment on event (experiment_id, at)`,
    `create index event_job on event (job_id, id) where job_id is not null`,
    // Sets of jobs other than claims and ends, which are found by their moment: few, so that one job's history is found among them.
    `create index event_set on event (experiment_id, job_to) where job_id is null and job_to is not null and kind not in ('jobs_claimed', 'jobs_finished')`,

    // Holds of a whole queue are part of the history of every job that waited then.
    `create index event_queue on event (experiment_id, id) where kind in ('queue_held', 'queue_unheld')`,

    // Which workers an event is about; slot -1 for all of the agent.
    `create table event_worker (
      agent_id ${integer} not null, slot ${integer} not null, event_id ${integer} not null, primary key (agent_id, slot, event_id))${keyed}`,
    `create index event_worker_event on event_worker (event_id)`,

    `create table counter (
      experiment_id ${integer} not null, name text not null, value ${integer} not null, primary key (experiment_id, name))${keyed}`,

    `create table param_value (
      id ${id}, experiment_id ${integer} not null, name text not null, value text not null, number ${real})`,
    `create unique index param_value_key on param_value (experiment_id, name, value)`,
    `create index param_value_number on param_value (experiment_id, name, number) where number is not null`,
    `create table job_param (value_id ${integer} not null, number ${integer} not null, primary key (value_id, number))${keyed}`,

    `create table variable (
      id ${id}, experiment_id ${integer} not null, name text not null, value text, cipher text, secret ${integer} not null,
      updated_at ${integer} not null, unique (experiment_id, name))`,

    `create table account (
      id ${id}, email text not null unique, name text not null, password_hash text, role text not null, created_at ${integer} not null,
      verified_at ${integer}, suspended_at ${integer}, profile_json text not null, preferences_json text not null)`,

    `create table api_key (
      id ${id}, name text not null, prefix text not null, hash text not null unique, role text not null, experiments_json text,
      account_id ${integer}, created_at ${integer} not null, last_used_at ${integer}, expires_at ${integer})`,

    `create table session (
      id ${id}, hash text not null unique, kind text not null, name text not null, role text not null, experiment_id ${integer},
      account_id ${integer}, api_key_id ${integer}, pin_version ${integer}, created_at ${integer} not null, last_seen_at ${integer} not null, expires_at ${integer} not null)`,
    `create index session_expiry on session (expires_at)`,
    `create index session_key on session (api_key_id) where api_key_id is not null`,

    `create table idempotency_key (
      actor text not null, route text not null, key text not null, body_hash text not null, status ${integer} not null,
      reply_json text not null, created_at ${integer} not null, primary key (actor, route, key))${keyed}`,
    `create index idempotency_age on idempotency_key (created_at)`,
  ],
};
