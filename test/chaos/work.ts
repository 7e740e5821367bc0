// The fixed work of a run, and who submits it while everything breaks: what was answered is part of the ledger.
import { ApiError } from '../../src/contract/index.ts';
import { eventually } from '../support/eventually.ts';
import type { Field } from './field.ts';
import type { Random } from './random.ts';

export interface Job {
  readonly marker: string;
  readonly long: boolean;
  readonly exit_code: number;
  readonly command: string;
  readonly params: Readonly<Record<string, string | number>>;
}

export interface WorkOptions {
  readonly short_jobs: number;
  readonly long_jobs: number;
  /** How long a long job runs when nothing happens to it. */
  readonly long_ms: number;
  /** In which all of it is submitted. */
  readonly period_ms: number;
}

interface Batch {
  readonly key: string;
  readonly at: number;
  readonly jobs: readonly Job[];
}

const LIBRARY_JOB = '{marker} {steps} {pause_ms} {files} {checkpoints} {exit_code}';
const SHELL_JOB = '{marker} {lines} {seconds} {exit_code}';
const STEP_MS = 400;
const DESIGNED_FAILURE = { exit_code: 7, share: 0.03 };

export function makeWork(random: Random, scripts: { readonly library: string; readonly shell: string }, options: WorkOptions): Job[] {
  const library = `python3 ${scripts.library} ${LIBRARY_JOB}`;
  const long = Array.from({ length: options.long_jobs }, (_, each) => {
    const steps = Math.max(4, Math.round((options.long_ms * random.between(0.6, 1.4)) / STEP_MS));
    const params = { marker: `long-${each}`, steps, pause_ms: STEP_MS, files: random.whole(2, 5), checkpoints: random.whole(4, 12), exit_code: 0 };
    return { marker: params.marker, long: true, exit_code: 0, command: library, params };
  });
  const short = Array.from({ length: options.short_jobs }, (_, each): Job => {
    const marker = `short-${each}`;
    const exit_code = random.next() < DESIGNED_FAILURE.share ? DESIGNED_FAILURE.exit_code : 0;
    const kind = random.next();
    const common = { marker, exit_code };
    if (kind < 0.6) {
      const params = { ...common, lines: random.whole(0, 40), seconds: Number(random.between(0.03, 0.25).toFixed(3)) };
      return { ...common, long: false, command: `sh ${scripts.shell} ${SHELL_JOB}`, params };
    }
    const [files, checkpoints] = kind < 0.8 ? [0, 0] : kind < 0.92 ? [1, 0] : [random.whole(0, 2), random.whole(1, 3)];
    const params = { ...common, steps: random.whole(3, 12), pause_ms: random.whole(0, 20), files, checkpoints };
    return { ...common, long: false, command: library, params };
  });
  return [...long, ...short];
}

const BATCH = { least: 5, most: 25 };

/** Long jobs come early, so that they meet many faults. */
export function makeBatches(random: Random, jobs: readonly Job[], { period_ms }: Pick<WorkOptions, 'period_ms'>): Batch[] {
  const short = jobs.filter(({ long }) => !long);
  const batches: Batch[] = jobs.filter(({ long }) => long).map((job) => ({ key: job.marker, at: random.next() * period_ms * 0.6, jobs: [job] }));
  for (let from = 0; from < short.length;) {
    const some = short.slice(from, from + random.whole(BATCH.least, BATCH.most));
    batches.push({ key: `batch-${from}`, at: random.next() * period_ms, jobs: some });
    from += some.length;
  }
  return batches.toSorted((a, b) => a.at - b.at);
}

const CALL_LIMIT_MS = 15_000;

/** Resolves with the number that each marker was answered with. A batch without an answer is sent again under its key. */
export async function submit(field: Field, batches: readonly Batch[], pace: (at: number) => Promise<void>): Promise<Map<string, number>> {
  const answered = new Map<string, number>();
  for (const { key, at, jobs } of batches) {
    await pace(at);
    for (const command of new Set(jobs.map((job) => job.command))) {
      const some = jobs.filter((job) => job.command === command);
      const body = { command, jobs: some.map(({ params }) => ({ params })) };
      const reply = await eventually(
        () =>
          field
            .api()
            .jobs.create(
              { params: { experiment: field.experiment }, body },
              { idempotency_key: `${key}-${command.split(' ')[0]}`, signal: AbortSignal.timeout(CALL_LIMIT_MS) },
            )
            .catch((error: unknown) => {
              if (error instanceof ApiError && !error.retryable) field.violation(`a batch was refused for good: ${error.message}`);
              throw error;
            }),
        { within: 240_000, every: 250 },
      );
      some.forEach(({ marker }, index) => answered.set(marker, reply.from! + index));
    }
  }
  return answered;
}
