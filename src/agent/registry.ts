// The agents of this user on this machine: one small file each, written whole or not at all, so that a listing, a stop and
// a take-over work without the server. Safe on a shared home directory: other machines' files are never judged.
import { closeSync, linkSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';

import * as z from 'zod';

import { randomId } from '../runtime/ids.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import { replaceFile } from '../runtime/replace-file.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Host } from './host.ts';

const Identity = z.object({ pid: z.int(), start_time: z.string().nullable(), boot_id: z.string(), pid_namespace: z.string() });

/** How the agent was launched; a restart needs nothing else. Never the API key. */
const Launch = z.object({
  server: z.string(),
  experiments: z.array(z.string()).nullable(),
  script: z.string().nullable(),
  interpreter: z.string().nullable(),
  workers: z.int().min(0),
  /** Classes of machines elsewhere that it drives, and through which program. */
  drives: z.array(z.string()).default([]),
  driver: z.string().nullable().default(null),
  machine_class: z.string().nullable(),
  once: z.boolean(),
  cwd: z.string(),
  /** `jd_data`. */
  data: z.string(),
  cache: z.string(),
  log_dir: z.string().nullable(),
  log_level: z.string(),
  ca_file: z.string().nullable(),
  free_space_bytes: z.number(),
  /** Each worker has a log of its own, with what its jobs print. */
  worker_logs: z.boolean().default(false),
  /** A number that the user gave; it is only shown. */
  process_id: z.int().nullable().default(null),
});

const Instance = z.looseObject({
  format: z.literal(1),
  /** Owner of attempt directories: unique over machines and servers. */
  id: z.string(),
  machine: z.string(),
  store_id: z.string(),
  agent_id: z.int(),
  secret: z.string(),
  host: z.string(),
  instance: z.string(),
  worker_ids: z.array(z.string()),
  launch: Launch,
  /** The process that runs it or is about to; null after it ended in order. */
  process: Identity.nullable(),
  /** Rises with every start. */
  starts: z.int(),
  /** Every sync up to here may have been sent. */
  sync_seq: z.int(),
  /** Milliseconds since 1970. */
  changed_at: z.number(),
  /** Slots of workers that were told on this machine to leave: they stay away when the agent starts again. */
  sent_away: z.array(z.int()).default([]),
  /** It belongs to a terminal or to another process, and cannot be replaced by one in the background. */
  attached: z.boolean().default(false),
  /** Of the process, in milliseconds since 1970; 0: it did not tell. */
  started_at: z.number().default(0),
  log_file: z.string(),
});

export type LaunchSettings = z.output<typeof Launch>;
export type InstanceRecord = z.output<typeof Instance>;

export interface RegisteredInstance {
  readonly file: string;
  readonly record: InstanceRecord;
}

/** `<cache>/.cache/<experiments>`; a long list of experiments is cut and told apart by its hash. */
export function registryDirectory(cache: string, experiments: readonly string[] | null): string {
  return join(cache, '.cache', experimentsName(experiments));
}

export function experimentsName(experiments: readonly string[] | null): string {
  if (experiments === null) return '_all';
  const sorted = [...experiments].sort().join('+');
  return sorted.length <= 100 ? sorted : `${sorted.slice(0, 80)}+${createHash('sha256').update(sorted).digest('hex').slice(0, 12)}`;
}

export function instanceFile(record: Pick<InstanceRecord, 'host' | 'instance' | 'launch'>): string {
  return join(registryDirectory(record.launch.cache, record.launch.experiments), `${record.host}_${record.instance}.json`);
}

/** All instances of one cache, in the order of their names; files that cannot be read are skipped. */
export function listInstances(cache: string): RegisteredInstance[] {
  const root = join(cache, '.cache');
  return namesIn(root).flatMap((directory) => listDirectory(join(root, directory)));
}

export function listDirectory(directory: string): RegisteredInstance[] {
  return namesIn(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => readInstance(join(directory, name)) ?? []);
}

export function readInstance(file: string): RegisteredInstance | null {
  try {
    const record = Instance.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    return record.success ? { file, record: record.data } : null;
  } catch {
    return null;
  }
}

export function writeInstance(file: string, record: InstanceRecord): void {
  makeDirectories(dirname(file), 0o700);
  replaceFile(file, `${JSON.stringify(record, null, 1)}\n`, 0o600);
}

/** Whether the instance is this machine's and user's. */
export function isOwn({ file, record }: RegisteredInstance, host: Host): boolean {
  return record.machine === host.name && (process.getuid === undefined || statSync(file).uid === process.getuid());
}

const LOCK_STALE_MS = 30_000;
const LOCK_WAIT_MS = 40_000;

/** Launches on one directory one after the other. A lock whose holder died is taken after half a minute. */
export async function withLock<T>(directory: string, clock: Clock, action: () => Promise<T>): Promise<T> {
  makeDirectories(directory, 0o700);
  const lock = join(directory, '.lock');
  const mine = join(directory, `.lock.${randomId(6)}`);
  try {
    writeLock(mine);
    const deadline = clock.monotonic() + LOCK_WAIT_MS;
    // A hard link is made or refused as one step, on NFS too.
    while (!tryLink(mine, lock)) {
      if (clock.monotonic() > deadline) throw new Error(`Another launch holds ${lock}. If there is none, remove that file.`);
      if (isStale(lock, clock.now())) rmSync(lock, { force: true });
      await clock.sleep(20);
    }
    try {
      return await action();
    } finally {
      rmSync(lock, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Who holds it, for people: nothing reads it. */
function writeLock(path: string): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    writeSync(descriptor, String(process.pid));
  } finally {
    closeSync(descriptor);
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return tryCreate(to);
    throw error;
  }
}

/** For file systems without hard links. */
function tryCreate(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isStale(path: string, now: number): boolean {
  try {
    return now - statSync(path).mtimeMs > LOCK_STALE_MS;
  } catch {
    return false;
  }
}

export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
