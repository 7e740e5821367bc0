// Remembers which jobs were deleted, so that an agent that comes back with an attempt of one can be told. A job that is merely missing
// was perhaps never in this record (a restored backup, another store), and its attempts must go on.
import { attemptKey, type AttemptReference } from './attempt-proof.ts';
import { verifiedNonce } from './lease-token.ts';
import type { ServerKey } from './server-key.ts';
import { rowSet, type SqlValue } from './sql.ts';
import type { Transaction } from './writer.ts';

/**
 * Call it before the rows go. Jobs that were made in one transaction share their moment of creation and lie in a row of ids; a backup has
 * all of them or none. So one range per moment is enough, also when only some are deleted: for those that exist nobody asks.
 */
export async function rememberDeletedJobs(tx: Transaction, where: { readonly text: string; readonly values: readonly SqlValue[] }): Promise<void> {
  await tx.sql.run(
    `insert into deleted_job (created_at, first_id, last_id, deleted_at)
      select created_at, min(id), max(id), cast(? as bigint) from job where ${where.text} group by created_at order by created_at
      on conflict (created_at) do update set deleted_at = excluded.deleted_at,
        first_id = case when excluded.first_id < deleted_job.first_id then excluded.first_id else deleted_job.first_id end,
        last_id = case when excluded.last_id > deleted_job.last_id then excluded.last_id else deleted_job.last_id end`,
    [tx.now, ...where.values],
  );
}

/**
 * Of attempts whose jobs are not on record, by attemptKey: those whose tokens this server made for a job that it has deleted. The token
 * speaks of the job's moment of creation, which tells that job from one that had the same id in a past that a restore undid.
 */
export async function findDeletedAttempts(tx: Transaction, key: ServerKey, references: readonly AttemptReference[]): Promise<Set<string>> {
  const deleted = new Set<string>();
  if (references.length === 0) return deleted;
  const rows = await tx.sql.all<{ position: number; created_at: number }>(
    `select v.position, deleted_job.created_at from ${rowSet(tx.sql.dialect, { position: 'int', job_id: 'int' })} as v
      cross join deleted_job where deleted_job.last_id >= v.job_id and deleted_job.first_id <= v.job_id
        and not exists (select 1 from job where job.id = v.job_id)`,
    [JSON.stringify(references.map((reference, position) => [position, reference.job_id]))],
  );
  for (const { position, created_at } of rows) {
    const reference = references[position]!;
    if (verifiedNonce(key, { ...reference, created_at }, reference.token) !== null) deleted.add(attemptKey(reference));
  }
  return deleted;
}

/** An agent that stays away longer than this is told nothing any more: it keeps what it has. */
const REMEMBERED_MS = 400 * 24 * 3_600_000;

export async function forgetDeletedJobs(tx: Transaction): Promise<void> {
  await tx.sql.run('delete from deleted_job where deleted_at < ?', [tx.now - REMEMBERED_MS]);
}
