// Reads jobs page by page, and shows a job as a row.
import type { JobShape } from '../contract/schemas.ts';
import { formatRanges } from '../core/identifiers.ts';
import { JOB_STATUSES, type JobStatus } from '../core/job.ts';
import { plainText } from '../core/params.ts';
import type { ApiClient } from './connection.ts';
import type { Context } from './context.ts';
import { usageError } from './failure.ts';
import { durationText, relativeTime } from './moments.ts';
import { STATUS_COLOURS } from './output.ts';
import type { JobSelection } from './selection.ts';
import type { Cell, Column } from './table.ts';

export type JobQuery = NonNullable<Parameters<ApiClient['jobs']['list']>[0]['query']>;

const PAGE = 1_000;

/** All jobs that the query names, at most `limit`, in pages. */
export async function* readJobs(
  client: ApiClient,
  experiment: string,
  options: { query: JobQuery; limit: number | null },
): AsyncGenerator<readonly JobShape[]> {
  let left = options.limit ?? Infinity;
  let cursor: string | undefined;
  while (left > 0) {
    const query = { ...options.query, limit: Math.min(PAGE, left), ...(cursor === undefined ? {} : { cursor }) };
    const page = await client.jobs.list({ params: { experiment }, query });
    yield page.jobs;
    left -= page.jobs.length;
    // A page of a large list may be empty and still not the last.
    if (page.next_cursor === null) return;
    cursor = page.next_cursor;
  }
}

export interface JobName {
  readonly experiment: string;
  readonly number: number;
}

/** Those of the named jobs that there are, in order. */
export async function existingJobs(context: Context, selection: readonly JobSelection[]): Promise<JobName[]> {
  const { client } = await context.connection();
  const jobs: JobName[] = [];
  for (const { experiment, ranges } of selection) {
    for await (const page of readJobs(client, experiment, { query: { numbers: formatRanges(ranges), order: 'asc' }, limit: null })) {
      jobs.push(...page.map(({ number }) => ({ experiment, number })));
    }
  }
  return jobs;
}

export const JOB_COLUMNS: readonly Column[] = [
  { title: 'JOB' },
  { title: 'STATUS' },
  { title: 'CLASS' },
  { title: 'PARAMS', shrinks: true },
  { title: 'WORKER' },
  { title: 'STARTED' },
  { title: 'TOOK', align: 'right' },
  { title: 'MESSAGE', shrinks: true },
];

export function jobRow(job: JobShape, now: number): Cell[] {
  return [
    `${job.experiment}/${job.number}`,
    statusCell(job),
    job.machine_class ?? '',
    paramsText(job.params),
    job.worker_id ?? '',
    relativeTime(job.started_at, now),
    job.status === 'running' && job.started_at !== null ? durationText(Math.max(0, now - Date.parse(job.started_at))) : durationText(job.duration_ms),
    job.status === 'running' && job.progress !== null ? `${job.progress.done}/${job.progress.total}` : (job.message ?? ''),
  ];
}

export function statusCell(job: JobShape): Cell {
  const suffix =
    job.status === 'pending' && job.held_at !== null ? ' (held)' : job.status === 'running' && job.cancel_requested_at !== null ? ' (cancelling)' : '';
  return { text: job.status + suffix, colour: STATUS_COLOURS[job.status]! };
}

export function paramsText(params: JobShape['params']): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${plainText(value)}`)
    .join(' ');
}

/** For `--status`, which may be given several times, and with commas. */
export function collectStatus(text: string, before: JobStatus[] | undefined): JobStatus[] {
  const words = text.split(',');
  const unknown = words.find((word) => !JOB_STATUSES.includes(word as JobStatus));
  if (unknown !== undefined) throw usageError(`${JSON.stringify(unknown)} is not a status; there are ${JOB_STATUSES.join(', ')}.`);
  return [...(before ?? []), ...(words as JobStatus[])];
}
