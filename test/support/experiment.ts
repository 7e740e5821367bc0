// What the process tests ask of an experiment: create, read, and the one invariant that always holds, counters equal a recount.
import { expect } from 'vitest';

import type { AttemptShape, JobShape } from '../../src/contract/schemas.ts';
import type { Api } from './drover.ts';
import { eventually, type Patience } from './eventually.ts';

export interface JobSettings {
  readonly command?: string;
  readonly params?: JobShape['params'];
  readonly times?: number;
  readonly timeout_seconds?: number;
  readonly grace_seconds?: number;
  readonly max_attempts?: number;
  readonly held?: boolean;
}

export interface TestExperiment {
  readonly name: string;
  /** Number of the (first) job. */
  add(settings: JobSettings): Promise<number>;
  job(number: number): Promise<JobShape>;
  attempts(number: number): Promise<AttemptShape[]>;
  all(): Promise<JobShape[]>;
  /** What is kept of it, holes left out. */
  log(number: number, stream?: 'stdout' | 'stderr', attempt?: number): Promise<Buffer>;
  /** The same, with the number of bytes that the server says were dropped. */
  logWithHoles(number: number, stream?: 'stdout' | 'stderr', attempt?: number): Promise<{ bytes: Buffer; dropped: number }>;
  /** Resolves when a job has this status. */
  reaches(number: number, status: JobShape['status'], patience?: Patience): Promise<JobShape>;
  /** Resolves when none is pending or running. */
  ends(patience?: Patience): Promise<JobShape[]>;
  /** Counters equal a recount; while jobs run, at some moment. */
  recount(): Promise<void>;
}

export interface Settings {
  readonly lost_after_seconds?: number;
  readonly grace_seconds?: number;
  readonly max_attempts?: number;
  readonly backoff_base_seconds?: number;
}

/** `server` is asked for its client each time, because a restart may bring another key. */
export async function createExperiment(server: { readonly api: Api }, name: string, settings: Settings = {}): Promise<TestExperiment> {
  await server.api.experiments.create({ body: { name, settings } });
  return openExperiment(server, name);
}

export function openExperiment(server: { readonly api: Api }, name: string): TestExperiment {
  const params = { experiment: name };
  const get = (number: number) => server.api.jobs.get({ params: { ...params, number } });
  const experiment: TestExperiment = {
    name,
    async add({ command, params: values = {}, times = 1, ...settings }) {
      const created = await server.api.jobs.create({ params, body: { command: command ?? null, jobs: [{ params: values }], times, ...settings } });
      return created.from!;
    },
    job: async (number) => (await get(number)).job,
    attempts: async (number) => (await get(number)).attempts,
    async all() {
      const jobs: JobShape[] = [];
      let cursor: string | null = null;
      do {
        const page: { jobs: JobShape[]; next_cursor: string | null } = await server.api.jobs.list({
          params,
          query: { limit: 1_000, order: 'asc', ...(cursor === null ? {} : { cursor }) },
        });
        jobs.push(...page.jobs);
        cursor = page.next_cursor;
      } while (cursor !== null);
      return jobs;
    },
    log: async (number, stream, attempt) => (await experiment.logWithHoles(number, stream, attempt)).bytes,
    async logWithHoles(number, stream = 'stdout', attempt) {
      // Asked for as a whole: of an attempt that ended just now, the reply then waits for its last output.
      const reply = await server.api.results.log({ params: { ...params, number }, query: { stream, ...(attempt === undefined ? {} : { attempt }) } });
      const dropped = holesOf(reply).reduce((sum, [start, end]) => sum + end - start, 0);
      return { bytes: Buffer.from(await reply.arrayBuffer()), dropped };
    },
    reaches: (number, status, patience) =>
      eventually(async () => {
        const job = await experiment.job(number);
        expect(job, `job ${number}`).toMatchObject({ status });
        return job;
      }, patience),
    ends: (patience) =>
      eventually(async () => {
        const { counts } = await server.api.experiments.get({ params });
        expect(counts).toMatchObject({ pending: 0, running: 0 });
        return experiment.all();
      }, patience),
    recount: () =>
      eventually(async () => {
        const jobs = await experiment.all();
        const { counts } = await server.api.experiments.get({ params });
        const count = (status: JobShape['status']): number => jobs.filter((job) => job.status === status).length;
        expect(counts).toMatchObject({ pending: count('pending'), running: count('running'), done: count('done'), aborted: count('aborted') });
        expect(counts.total).toBe(jobs.length);
      }),
  };
  return experiment;
}

function holesOf(reply: Response): (readonly [number, number])[] {
  const text = reply.headers.get('drover-log-holes') ?? '';
  return [...text.matchAll(/(\d+)-(\d+)/g)].map(([, start, end]) => [Number(start), Number(end)] as const);
}
