// Editing a pending job.
import type { Params } from '../core/params.ts';
import { Refusal } from '../core/refusal.ts';
import type { FrozenVariables } from '../core/variables.ts';

import { commandId, demandId } from './create-jobs.ts';
import { findJob } from './job-rows.ts';
import { indexParams, indexTags, unindexJobs, unindexTags } from './search-index.ts';
import { lockOf } from './sql.ts';
import { frozenVariables } from './variables.ts';
import type { Transaction } from './writer.ts';

export interface JobEdit {
  readonly params?: Params;
  readonly command?: string | null;
  /** Those of the command; left out: as they were frozen. */
  readonly variables?: FrozenVariables;
  readonly priority?: number;
  readonly max_attempts?: number | null;
  readonly timeout_seconds?: number | null;
  readonly tags?: readonly string[];
  readonly results_dir?: string | null;
}

/** Edits a pending job; the event keeps what was and what is. */
export async function editJob(
  tx: Transaction,
  target: { experiment_id: number; number: number },
  edit: JobEdit & { revision?: number },
  actor: string,
): Promise<void> {
  const { experiment_id: experimentId, number } = target;
  await tx.sql.all(`select id from job where experiment_id = ? and number = ?${lockOf(tx.sql)}`, [experimentId, number]);
  const job = await findJob(tx, experimentId, number);
  if (job === null) throw new Refusal('job_not_found', `There is no job ${number} in this experiment.`);
  if (job.status !== 'pending') throw new Refusal('job_not_pending', `Job ${number} is ${job.status}; only pending jobs can be edited.`);
  if (edit.revision !== undefined && edit.revision !== job.revision) {
    throw new Refusal('job_not_pending', `Job ${number} was edited by somebody else meanwhile. Load it again and repeat the edit.`, { revision: job.revision });
  }
  const command = edit.command === undefined ? job.command : edit.command;
  const variables = edit.variables ?? (await frozenVariables(tx, job.id));
  const after = {
    params: edit.params ?? job.params,
    command,
    priority: edit.priority ?? job.priority,
    max_attempts: edit.max_attempts === undefined ? job.max_attempts : edit.max_attempts,
    timeout_seconds: edit.timeout_seconds === undefined ? job.timeout_seconds : edit.timeout_seconds,
    tags: edit.tags ?? job.tags,
    results_dir: edit.results_dir === undefined ? job.results_dir : edit.results_dir,
  };
  await tx.sql.run(
    `update job set params_json = ?, command_id = ?, demand_id = ?, priority = ?, max_attempts = ?, timeout_seconds = ?, tags_json = ?, results_dir = ?,
      revision = revision + ? where id = ?`,
    [
      JSON.stringify(after.params),
      command === null ? null : await commandId(tx.sql, command, variables),
      await demandId(tx.sql, experimentId, { ...job, command }),
      after.priority,
      after.max_attempts,
      after.timeout_seconds,
      after.tags.length === 0 ? null : JSON.stringify(after.tags),
      after.results_dir,
      // Only what the job runs makes it another one; an attempt of the old one no longer speaks for it.
      edit.params === undefined && edit.command === undefined ? 0 : 1,
      job.id,
    ],
  );
  if (edit.params !== undefined) {
    await unindexJobs(tx.sql, experimentId, [{ number, params: job.params }]);
    await indexParams(tx.sql, experimentId, number, [edit.params]);
  }
  if (edit.tags !== undefined) {
    await unindexTags(tx.sql, experimentId, [{ number, tags: job.tags }]);
    await indexTags(tx.sql, experimentId, [{ number, tags: edit.tags }]);
  }
  tx.event({ kind: 'jobs_edited', experiment_id: experimentId, actor, numbers: [number], job_id: job.id, data: changes(job, after) });
  tx.wake('all');
}

function changes(before: object, after: object): Record<string, unknown> {
  const differing = Object.entries(after).filter(([name, value]) => JSON.stringify((before as Record<string, unknown>)[name]) !== JSON.stringify(value));
  return Object.fromEntries(differing.map(([name, value]) => [name, { from: (before as Record<string, unknown>)[name] ?? null, to: value as unknown }]));
}
