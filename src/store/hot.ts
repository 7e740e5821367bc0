// The statements of the hot path: claim, renew, finish. Each takes a set, each is prepared once, each is the same text on both
// engines but for how a set is written. No policy stands here except the order of the queue and the guards.
import { SYNC_AGENT_COLUMNS } from './sync-session.ts';
import { bindSet, type CellRow, type SetStatement, setStatement } from './set-statement.ts';
import { type DialectName, type Sql, type SqlValue, valueSet } from './sql.ts';

/** What decisions need of a job, its attempt, and its experiment. */
export interface AttemptFactsRow {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
  readonly experiment_id: number;
  readonly number: number;
  readonly status: 'pending' | 'running' | 'done' | 'aborted';
  readonly job_revision: number;
  readonly attempts: number;
  readonly failures: number;
  readonly losses: number;
  readonly cancel_requested_at: number | null;
  readonly max_attempts: number | null;
  readonly created_at: number;
  readonly held_at: number | null;
  /** Null when the attempt is not on record. */
  readonly nonce: string | null;
  readonly revision: number | null;
  readonly outcome: string | null;
  readonly worker_id: string | null;
}

export interface CandidateRow {
  readonly id: number;
  readonly experiment_id: number;
  readonly number: number;
  readonly priority: number;
  readonly params_json: string;
  readonly command_id: number | null;
  readonly revision: number;
  readonly attempts: number;
  readonly created_at: number;
  readonly timeout_seconds: number | null;
  readonly grace_seconds: number | null;
}

export interface LeaseRow {
  readonly job_id: number;
  readonly rank: number;
  readonly attempt: number;
  readonly agent_id: number;
  readonly worker_id: string;
  readonly slot: number;
  readonly granted_at: number;
  readonly granted_seq: number;
  readonly acknowledged: number;
}

/** Of a worker: it was told something, and either has not said that it does it, or may not take jobs because of it. */
export const COMMANDED = `(desired_state <> 'run' or desired_version > applied_version)`;

export interface HotStatements {
  readonly agents: RowSelect;
  /** The same, and nobody else may write these agents until the transaction ends. */
  readonly agentsToWrite: RowSelect;
  readonly attemptFacts: RowSetSelect;
  readonly leasesOfAgents: RowSelect;
  readonly cancelledLeases: string;
  readonly heads: RowSelect;
  readonly touchAgents: SetStatement;
  readonly claimJobs: SetStatement;
  readonly insertAttempts: SetStatement;
  readonly insertLeases: SetStatement;
  readonly endAttempts: SetStatement;
  readonly lateEvidence: SetStatement;
  readonly endJobs: SetStatement;
  readonly deleteLeases: SetStatement;
  readonly acknowledgeLeases: SetStatement;
  readonly startAttempts: SetStatement;
  readonly completeWorkers: SetStatement;
}

const cache = new Map<DialectName, HotStatements>();

export function hotStatements(dialect: DialectName): HotStatements {
  let statements = cache.get(dialect);
  if (statements === undefined) {
    statements = build(dialect);
    cache.set(dialect, statements);
  }
  return statements;
}

/** With what else a sync always asks: whether a command stands for a worker, and the newest event. */
const AGENT_COLUMNS = [
  ...SYNC_AGENT_COLUMNS,
  `(select count(*) from worker where worker.agent_id = agent.id and ${COMMANDED}) as commanded`,
  `(select value from counter where experiment_id = 0 and name = 'event_id') as position`,
];

function build(dialect: DialectName): HotStatements {
  const ids = valueSet(dialect, 'int');
  const locked = dialect === 'postgres' ? ' for update of job skip locked' : '';
  return {
    agents: rowSelect(dialect, AGENT_COLUMNS, `from agent where id in ${ids}`),
    agentsToWrite: rowSelect(dialect, AGENT_COLUMNS, `from agent where id in ${ids} order by id${dialect === 'postgres' ? ' for update of agent' : ''}`),
    attemptFacts: rowSetSelect(
      dialect,
      [
        ...['v.job_id', 'v.attempt', 'v.rank', 'job.experiment_id', 'job.number', 'job.status', 'job.revision as job_revision', 'job.attempts', 'job.failures'],
        ...['job.losses', 'job.cancel_requested_at', 'job.max_attempts', 'job.created_at', 'job.held_at'],
        ...['attempt.nonce', 'attempt.revision', 'attempt.outcome', 'attempt.worker_id'],
      ],
      RANK,
      (set) => `from ${set} as v join job on job.id = v.job_id
        left join attempt on attempt.job_id = v.job_id and attempt.attempt = v.attempt and attempt.rank = v.rank${dialect === 'postgres' ? ' for update of job' : ''}`,
    ),
    leasesOfAgents: rowSelect(
      dialect,
      ['job_id', 'rank', 'attempt', 'agent_id', 'worker_id', 'slot', 'granted_at', 'granted_seq', 'acknowledged'],
      `from lease where agent_id in ${ids}`,
    ),
    // From the few jobs that are being cancelled to their leases: the cross join keeps SQLite from starting at the other end.
    cancelledLeases: `select lease.agent_id, lease.job_id, lease.attempt, lease.rank from job cross join lease
      where lease.job_id = job.id and job.cancel_requested_at is not null and job.status = 'running' and lease.agent_id in ${ids}`,
    heads: rowSelect(
      dialect,
      ['id', 'experiment_id', 'number', 'priority', 'params_json', 'command_id', 'revision', 'attempts', 'created_at', 'timeout_seconds', 'grace_seconds'],
      `from job where demand_id = ? and status = 'pending' and held_at is null and not_before is null order by priority desc, id limit ?${locked}`,
    ),
    ...agentStatements(dialect),
    ...claimStatements(dialect),
    ...endStatements(dialect),
  };
}

/** What names a rank of an attempt. */
const RANK = { job_id: 'int', attempt: 'int', rank: 'int' } as const;
const OF_RANK = 'attempt.job_id = v.job_id and attempt.attempt = v.attempt and attempt.rank = v.rank';

function agentStatements(dialect: DialectName): Pick<HotStatements, 'touchAgents' | 'completeWorkers'> {
  return {
    touchAgents: setStatement(
      dialect,
      { id: 'int', at: 'int', seq: 'int', incarnation: 'text', old: 'text', within: 'int', metrics: 'text' },
      (set) => `update agent set heard_at = v.at, term_started_at = v.at, sync_seq = v.seq, incarnation = v.incarnation, old_incarnations_json = v.old,
        next_sync_within_ms = v.within, liveness = 'alive', left_at = null, left_reason = null,
        metrics_json = coalesce(v.metrics, agent.metrics_json), metrics_at = case when v.metrics is null then agent.metrics_at else v.at end
      from ${set} as v where agent.id = v.id`,
    ),
    completeWorkers: setStatement(
      dialect,
      { id: 'text', jobs: 'int' },
      (set) => `update worker set jobs_completed = jobs_completed + v.jobs from ${set} as v where worker.id = v.id`,
    ),
  };
}

function claimStatements(dialect: DialectName): Pick<HotStatements, 'claimJobs' | 'insertAttempts' | 'insertLeases' | 'acknowledgeLeases' | 'startAttempts'> {
  return {
    claimJobs: setStatement(
      dialect,
      { id: 'int', attempt: 'int', at: 'int', worker: 'text', slot: 'int' },
      (set) => `update job set status = 'running', attempts = v.attempt, started_at = v.at, finished_at = null, duration_ms = null, outcome = null,
        exit_code = null, signal = null, message = null, worker_id = ${WORKER_ID}, progress_done = null, progress_total = null
      from ${set} as v where job.id = v.id and job.status = 'pending'`,
    ),
    insertAttempts: setStatement(
      dialect,
      { ...RANK, agent_id: 'int', worker: 'text', slot: 'int', revision: 'int', nonce: 'text', at: 'int' },
      (set) => `insert into attempt (job_id, attempt, rank, agent_id, worker_id, slot, revision, nonce, claimed_at)
      select job_id, attempt, rank, agent_id, ${WORKER_ID}, slot, revision, nonce, at from ${set} as v where true`,
    ),
    insertLeases: setStatement(
      dialect,
      { ...RANK, agent_id: 'int', worker: 'text', slot: 'int', at: 'int', seq: 'int', acknowledged: 'int' },
      (set) => `insert into lease (job_id, rank, attempt, agent_id, worker_id, slot, granted_at, granted_seq, acknowledged)
      select job_id, rank, attempt, agent_id, ${WORKER_ID}, slot, at, seq, acknowledged from ${set} as v where true`,
    ),
    acknowledgeLeases: setStatement(
      dialect,
      { job_id: 'int', rank: 'int', acknowledged: 'int' },
      (set) => `update lease set acknowledged = v.acknowledged from ${set} as v where lease.job_id = v.job_id and lease.rank = v.rank`,
    ),
    startAttempts: setStatement(
      dialect,
      { ...RANK, started_at: 'int' },
      (set) => `update attempt set started_at = v.started_at from ${set} as v where ${OF_RANK} and attempt.started_at is null`,
    ),
  };
}

/** `worker` is what the ids of all workers of an agent begin with: one text for all jobs that it is given. */
const WORKER_ID = 'v.worker || cast(v.slot as text)';

function endStatements(dialect: DialectName): Pick<HotStatements, 'endAttempts' | 'lateEvidence' | 'endJobs' | 'deleteLeases'> {
  const end = { started_at: 'int', finished_at: 'int', duration_ms: 'int', exit_code: 'int', signal: 'text', message: 'text' } as const;
  return {
    endAttempts: setStatement(
      dialect,
      { ...RANK, outcome: 'text', ...end, recorded_at: 'int', retry_at: 'int' },
      (set) => `update attempt set outcome = v.outcome, started_at = coalesce(v.started_at, attempt.started_at), finished_at = v.finished_at,
        duration_ms = v.duration_ms, exit_code = v.exit_code, signal = v.signal, message = v.message, recorded_at = v.recorded_at,
        retry_at = v.retry_at
      from ${set} as v where ${OF_RANK}`,
    ),
    lateEvidence: setStatement(
      dialect,
      { ...RANK, outcome: 'text', at: 'int', exit_code: 'int', message: 'text' },
      (set) => `update attempt set late_outcome = v.outcome, late_at = v.at, late_exit_code = v.exit_code, late_message = v.message
      from ${set} as v where ${OF_RANK} and attempt.late_at is null`,
    ),
    endJobs: setStatement(
      dialect,
      { id: 'int', from_status: 'text', status: 'text', outcome: 'text', failures: 'int', losses: 'int', not_before: 'int', ...end },
      (set) => `update job set status = v.status, outcome = v.outcome, failures = v.failures, losses = v.losses, not_before = v.not_before,
        started_at = coalesce(v.started_at, job.started_at), finished_at = v.finished_at, duration_ms = v.duration_ms,
        exit_code = v.exit_code, signal = v.signal, message = v.message, cancel_requested_at = null
      from ${set} as v where job.id = v.id and job.status = v.from_status`,
    ),
    deleteLeases: setStatement(
      dialect,
      { job_id: 'int', rank: 'int' },
      (set) => `delete from lease where (job_id, rank) in (select job_id, rank from ${set} as v)`,
    ),
  };
}

/** A select of many rows. On SQLite they come as one JSON text, because libsql takes longer for a row object than SQLite for the row. */
export interface RowSelect {
  readonly text: string;
  readonly names: readonly string[];
}

/** The same for rows that belong to a set. */
export interface RowSetSelect {
  readonly statement: SetStatement;
  readonly names: readonly string[];
}

function rowSelect(dialect: DialectName, columns: readonly string[], from: string): RowSelect {
  const names = columns.map((column) => column.split(/\.| as /).at(-1)!);
  const rows = `select ${columns.join(', ')} ${from}`;
  return { text: dialect === 'postgres' ? rows : `select json_group_array(json_array(${names.join(', ')})) as rows from (${rows})`, names };
}

function rowSetSelect(dialect: DialectName, columns: readonly string[], key: typeof RANK, from: (set: string) => string): RowSetSelect {
  const { names } = rowSelect(dialect, columns, '');
  return { statement: setStatement(dialect, key, (set) => rowSelect(dialect, columns, from(set)).text), names };
}

export async function selectRows<R>(sql: Sql, { text, names }: RowSelect, values: readonly SqlValue[]): Promise<R[]> {
  if (sql.dialect === 'postgres') return sql.all<R>(text, values);
  const [list] = await sql.all<{ rows: string }>(text, values);
  return (JSON.parse(list!.rows) as SqlValue[][]).map((cells) => {
    const row: Record<string, SqlValue> = {};
    for (let index = 0; index < names.length; index += 1) row[names[index]!] = cells[index]!;
    return row as R;
  });
}

export async function selectRowsOf<R>(sql: Sql, { statement, names }: RowSetSelect, keys: readonly CellRow[]): Promise<R[]> {
  if (keys.length === 0) return [];
  const { text, values } = bindSet(statement, keys);
  return selectRows<R>(sql, { text, names }, values);
}
