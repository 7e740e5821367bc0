// `drover/job`: what a Node script needs to find its directories, report and save. The same calls as the Python library, and no packages.
import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deserialize, serialize } from 'node:v8';

import { download } from './exchange.ts';
import { deliver, localCheckpoints, waitingCheckpoints, type Stored } from './keeping.ts';
import { attemptDirectory, experimentRoot, isOutside, JobError, jobRoot, made, note, numberSetting, serverHere, workspaceRoot, type Server } from './place.ts';

export type { Stored } from './keeping.ts';
export { JobError } from './place.ts';

const MEBIBYTE = 1024 * 1024;
const MOST_UPLOAD_BYTES = 100 * MEBIBYTE;
const NAME_CHARACTERS = 200;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const REFUSED_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\\]/g;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 30_000;

/** The directory of this job alone: write your results here. */
export function jobDir(): string {
  return made(jobRoot());
}

/** The directory that all jobs of this experiment on this machine share: a place for data sets and models. */
export function expDir(): string {
  return made(experimentRoot());
}

/** The root of all job data on this machine: `~/jd_data`, or `$JD_WORKSPACE_PATH/jd_data`. */
export function workerWorkspace(): string {
  return made(workspaceRoot());
}

/** The params of this job, name to value, with their types. Outside a job they are read from the command line: `--name value`. */
export function params(): Record<string, unknown> {
  const directory = attemptDirectory();
  if (directory === null) return readArguments(process.argv.slice(2));
  try {
    return JSON.parse(readFileSync(join(directory, 'params.json'), 'utf8')) as Record<string, unknown>;
  } catch (error) {
    throw new JobError('params_unreadable', `The params of this job cannot be read: ${(error as Error).message}`);
  }
}

/** Records one number, for example `logMetric('loss', 0.3, epoch)`. */
export function logMetric(name: string, value: number, step?: number): void {
  logMetrics({ [name]: value }, step);
}

/** Records several numbers of the same moment. It never throws: it sits in training loops. */
export function logMetrics(metrics: Readonly<Record<string, number>>, step?: number): void {
  const points = Object.entries(metrics).filter(([, value]) => typeof value === 'number');
  if (points.length === 0) return;
  const said = `metric ${points.map(([name, value]) => `${name}=${value}`).join(' ')}${step === undefined ? '' : ` step=${step}`}`;
  const values = Object.fromEntries(
    points.map(([name, value]) => [name.slice(0, NAME_CHARACTERS) || 'metric', Number.isFinite(value) ? value : String(value)]),
  );
  record({ s: step ?? null, m: values }, said);
}

/** Says how far the job is, for example `progress(epoch + 1, epochs)`. */
export function progress(done: number, total: number): void {
  if (Number.isFinite(done) && Number.isFinite(total)) record({ p: [done, total] }, `progress ${done}/${total}`);
}

function record(line: object, said: string): void {
  try {
    const directory = attemptDirectory();
    if (directory === null) process.stdout.write(`${said}\n`);
    // One write to a file that is opened for appending keeps lines whole, also those of child processes.
    else appendFileSync(join(directory, 'metrics.jsonl'), `${JSON.stringify({ t: Date.now() / 1000, ...line })}\n`, { mode: 0o600 });
  } catch (error) {
    note(`warning: metrics are lost: ${(error as Error).message}`);
  }
}

/**
 * Uploads a file of this job (at most 100 MiB); the dashboard shows it under its base name, a repeated name as its next version. When the
 * server cannot be reached in `max_retries` tries (5), a copy is kept and delivered later.
 */
export async function upload(path: string, options: { readonly max_retries?: number } = {}): Promise<Stored> {
  const status = statSync(path);
  if (!status.isFile()) throw new JobError('not_a_file', `upload: ${path} is not a regular file; a directory is uploaded file by file`);
  const name = artifactName(basename(path));
  checkSize(name, status.size);
  return deliver({ name, kind: 'artifact', size: status.size, content: path }, `artifacts/${encodeURIComponent(name)}`, options.max_retries);
}

/** Saves any value that can be cloned (plain objects, arrays, maps, typed arrays …; at most 100 MiB) as the state of this job. */
export async function updateCheckpoint(state: unknown, options: { readonly max_retries?: number } = {}): Promise<Stored> {
  const content = serialize(state);
  checkSize('the checkpoint', content.length);
  return deliver({ name: 'checkpoint', kind: 'checkpoint', size: content.length, content }, 'checkpoint', options.max_retries);
}

/**
 * The state that was saved last, by this or an earlier attempt of the job, on this machine or another; null when nothing was ever saved. That
 * is certain: without an answer of the server it waits (JD_CHECKPOINT_WAIT_SECONDS, 300), then throws. A damaged state is passed over with a
 * warning, and the one before it is taken.
 */
export async function getLastCheckpoint(): Promise<unknown> {
  const deadline = performance.now() + numberSetting('JD_CHECKPOINT_WAIT_SECONDS', 300) * 1000;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2)) {
    try {
      return await firstSound();
    } catch (error) {
      const left = deadline - performance.now();
      if (!(error instanceof JobError) || !error.retryable || left <= 0) throw error;
      if (wait === FIRST_WAIT_MS) note(`${error.message}; waiting for the last checkpoint`);
      await sleep(Math.min(left, Math.max(wait * (0.5 + Math.random() / 2), error.retry_after_ms)));
    }
  }
}

async function firstSound(): Promise<unknown> {
  let damage: JobError | null = null;
  for await (const { what, bytes } of states()) {
    try {
      const state = deserialize(bytes) as unknown;
      if (damage !== null) note(`going on from ${what}, which is older`);
      return state;
    } catch (error) {
      note(`warning: ${what} is damaged: ${(error as Error).message}. The one before it is tried.`);
      damage ??= new JobError('checkpoint_unreadable', `${what} is damaged: ${(error as Error).message}`);
    }
  }
  // Never null: starting afresh would throw work away.
  if (damage !== null) throw damage;
  return null;
}

/** Newest first. */
async function* states(): AsyncGenerator<{ readonly what: string; readonly bytes: Buffer }> {
  for (const path of isOutside() ? localCheckpoints() : waitingCheckpoints()) {
    const bytes = readIfThere(path);
    if (bytes !== null) yield { what: path, bytes };
  }
  if (isOutside()) return;
  const server = serverHere();
  if (server === null) throw new JobError('unreachable', 'JD_SERVER and JD_WORKER_TOKEN are not set, so nobody knows the last checkpoint.');
  for (let before: number | null = null; ;) {
    const found: { version: number; bytes: Buffer } | null = await checkpointBelow(server, before);
    if (found === null) return;
    before = found.version;
    yield { what: `checkpoint version ${before}`, bytes: found.bytes };
  }
}

async function checkpointBelow(server: Server, before: number | null): Promise<{ version: number; bytes: Buffer } | null> {
  try {
    const { headers, body } = await download(server, before === null ? 'checkpoint' : `checkpoint?before=${before}`);
    const version = Number(headers['drover-checkpoint-version'] ?? Number.NaN);
    if (Number.isInteger(version) && (before === null || version < before)) return { version, bytes: body };
    throw new JobError('unexpected_reply', `${server.url} did not answer like a Drover server.`, { retryable: before === null });
  } catch (error) {
    // Only the server's own word counts.
    if (error instanceof JobError && error.code === 'artifact_not_found') return null;
    throw error;
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    // It was delivered just now.
    return null;
  }
}

/** As the server takes it, its ending kept. */
function artifactName(name: string): string {
  const clean = Buffer.from(name.replace(REFUSED_CHARACTERS, '_')).toString();
  if (clean.length <= NAME_CHARACTERS) return clean;
  const ending = extname(clean).slice(0, 20);
  return `${clean.slice(0, NAME_CHARACTERS - ending.length).replace(/[\ud800-\udbff]$/, '')}${ending}`;
}

function checkSize(what: string, size: number): void {
  const limit = numberSetting('JD_MAX_UPLOAD_BYTES', MOST_UPLOAD_BYTES);
  if (size > limit) throw new JobError('too_large', `${what} has ${size} bytes; at most ${limit} are taken.`);
}

function readArguments(words: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (let index = 0; index < words.length; index += 1) {
    const match = /^--([A-Za-z_][\w.-]*)(?:=(.*))?$/s.exec(words[index]!);
    if (match === null) continue;
    const next = words[index + 1];
    const text = match[2] ?? (next === undefined || next.startsWith('--') ? undefined : words[(index += 1)]);
    values[match[1]!] = text === undefined ? true : readValue(text);
  }
  return values;
}

/** The value that a text stands for, the way Drover writes values as arguments. */
function readValue(text: string): unknown {
  if (text === 'True' || text === 'False') return text === 'True';
  if (text === 'None') return null;
  try {
    const value = JSON.parse(text) as unknown;
    // Numbers that would be changed stay texts.
    if (typeof value === 'number') return Number.isFinite(value) && (!/^-?\d+$/.test(text) || String(value) === text) ? value : text;
    return JSON.stringify(value) === text ? value : text;
  } catch {
    return text;
  }
}
