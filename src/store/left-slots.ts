// Workers that left by a command of their own machine, while others of their agent go on: nobody waits for them, and they may come back.
import { valueSet } from './sql.ts';
import { agentActor, type Session } from './sync-session.ts';
import type { Transaction } from './writer.ts';

/** Why such a worker is disabled. An agent that was silent for long does not bring it back. */
export const LEFT_HERE = 'stopped on its machine';

/** `slots` are all that have left. */
export async function recordLeft(tx: Transaction, session: Session, slots: readonly number[]): Promise<void> {
  const { id } = session.agent;
  const set = valueSet(tx.sql.dialect, 'int');
  const gone = await tx.sql.all<{ slot: number }>(
    `update worker set disabled_at = ?, disabled_reason = ? where agent_id = ? and disabled_at is null and slot in ${set} returning slot`,
    [tx.now, LEFT_HERE, id, JSON.stringify(slots)],
  );
  const back = await tx.sql.all<{ slot: number }>(
    `update worker set disabled_at = null, disabled_reason = null where agent_id = ? and disabled_reason = ? and slot not in ${set} returning slot`,
    [id, LEFT_HERE, JSON.stringify(slots)],
  );
  const workersOf = (rows: readonly { slot: number }[]) => rows.map(({ slot }) => ({ agent_id: Number(id), slot: Number(slot) }));
  const actor = agentActor(session);
  if (gone.length > 0)
    tx.event({ kind: 'worker_disabled', experiment_id: null, actor, data: { reason: LEFT_HERE, count: gone.length }, workers: workersOf(gone) });
  if (back.length > 0) tx.event({ kind: 'worker_registered', experiment_id: null, actor, data: { again: true, count: back.length }, workers: workersOf(back) });
}
