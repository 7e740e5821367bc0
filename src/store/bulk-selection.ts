// Which jobs a bulk action means: found on a connection that only reads, so that looking for them never stalls a claim.
import { JOB_STATUSES, type JobStatus } from '../core/job.ts';
import { LIMITS } from '../core/limits.ts';
import type { RefusalCode } from '../core/refusal.ts';

import { type Asked, refusalOf, type Refused } from './job-actions.ts';
import { filterWhere, type JobFilter } from './job-search.ts';
import type { Reader } from './store.ts';

export interface Preview {
  readonly matched: number;
  /** Jobs that the action would change. */
  readonly changed: number;
  readonly refused: Refused;
  /** Numbers of the jobs that it would change: the first, when they are more than one commit may change. */
  readonly numbers: readonly number[];
}

/** What an action would do now. */
export async function previewAction(reader: Reader, experimentId: number, filter: JobFilter, request: Asked): Promise<Preview> {
  const where = await filterWhere(reader, experimentId, filter);
  const judged = isAboutTags(request) ? 'status, tags_json' : 'status';
  const rows = await reader.sql.all<{ status: JobStatus; tags_json?: string | null; n: number }>(
    `select ${judged}, count(*) as n from job where ${where.text} group by ${judged}`,
    where.values,
  );
  const refused: Partial<Record<RefusalCode, number>> = {};
  let matched = 0;
  let changed = 0;
  for (const { status, tags_json = null, n } of rows) {
    const refusal = refusalOf(request, { status, tags_json });
    matched += Number(n);
    if (refusal === null) changed += Number(n);
    else if (refusal !== 'as_it_is') refused[refusal] = (refused[refusal] ?? 0) + Number(n);
  }
  return { matched, changed, refused, numbers: changed === 0 ? [] : await changedNumbers(reader, experimentId, filter, request) };
}

function isAboutTags({ action }: Asked): boolean {
  return action === 'add_tags' || action === 'remove_tags';
}

async function changedNumbers(reader: Reader, experimentId: number, filter: JobFilter, request: Asked): Promise<number[]> {
  const limit = LIMITS.bulk_jobs.value;
  if (!isAboutTags(request)) {
    const statuses = (filter.statuses ?? JOB_STATUSES).filter((status) => refusalOf(request, { status, tags_json: null }) === null);
    return jobNumbers(reader, experimentId, { ...filter, statuses }, { after: 0, up_to: ALL, limit });
  }
  const where = await filterWhere(reader, experimentId, filter);
  const rows = await reader.sql.all<{ number: number; status: JobStatus; tags_json: string | null }>(
    `select number, status, tags_json from job where ${where.text} order by job.number limit ?`,
    [...where.values, limit],
  );
  return rows.filter((row) => refusalOf(request, row) === null).map((row) => Number(row.number));
}

export const ALL = Number.MAX_SAFE_INTEGER;

export interface NumberSpan {
  /** Only higher numbers than this. */
  readonly after: number;
  readonly up_to: number;
  readonly limit: number;
}

/** Numbers of the jobs that a filter names, in order. */
export async function jobNumbers(reader: Reader, experimentId: number, filter: JobFilter, { after, up_to, limit }: NumberSpan): Promise<number[]> {
  const where = await filterWhere(reader, experimentId, filter);
  const rows = await reader.sql.all<{ number: number }>(
    `select number from job where ${where.text} and job.number > ? and job.number <= ? order by job.number limit ?`,
    [...where.values, after, up_to, limit],
  );
  return rows.map((row) => Number(row.number));
}

export interface Unmade {
  /** The first number that a matrix has still to make. */
  readonly first: number;
  readonly count: number;
}

/** Jobs that a matrix has still to make and that the filter may mean: they were accepted, so an action on "all" includes them. */
export async function unmadeJobs(reader: Reader, experimentId: number, filter: JobFilter, upTo = ALL): Promise<Unmade | null> {
  if (filter.statuses !== undefined && !filter.statuses.includes('pending')) return null;
  const matrices = await reader.sql.all<{ id: number; size: number; expanded: number; first_number: number }>(
    'select id, size, expanded, first_number from matrix where experiment_id = ? and expanded < size and first_number <= ? order by first_number',
    [experimentId, upTo],
  );
  const unmade = matrices.flatMap(({ id, size, expanded, first_number }) => {
    const from = Number(first_number) + Number(expanded);
    const to = Number(first_number) + Number(size) - 1;
    const isMeant = (filter.matrix_id === undefined || filter.matrix_id === Number(id)) && overlaps(filter, from, to);
    return isMeant ? [{ from, count: to - from + 1 }] : [];
  });
  if (unmade.length === 0) return null;
  return { first: unmade[0]!.from, count: unmade.reduce((sum, one) => sum + one.count, 0) };
}

function overlaps({ ranges }: JobFilter, from: number, to: number): boolean {
  return ranges === undefined || ranges.some((range) => range.from <= to && from <= range.to);
}
