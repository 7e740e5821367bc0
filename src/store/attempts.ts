// The attempts of a job, as they are shown.
import type { AttemptTable } from './schema.ts';
import type { Reader } from './store.ts';

export interface AttemptRecord extends AttemptTable {
  /** The driven machine on which it acted; null: where its agent is. */
  readonly machine: string | null;
  readonly log_bytes: { readonly stdout: number; readonly stderr: number };
}

export async function listAttempts(reader: Pick<Reader, 'sql'>, jobId: number): Promise<AttemptRecord[]> {
  const attempts = await reader.sql.all<AttemptTable & Pick<AttemptRecord, 'machine'>>(
    `select attempt.*, machine.name as machine from attempt left join worker on worker.id = attempt.worker_id left join machine on machine.id = worker.machine_id
      where attempt.job_id = ? order by attempt.attempt, attempt.rank`,
    [jobId],
  );
  const logs = await reader.sql.all<{ attempt: number; rank: number; stream: number; bytes: number }>(
    'select attempt, rank, stream, max(first_offset + length) as bytes from log_chunk where job_id = ? group by attempt, rank, stream',
    [jobId],
  );
  const bytesOf = (attempt: AttemptTable, stream: number): number =>
    Number(logs.find((log) => log.attempt === attempt.attempt && log.rank === attempt.rank && log.stream === stream)?.bytes ?? 0);
  return attempts.map((attempt) => ({ ...attempt, log_bytes: { stdout: bytesOf(attempt, 1), stderr: bytesOf(attempt, 2) } }));
}
