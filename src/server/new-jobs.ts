// Reads a request for new jobs: everything that could fail at start is found here, before anything is written.
import type * as z from 'zod';

import type { contract } from '../contract/index.ts';
import { LIMITS } from '../core/limits.ts';
import { combinations, type Matrix, readMatrix } from '../core/matrix.ts';
import { type Params, paramsProblem, utf8Length } from '../core/params.ts';
import { Refusal } from '../core/refusal.ts';
import { parseTemplate } from '../core/template.ts';
import { NO_VARIABLES } from '../core/variables.ts';
import type { JobTemplate } from '../store/create-jobs.ts';

export type CreateBody = z.output<(typeof contract)['jobs']['create']['body']>;

/** Either a matrix, expanded by the store, or a list of params. */
export type NewJobs = {
  /** Its variables are not frozen yet. */
  readonly template: JobTemplate;
  readonly count: number;
  readonly sample: readonly Params[];
  /** Params with every set of names that the jobs have. */
  readonly kinds: readonly Params[];
} & ({ readonly matrix: Matrix } | { readonly list: readonly Params[] });

const BYTES_PER_MB = 1024 * 1024;
const SAMPLE = 5;

export function readNewJobs(body: CreateBody): NewJobs {
  if (body.matrix !== undefined && body.jobs !== undefined) throw invalid('Give either `jobs` or `matrix`, not both.', 'matrix');
  const template = readTemplate(body);
  if (body.matrix !== undefined) return readMatrixJobs(body, template);
  if (body.jobs === undefined) throw invalid('Give `jobs` (a list of params) or `matrix` (name → list of values).', 'jobs');
  const count = body.jobs.length * body.times;
  if (count > LIMITS.create_jobs.value) {
    throw invalid(
      `These are ${count.toLocaleString('en-US')} jobs; one list creates at most ${LIMITS.create_jobs.value.toLocaleString('en-US')}. Send several lists, or use a matrix.`,
      'jobs',
    );
  }
  const given = body.jobs.map((job) => job.params as Params);
  given.forEach((params, index) => checkParams(params, index));
  checkTotal(body.times * given.reduce((sum, params) => sum + utf8Length(JSON.stringify(params)), 0), 'jobs');
  checkCommand(template.command);
  const list = body.times === 1 ? given : given.flatMap((params) => Array.from({ length: body.times }, () => params));
  return { template, count, sample: list.slice(0, SAMPLE), kinds: kindsOf(given), list };
}

function readMatrixJobs(body: CreateBody, template: JobTemplate): NewJobs {
  if (body.times !== 1) throw invalid('`times` goes with `jobs`. To repeat a matrix, add a param with one value per repetition, for example seed.', 'times');
  const read = readMatrix(body.matrix);
  if ('problem' in read) throw invalid(read.problem, 'matrix');
  const sample = [...combinations(read.matrix, 0, Math.min(SAMPLE, read.size))];
  const largest = largestCombination(read.matrix);
  checkParams(largest, 0);
  checkTotal(read.size * utf8Length(JSON.stringify(largest)), 'matrix');
  checkCommand(template.command);
  return { template, count: read.size, sample, kinds: [sample[0]!], matrix: read.matrix };
}

/** The combination whose params take most room: when it may be a job, all may. */
function largestCombination(matrix: Matrix): Params {
  const longest = matrix.map(
    ({ name, values }) => [name, values.reduce((most, value) => (JSON.stringify(value).length > JSON.stringify(most).length ? value : most))] as const,
  );
  return Object.fromEntries(longest);
}

function readTemplate(body: CreateBody): JobTemplate {
  return {
    command: body.command ?? null,
    variables: NO_VARIABLES,
    machine_class: body.machine_class ?? null,
    cpus: body.resources?.cpus ?? 0,
    memory_bytes: (body.resources?.memory_mb ?? 0) * BYTES_PER_MB,
    gpus: body.resources?.gpus ?? 0,
    priority: body.priority ?? 0,
    max_attempts: body.max_attempts ?? null,
    timeout_seconds: body.timeout_seconds ?? null,
    grace_seconds: body.grace_seconds ?? null,
    tags: body.tags ?? [],
    held: body.held ?? false,
    results_dir: body.results_dir ?? null,
  };
}

function checkParams(params: Params, index: number): void {
  const problem = paramsProblem(params);
  if (problem !== null) throw invalid(`Job ${index + 1} of the list: ${problem}`, `jobs.${index}.params`);
}

function checkTotal(bytes: number, path: string): void {
  const most = LIMITS.create_bytes.value;
  if (bytes <= most) return;
  throw invalid(
    `The params of all these jobs take up to ${bytes.toLocaleString('en-US')} bytes; at most ${most.toLocaleString('en-US')} are created at once. Put large values into files and pass their paths.`,
    path,
  );
}

/** Before anything is looked up: what is no command at all. */
function checkCommand(command: string | null): void {
  const parsed = command === null ? null : parseTemplate(command);
  if (parsed !== null && 'problem' in parsed) throw invalid(parsed.problem, 'command');
}

/** One of the jobs for each set of names that they have. */
function kindsOf(jobs: readonly Params[]): Params[] {
  const kinds = new Map<string, Params>();
  for (const params of jobs) {
    const key = Object.keys(params).toSorted().join('\u0000');
    if (!kinds.has(key)) kinds.set(key, params);
  }
  return [...kinds.values()];
}

export function invalid(sentence: string, path: string): Refusal {
  return new Refusal('invalid_input', sentence, { fields: [{ path, message: sentence }] });
}
