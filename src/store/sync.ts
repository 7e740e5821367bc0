// One sync, or many that arrived together: what agents say is judged, recorded, and answered in one transaction.
// The order matters: ends first (they free slots), then what runs, then what is missing, then new leases.
import { fromIso } from '../runtime/clock.ts';

import type { AgentTable } from './schema.ts';
import { hotStatements, runSet } from './hot.ts';
import { completeLeases } from './complete-leases.ts';
import { claimFor } from './sync-claim.ts';
import { recordFinished } from './sync-finish.ts';
import { reconcile } from './sync-reconcile.ts';
import type { ServerKey } from './server-key.ts';
import type { Transaction } from './writer.ts';

export interface AttemptReference {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
  readonly token: string;
}

export interface FinishedReport extends AttemptReference {
  readonly outcome: 'succeeded' | 'failed' | 'timed_out' | 'cancelled' | 'lost' | 'released';
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly message: string | null;
  readonly started_at: string | null;
  readonly finished_at: string;
  readonly duration_ms: number | null;
}

export interface RunningReport extends AttemptReference {
  readonly slot: number;
  readonly started_at: string | null;
}

/** A sync as it arrived. Moments are ISO texts by the agent's clock. */
export interface SyncMessage {
  readonly agent_id: number;
  readonly incarnation: string;
  readonly sync_seq: number;
  readonly sent_at: string;
  readonly store_id: string | null;
  readonly store_position: number | null;
  readonly free_slots: readonly number[];
  readonly free: { readonly cpus: number; readonly memory_bytes: number; readonly gpus: number };
  readonly has_script: boolean;
  readonly workers: readonly { readonly slot: number; readonly applied_version: number }[];
  readonly running: readonly RunningReport[];
  readonly finished: readonly FinishedReport[];
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

export interface GrantedLease {
  readonly job_id: number;
  readonly experiment_id: number;
  readonly number: number;
  readonly attempt: number;
  readonly rank: number;
  readonly token: string;
  readonly slot: number;
  readonly params_json: string;
  readonly command_id: number | null;
  /** The job's own, then, by completeLeases, the experiment's where the job has none. */
  timeout_seconds: number | null;
  grace_seconds: number | null;
  /** By completeLeases: the experiment's name and the command's template. */
  experiment: string;
  template: string | null;
}

interface AttemptName {
  readonly job_id: number;
  readonly attempt: number;
  readonly rank: number;
}

export interface SyncAnswer {
  readonly superseded: boolean;
  /** The newest event before this transaction: a server that is behind it later was restored from a backup. */
  position: number;
  readonly leases: GrantedLease[];
  readonly settled: (AttemptName & { readonly result: 'recorded' | 'repeated' | 'evidence' })[];
  readonly revoked: (AttemptName & { readonly reason: 'cancelled' | 'superseded' })[];
  readonly unknown: AttemptName[];
  readonly workers: { readonly slot: number; readonly worker_id: string; readonly desired_state: 'run' | 'pause' | 'drain' | 'stop'; readonly desired_version: number }[];
}

/** `stale` refuses: a newer sync of this agent was seen. */
export type SyncResult = SyncAnswer | 'stale' | 'gone';

/** One agent's part of the work: what it said, what is known of it, what it will be told. */
export interface Session {
  readonly message: SyncMessage;
  readonly agent: AgentTable & { readonly id: number };
  readonly answer: SyncAnswer;
  /** Add to a moment of the agent's clock to get one of the server's. */
  readonly skew_ms: number;
  /** Whether this is a second look within a hanging sync: nothing is judged again, only new work is looked for. */
  readonly again: boolean;
}

export interface SyncTerms {
  readonly store_id: string;
  readonly key: ServerKey;
  readonly next_sync_within_ms: number;
  readonly random: () => number;
}

export interface SyncInput {
  readonly message: SyncMessage;
  readonly again: boolean;
}

const KEPT_INCARNATIONS = 8;

export async function syncAgents(tx: Transaction, inputs: readonly SyncInput[], terms: SyncTerms): Promise<SyncResult[]> {
  const agents = await loadAgents(
    tx,
    inputs.map((input) => input.message.agent_id),
  );
  const newest = newestOfEach(inputs);
  const sessions: (Session | SyncResult)[] = inputs.map((input) => (newest.has(input) ? admit(tx, input, agents) : input.again ? emptyAnswer() : 'stale'));
  const position = await noticeRestore(tx, inputs, terms);
  const open = sessions.filter((session): session is Session => typeof session === 'object' && 'message' in session);
  const current = open.filter((session) => !session.answer.superseded);
  const fresh = current.filter((session) => !session.again);
  await touch(tx, fresh, terms);
  await recordFinished(
    tx,
    open.filter((session) => !session.again),
    terms,
  );
  await reconcile(tx, current, terms);
  await claimFor(tx, current, terms);
  await completeLeases(
    tx,
    current.flatMap((session) => session.answer.leases),
  );
  const results = sessions.map((session) => (typeof session === 'object' && 'message' in session ? session.answer : session));
  for (const result of results) if (typeof result === 'object') result.position = position;
  return results;
}

function emptyAnswer(): SyncAnswer {
  return { superseded: false, position: 0, leases: [], settled: [], revoked: [], unknown: [], workers: [] };
}

/** Of several messages of one agent that came together only the newest is heard: each would be given the same free slots. */
function newestOfEach(inputs: readonly SyncInput[]): Set<SyncInput> {
  const newest = new Map<number, SyncInput>();
  for (const input of inputs) {
    const known = newest.get(input.message.agent_id);
    if (known === undefined || input.message.sync_seq > known.message.sync_seq) newest.set(input.message.agent_id, input);
  }
  return new Set(newest.values());
}

async function loadAgents(tx: Transaction, ids: readonly number[]): Promise<Map<number, Session['agent']>> {
  const rows = await tx.sql.all<Session['agent']>(hotStatements(tx.sql.dialect).agents, [JSON.stringify([...new Set(ids)])]);
  return new Map(rows.map((row) => [Number(row.id), row]));
}

/** Decides whether the message may be heard at all. */
function admit(tx: Transaction, input: SyncInput, agents: Map<number, Session['agent']>): Session | SyncResult {
  const { message, again } = input;
  const agent = agents.get(message.agent_id);
  if (agent === undefined || agent.revoked_at !== null) return 'gone';
  const replaced = (JSON.parse(agent.old_incarnations_json) as string[]).includes(message.incarnation);
  const answer = { ...emptyAnswer(), superseded: replaced };
  const skew_ms = again ? 0 : tx.now - fromIso(message.sent_at);
  if (replaced) return { message, agent, answer, skew_ms, again };
  if (again) return agent.sync_seq === message.sync_seq ? { message, agent, answer, skew_ms, again } : answer;
  if (message.sync_seq <= agent.sync_seq) return 'stale';
  return { message, agent, answer, skew_ms, again };
}

/** Ids that a server restored from a backup leaves unused, because jobs that it forgot may have them. */
const RESTORE_GAP = 1_000_000;

/** An agent that has seen a later position of this store than the record has: the record is a restored backup. */
async function noticeRestore(tx: Transaction, inputs: readonly SyncInput[], terms: SyncTerms): Promise<number> {
  let seen = 0;
  for (const { message } of inputs) {
    if (message.store_id === terms.store_id && message.store_position !== null) seen = Math.max(seen, message.store_position);
  }
  const position = await storePosition(tx);
  if (position >= seen) return position;
  const raise = `insert into counter (experiment_id, name, value) values (0, ?, ?)
    on conflict (experiment_id, name) do update set value = counter.value + excluded.value`;
  await tx.sql.run(raise, ['event_id', seen - position]);
  await tx.sql.run(raise, ['job_id', RESTORE_GAP]);
  tx.event({ kind: 'store_restored', experiment_id: null, actor: 'server', data: { position, seen } });
  return seen;
}

async function storePosition(reader: Pick<Transaction, 'sql'>): Promise<number> {
  const [row] = await reader.sql.all<{ value: number }>(`select value from counter where experiment_id = 0 and name = 'event_id'`);
  return Number(row?.value ?? 0);
}

/** Renews the agent's term and remembers which process speaks for it. */
async function touch(tx: Transaction, sessions: readonly Session[], terms: SyncTerms): Promise<void> {
  const rows = sessions.map(({ message, agent }) => {
    const known = JSON.parse(agent.old_incarnations_json) as string[];
    const changed = agent.incarnation !== null && agent.incarnation !== message.incarnation;
    const old = changed ? [...known, agent.incarnation!].slice(-KEPT_INCARNATIONS) : known;
    if (agent.liveness !== 'alive' || agent.left_at !== null) {
      tx.event({ kind: 'agent_returned', experiment_id: null, actor: `agent:${agent.host}_${agent.instance}`, data: { was: agent.left_at === null ? agent.liveness : 'left' } });
    }
    return [
      message.agent_id,
      tx.now,
      message.sync_seq,
      message.incarnation,
      changed ? JSON.stringify(old) : agent.old_incarnations_json,
      terms.next_sync_within_ms,
      message.metrics === undefined ? null : JSON.stringify(message.metrics),
    ];
  });
  await runSet(tx.sql, hotStatements(tx.sql.dialect).touchAgents, rows);
}

/** How an agent is named in events. */
export function agentActor(session: Session): string {
  return `agent:${session.agent.host}_${session.agent.instance}`;
}

/** A moment of the agent's clock as one of the server's, never in the future. */
export function correctedMoment(session: Session, iso: string | null, now: number): number | null {
  return iso === null ? null : Math.min(now, fromIso(iso) + session.skew_ms);
}

export function referenceKey(reference: AttemptName): string {
  return `${reference.job_id}.${reference.attempt}.${reference.rank}`;
}
