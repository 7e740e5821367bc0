// All jobs that a filter names, a piece at a time by key, with the latest values of some metrics: read as fast as they are taken.
import { listJobs } from './job-list.ts';
import type { JobRecord } from './job-rows.ts';
import type { JobFilter } from './job-search.ts';
import { type LatestValue, readLatestMetrics } from './metric-latest.ts';
import type { Reader } from './store.ts';

export interface ExportedJob {
  readonly job: JobRecord;
  /** In the order of the names. */
  readonly values: readonly LatestValue[];
}

/** Jobs of one piece; params may be long, so it depends on those before how many. */
const ROWS = { least: 50, most: 1_000 } as const;
const PIECE_CHARACTERS = 4_000_000;

export async function* exportJobs(
  reader: Reader,
  experimentId: number,
  wanted: { filter: JobFilter; metrics: readonly string[] },
): AsyncGenerator<ExportedJob[]> {
  let limit: number = ROWS.least;
  let cursor: string | null = null;
  do {
    const page = await listJobs(reader, experimentId, { filter: wanted.filter, sort: 'number', order: 'asc', limit, cursor });
    const values = await readLatestMetrics(reader, page.jobs, wanted.metrics);
    if (page.jobs.length > 0) {
      yield page.jobs.map((job) => ({ job, values: values.get(job.id)! }));
      limit = nextLimit(page.jobs);
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
}

function nextLimit(jobs: readonly JobRecord[]): number {
  const characters = jobs.reduce((sum, { params, command }) => sum + JSON.stringify(params).length + (command?.length ?? 0) + 500, 0);
  return Math.max(ROWS.least, Math.min(ROWS.most, Math.floor(PIECE_CHARACTERS / (characters / jobs.length))));
}
