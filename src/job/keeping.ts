// Files and states on their way: sent to the server at once, kept in the attempt directory for the agent to deliver, or, outside a job,
// stored below the workspace.
import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { put, withTries, type Payload } from './exchange.ts';
import { attemptDirectory, isOutside, JobError, localStore, makeDirectory, note, numberSetting, serverHere } from './place.ts';

/** What an upload answers. `queued`: the agent delivers it later, and its version is not known yet. */
export interface Stored {
  readonly success: true;
  readonly filename: string;
  readonly version: number | null;
  readonly size_bytes: number;
  readonly queued?: true;
}

const TRIES = 5;
const LOCAL_CHECKPOINTS = 3;
/** With the agent to fall back on, no try begins later than this: the job has better things to do. */
const LONGEST_MS = 60_000;
const SPOOL_BYTES = 5 * 2 ** 30;
const NO_SPACE: readonly unknown[] = ['ENOSPC', 'EDQUOT'];
const WAITING = /^\d{13}-[0-9a-f]{8}\.json$/;

export async function deliver(payload: Payload, path: string, maxRetries: number | undefined): Promise<Stored> {
  if (isOutside()) return storeHere(payload);
  const [server, attempt, key] = [serverHere(), attemptDirectory(), randomBytes(16).toString('hex')];
  const spool = attempt === null ? null : join(attempt, 'uploads');
  // Later uploads queue behind those that wait.
  if (server !== null && (spool === null || waiting(spool).length === 0)) {
    try {
      const tries = Math.max(1, maxRetries ?? numberSetting('JD_UPLOAD_MAX_RETRIES', TRIES));
      const longest_ms = spool === null ? Infinity : LONGEST_MS;
      return (await withTries(() => put(server, path, payload, key), { tries, longest_ms })) as unknown as Stored;
    } catch (error) {
      if (!(error instanceof JobError) || !error.retryable || spool === null) throw error;
    }
  }
  if (spool === null) throw new JobError('unreachable', 'There is neither a server nor a place to keep the upload.');
  keep(spool, payload, key);
  note(`${payload.name} is kept on this machine until the server can take it`);
  return { success: true, queued: true, version: null, filename: payload.name, size_bytes: payload.size };
}

/** States that wait for delivery, newest first, as paths. */
export function waitingCheckpoints(): string[] {
  const attempt = attemptDirectory();
  return attempt === null
    ? []
    : waitingStates(join(attempt, 'uploads'))
        .toReversed()
        .map(({ data }) => data);
}

interface Waiting {
  readonly description: string;
  readonly data: string;
}

/** Oldest first. */
function waitingStates(spool: string): Waiting[] {
  return waiting(spool).flatMap((name) => {
    try {
      const { kind, file } = JSON.parse(readFileSync(join(spool, name), 'utf8')) as { readonly kind?: string; readonly file?: string };
      if (kind !== 'checkpoint' || typeof file !== 'string' || file.includes('/')) return [];
      return [{ description: join(spool, name), data: join(spool, file) }];
    } catch {
      // Not one of ours, or delivered just now.
      return [];
    }
  });
}

/** Newest first. */
export function localCheckpoints(): string[] {
  const directory = join(localStore(), 'checkpoints');
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => /^checkpoint-\d+\.v8$/.test(name)) : [];
  return names.toSorted((a, b) => versionOf(b) - versionOf(a)).map((name) => join(directory, name));
}

/** Oldest first. */
function waiting(spool: string): string[] {
  return existsSync(spool)
    ? readdirSync(spool)
        .filter((name) => WAITING.test(name))
        .toSorted()
    : [];
}

/** When this returns, the copy survives a crash of the machine. */
function keep(spool: string, payload: Payload, key: string): void {
  try {
    makeDirectory(spool, 0o700);
    makeRoom(spool, payload.size);
    try {
      write(spool, payload, key);
    } catch (error) {
      if (!isFull(error) || !dropSuperseded(spool, payload.size)) throw error;
      write(spool, payload, key);
    }
  } catch (error) {
    if (error instanceof JobError) throw error;
    if (isFull(error)) throw new JobError('spool_full', `${payload.name} cannot be kept for later: no space left in ${spool}.`);
    throw new JobError('spool_unwritable', `${payload.name} cannot be kept for later in ${spool}: ${(error as Error).message}`);
  }
}

function isFull(error: unknown): boolean {
  return NO_SPACE.includes((error as NodeJS.ErrnoException).code);
}

function makeRoom(spool: string, needed: number): void {
  const limit = numberSetting('JD_SPOOL_MAX_BYTES', SPOOL_BYTES);
  const used = readdirSync(spool).reduce((sum, name) => sum + sizeOf(join(spool, name)), 0);
  const excess = used + needed - limit;
  if (excess <= 0 || dropSuperseded(spool, excess)) return;
  throw new JobError('spool_full', `The server has not taken uploads for a while and ${spool} holds its limit of ${limit} bytes (JD_SPOOL_MAX_BYTES).`);
}

/** Gives up old undelivered states, never the newest, until so many bytes are free: a long absence of the server must not end a job. */
function dropSuperseded(spool: string, needed: number): boolean {
  const old = waitingStates(spool)
    .slice(0, -1)
    .map((state) => ({ ...state, size: sizeOf(state.data) }));
  if (old.reduce((sum, { size }) => sum + size, 0) < needed) return false;
  let left = needed;
  for (const { description, data, size } of old) {
    if (left <= 0) break;
    // Its description first: what is not described is not sent.
    for (const path of [description, data]) rmSync(path, { force: true });
    left -= size;
  }
  return true;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function write(spool: string, payload: Payload, key: string): void {
  // Later than every name that is there, so that a clock that was set back cannot reorder uploads.
  const moment = Math.max(Date.now(), Number(waiting(spool).at(-1)?.slice(0, 13) ?? 0) + 1);
  const stem = `${String(moment).padStart(13, '0')}-${randomBytes(4).toString('hex')}`;
  const data = join(spool, `${stem}.data`);
  const description = join(spool, `${stem}.json`);
  const temporary = `${description}.tmp`;
  try {
    copyContent(payload, data);
    syncPath(data);
    const { size } = statSync(data);
    writeFileSync(temporary, JSON.stringify({ key, name: payload.name, kind: payload.kind, file: `${stem}.data`, size }), { flag: 'wx', mode: 0o600 });
    syncPath(temporary);
    renameSync(temporary, description);
    syncDirectory(spool);
  } catch (error) {
    // Without its description nobody would ever send this copy.
    for (const path of [data, temporary]) rmSync(path, { force: true });
    throw error;
  }
}

function storeHere(payload: Payload): Stored {
  const { path, version } = payload.kind === 'checkpoint' ? nextCheckpoint() : nextUpload(payload.name);
  makeDirectory(join(path, '..'));
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  copyContent(payload, temporary);
  renameSync(temporary, path);
  if (payload.kind === 'checkpoint') for (const old of localCheckpoints().slice(LOCAL_CHECKPOINTS)) rmSync(old, { force: true });
  note(`outside a job; kept ${payload.name} (version ${version}) in ${localStore()}`);
  return { success: true, filename: payload.name, version, size_bytes: payload.size };
}

function nextCheckpoint(): { path: string; version: number } {
  const newest = localCheckpoints()[0];
  const version = newest === undefined ? 0 : versionOf(newest) + 1;
  return { path: join(localStore(), 'checkpoints', `checkpoint-${version}.v8`), version };
}

function nextUpload(name: string): { path: string; version: number } {
  let version = 0;
  while (existsSync(join(localStore(), 'uploads', String(version), name))) version += 1;
  return { path: join(localStore(), 'uploads', String(version), name), version };
}

function versionOf(path: string): number {
  return Number(/checkpoint-(\d+)\.v8$/.exec(path)?.[1] ?? -1);
}

function copyContent({ content }: Payload, to: string): void {
  if (typeof content === 'string') copyFileSync(content, to);
  else writeFileSync(to, content, { mode: 0o600 });
}

/** Some network file systems cannot; the entry is in place all the same. */
function syncDirectory(path: string): void {
  try {
    syncPath(path);
  } catch {
    // As above.
  }
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
