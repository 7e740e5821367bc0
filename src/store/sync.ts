// One sync, or many that arrived together: what agents say is judged, recorded, and answered in one transaction.
// The order matters: ends first (they free slots), then what runs, then what is missing, then new leases.
import { fromIso } from '../runtime/clock.ts';

import { allOf } from './agents.ts';
import { assignMachines, noteHealth, placeLeases, readDriven } from './driven-machines.ts';
import { hotStatements } from './hot.ts';
import { LEFT_HERE, recordLeft } from './left-slots.ts';
import { recordSamples } from './machine-samples.ts';
import { sendSets } from './set-statement.ts';
import { completeLeases } from './complete-leases.ts';
import { recordExecutions } from './executions.ts';
import { claimFor } from './sync-claim.ts';
import { recordFinished } from './sync-finish.ts';
import { afterEnds, readFirst } from './sync-reads.ts';
import { reconcile } from './sync-reconcile.ts';
import { agentActor, type Session, type SyncAgent, type SyncAnswer, type SyncInput, type SyncResult, type SyncTerms } from './sync-session.ts';
import type { Transaction } from './writer.ts';

const KEPT_INCARNATIONS = 8;

export async function syncAgents(tx: Transaction, inputs: readonly SyncInput[], terms: SyncTerms): Promise<SyncResult[]> {
  const newest = newestOfEach(inputs);
  const first = await readFirst(tx, newest);
  const sessions: (Session | SyncResult)[] = inputs.map((input) =>
    newest.has(input) ? admit(tx, input, first.agents) : input.again ? emptyAnswer() : 'stale',
  );
  const position = await noticeRestore(tx, { inputs, position: first.position, terms });
  const open = sessions.filter((session): session is Session => typeof session === 'object' && 'message' in session);
  const current = open.filter((session) => !session.answer.superseded);
  const fresh = current.filter((session) => !session.again);
  await touch(tx, fresh, terms);
  for (const session of fresh) if (session.message.left_slots !== undefined) await recordLeft(tx, session, session.message.left_slots);
  await readDriven(tx, open);
  const ended = await recordFinished(tx, open, { first, terms });
  await noteHealth(tx, open, ended.ends);
  await reconcile(tx, current, { record: await afterEnds(tx, first, ended), terms });
  await recordExecutions(
    tx,
    terms.key,
    fresh.flatMap(({ message }) => message.executions ?? []),
  );
  const known = await claimFor(tx, current, { first, terms });
  await completeLeases(
    tx,
    current.flatMap((session) => session.answer.leases),
    { known, key: terms.key },
  );
  await placeLeases(tx, current);
  const results = sessions.map((session) => (typeof session === 'object' && 'message' in session ? session.answer : session));
  for (const result of results) if (typeof result === 'object') result.position = position;
  return results;
}

function emptyAnswer(): SyncAnswer {
  return { superseded: false, position: 0, leases: [], settled: [], revoked: [], unknown: [], workers: [], driven: null };
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

/** Decides whether the message may be heard at all. */
function admit(tx: Transaction, input: SyncInput, agents: Map<number, SyncAgent>): Session | SyncResult {
  const { message, again } = input;
  const agent = agents.get(message.agent_id);
  if (agent === undefined) return 'gone';
  if (agent.revoked_at !== null) return 'revoked';
  const replaced = (JSON.parse(agent.old_incarnations_json) as string[]).includes(message.incarnation);
  const answer = { ...emptyAnswer(), superseded: replaced };
  const skew_ms = again ? 0 : tx.now - fromIso(message.sent_at);
  if (replaced) return { message, agent, answer, driven: [], skew_ms, again };
  if (again) return agent.sync_seq === message.sync_seq ? { message, agent, answer, driven: [], skew_ms, again } : answer;
  if (message.sync_seq <= agent.sync_seq) return 'stale';
  return { message, agent, answer, driven: [], skew_ms, again };
}

/** Ids that a server restored from a backup leaves unused, because jobs that it forgot may have them. */
const RESTORE_GAP = 1_000_000;

/** Events that a store may have written since its backup; an agent that claims more is not believed, for it could use up all ids. */
const BELIEVED_GAP = 1_000_000_000;

/** An agent that has seen a later position of this store than the record has: the record is a restored backup. */
async function noticeRestore(
  tx: Transaction,
  { inputs, position, terms }: { inputs: readonly SyncInput[]; position: number; terms: SyncTerms },
): Promise<number> {
  let seen = 0;
  for (const { message } of inputs) {
    if (message.store_id === terms.store_id && message.store_position !== null) seen = Math.max(seen, message.store_position);
  }
  if (position >= seen || seen - position > BELIEVED_GAP) return position;
  const raise = `insert into counter (experiment_id, name, value) values (0, ?, ?)
    on conflict (experiment_id, name) do update set value = counter.value + excluded.value`;
  await tx.sql.run(raise, ['event_id', seen - position]);
  await tx.sql.run(raise, ['job_id', RESTORE_GAP]);
  tx.event({ kind: 'store_restored', experiment_id: null, actor: 'server', data: { position, seen } });
  return seen;
}

/** Renews the agent's term and remembers which process speaks for it. */
async function touch(tx: Transaction, sessions: readonly Session[], terms: SyncTerms): Promise<void> {
  const back = sessions.filter(({ agent }) => agent.liveness !== 'alive' || agent.left_at !== null);
  for (const session of back) await welcomeBack(tx, session);
  const rows = sessions.map(({ message, agent }) => {
    const changed = agent.incarnation !== null && agent.incarnation !== message.incarnation;
    const old = changed ? withIncarnation(agent.old_incarnations_json, agent.incarnation!) : agent.old_incarnations_json;
    const metrics = message.metrics === undefined ? null : JSON.stringify(message.metrics);
    return [message.agent_id, tx.now, message.sync_seq, message.incarnation, old, terms.next_sync_within_ms, metrics];
  });
  sendSets(tx.sql, [[hotStatements(tx.sql.dialect).touchAgents, rows]]);
  // Who drives has its machines again at once.
  if (back.some(({ agent }) => agent.drives_json !== null)) await assignMachines(tx);
  recordSamples(
    tx,
    sessions.flatMap(({ message: { agent_id, metrics }, agent }) => (metrics === undefined ? [] : [{ agent_id, metrics, before: agent.metrics_at }])),
  );
}

function withIncarnation(known: string, incarnation: string): string {
  return JSON.stringify([...(JSON.parse(known) as string[]), incarnation].slice(-KEPT_INCARNATIONS));
}

/** An agent that was given up is heard of again: its workers are there after all. */
async function welcomeBack(tx: Transaction, session: Session): Promise<void> {
  const { agent } = session;
  await tx.sql.run(
    'update worker set disabled_at = null, disabled_reason = null where agent_id = ? and slot < ? and disabled_at is not null and disabled_reason <> ?',
    [agent.id, agent.first_slot + agent.workers, LEFT_HERE],
  );
  const data = { was: agent.left_at === null ? agent.liveness : 'left' };
  tx.event({ kind: 'agent_returned', experiment_id: null, actor: agentActor(session), data, workers: allOf(Number(agent.id)) });
}
