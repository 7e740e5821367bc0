// What workers were told to do, both ways: agents say which commands they have applied, and are told those that wait.
import { commandWaits, heard, mayTakeJobs, type WorkerControl, type WorkerReport } from '../core/worker.ts';

import { valueSet } from './sql.ts';
import { agentActor, type Session } from './sync-session.ts';
import type { Transaction } from './writer.ts';

interface WorkerRow extends WorkerControl {
  readonly agent_id: number;
  readonly slot: number;
  readonly id: string;
}

/** Records which commands were applied, tells the ones that wait, and says which slots may take nothing: as `agent.slot`. */
export async function applyCommands(tx: Transaction, sessions: readonly Session[]): Promise<Set<string>> {
  const blocked = new Set<string>();
  const concerned = sessions.filter((session) => session.agent.commanded > 0 || (!session.again && session.message.workers.length > 0));
  if (concerned.length === 0) return blocked;
  const rows = await tx.sql.all<WorkerRow>(
    `select agent_id, slot, id, desired_state, desired_version, applied_version, previous_state from worker
      where agent_id in ${valueSet(tx.sql.dialect, 'int')}`,
    [JSON.stringify(concerned.map((session) => session.agent.id))],
  );
  const speakers = new Map(concerned.map((session) => [Number(session.agent.id), speakerOf(session)]));
  for (const row of rows) {
    const { session, reports } = speakers.get(Number(row.agent_id))!;
    const report = reports.get(row.slot);
    const control = report === undefined ? row : await hear(tx, { row, report, session });
    if (commandWaits(control)) {
      const { desired_state, desired_version } = control;
      session.answer.workers.push({ slot: row.slot, worker_id: row.id, desired_state, desired_version });
    }
    if (!mayTakeJobs(control)) blocked.add(`${row.agent_id}.${row.slot}`);
  }
  return blocked;
}

interface Speaker {
  readonly session: Session;
  /** By slot; of a second look none. */
  readonly reports: ReadonlyMap<number, WorkerReport>;
}

function speakerOf(session: Session): Speaker {
  return { session, reports: new Map(session.again ? [] : session.message.workers.map((report) => [report.slot, report])) };
}

/** The record of a worker after what its agent says of it. */
async function hear(tx: Transaction, { row, report, session }: { row: WorkerRow; report: WorkerReport; session: Session }): Promise<WorkerControl> {
  const after = heard(row, report);
  if (after === null) return row;
  // Another server may command this worker at the same time. Then its command stands, and the agent's next sync is heard.
  const changed = await tx.sql.run(
    `update worker set desired_state = ?, desired_version = ?, applied_version = ?, previous_state = ?
      where id = ? and desired_version = ? and applied_version = ?`,
    [after.desired_state, after.desired_version, after.applied_version, after.previous_state, row.id, row.desired_version, row.applied_version],
  );
  if (changed === 0) return row;
  const workers = [{ agent_id: Number(row.agent_id), slot: Number(row.slot) }];
  const isToldAgain = commandWaits(after) && (after.desired_version > row.desired_version || after.applied_version < row.applied_version);
  if (isToldAgain) {
    const data = { action: after.desired_state, workers: [row.id], count: 1 };
    tx.event({ kind: 'worker_commanded', experiment_id: null, actor: 'server', data, workers });
  } else {
    const data = { slot: row.slot, action: after.desired_state, version: after.applied_version };
    tx.event({ kind: 'worker_command_applied', experiment_id: null, actor: agentActor(session), data, workers });
  }
  return after;
}
