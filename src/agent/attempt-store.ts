// The attempt directory: everything of one attempt that must survive the agent. The lease is written before the process starts.
import { constants, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

import * as z from 'zod';

import { ExecutionPlace, type ExecutionPlaceShape, type FinishedAttemptShape, type LeaseShape } from '../contract/index.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import { replaceFile } from '../runtime/replace-file.ts';
import { overwrite } from './overwrite.ts';
import { openPlainFile, readPlainFile } from './plain-file.ts';
import { createRemover, isLarge } from './remover.ts';
import type { SecretSeal } from './secret-seal.ts';
import { createSpareDirectories, isSpareOf, SPARE } from './spare-directories.ts';

/** Why we stopped a job ourselves; it becomes the outcome. */
export type Intent = 'timed_out' | 'cancelled' | 'released';

/** What cannot be read from the other files. Written only when there is something to say. */
export interface AttemptState {
  readonly intent: { readonly outcome: Intent; readonly message: string; readonly at: number } | null;
  /** An end that left no status file: the start failed, or the agent saw the shim die. */
  readonly end: FinishedAttemptShape | null;
  /** Log bytes before these offsets were given back to the disk. */
  readonly punched: { readonly stdout: number; readonly stderr: number };
  /** Uploads that the server refused for good. */
  readonly refused_uploads: readonly string[];
}

export const NEW_STATE: AttemptState = { intent: null, end: null, punched: { stdout: 0, stderr: 0 }, refused_uploads: [] };

export interface StoredAttempt {
  readonly lease: LeaseShape;
  /** It has secrets that this agent cannot read any more. */
  readonly secrets_lost: boolean;
  readonly slot: number;
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly created_at: number;
  readonly state: AttemptState;
  /** Null: the agent that wrote it did not tell. */
  readonly place: ExecutionPlaceShape | null;
}

export interface AttemptStore {
  /** Resolves when the lease is written. */
  create(lease: LeaseShape, slot: number, now: number): Promise<StoredAttempt>;
  save(directory: string, state: AttemptState): void;
  remove(directory: string): void;
  /** Resolves when all removals so far are over. */
  removed(): Promise<void>;
  /** All attempts of this agent, after a restart. */
  scan(): StoredAttempt[];
}

export interface AttemptStoreOptions {
  /** `jd_data`. */
  readonly data: string;
  /** Names the agent whose attempts these are, unique on every machine and over servers. */
  readonly owner: string;
  readonly clock: Clock;
  readonly seal: SecretSeal;
  /** Where and as what jobs run now: kept with each attempt, because a later process of the agent may run them elsewhere. */
  readonly place?: () => ExecutionPlaceShape;
}

/**
 * The lease is in its file before the job starts, which is all that an agent needs that is killed. Only a machine that loses its power
 * needs it on the disk, to deliver what the job left: a job so short that it is over by then does not wait for the disk.
 */
const SYNC_AFTER_MS = 1_000;

async function syncToDisk(path: string): Promise<void> {
  const file = await openPlainFile(path, constants.O_RDONLY).catch(() => null);
  // It is over.
  if (file === null) return;
  await file.sync().catch(() => undefined);
  await file.close();
}

/** Only what adoption needs is checked; a newer server may have sent more. */
const LeaseFile = z.object({
  owner: z.string(),
  slot: z.int(),
  created_at: z.number(),
  place: ExecutionPlace.nullable().catch(null).default(null),
  sealed_secrets: z.string().nullable().default(null),
  lease: z.looseObject({
    job_id: z.int(),
    experiment: z.string(),
    number: z.int(),
    attempt: z.int(),
    rank: z.int(),
    token: z.string(),
    timeout_seconds: z.number().nullable(),
    grace_seconds: z.number(),
  }),
});

function createLateSyncs(clock: Clock) {
  const waiting = new Map<string, Timer>();
  return {
    later(directory: string): void {
      const sync = (): void => {
        waiting.delete(directory);
        void syncToDisk(join(directory, 'lease.json'));
      };
      waiting.set(directory, clock.after(SYNC_AFTER_MS, sync));
    },
    never(directory: string): void {
      waiting.get(directory)?.cancel();
      waiting.delete(directory);
    },
  };
}

/** Between a directory and the lease in it lies a moment. */
const LITTER_AGE_MS = 60_000;

/** An agent that has had nothing to do for so long leaves nothing lying about. */
const SPARES_KEPT_MS = 10_000;

export function createAttemptStore(options: AttemptStoreOptions): AttemptStore {
  const known = new Set<string>();
  const remover = createRemover(options.clock);
  const spares = createSpareDirectories(options.owner);
  const syncs = createLateSyncs(options.clock);
  let idle: Timer | null = null;

  function removeSpares(): void {
    for (const directory of spares.drain()) remover.remove(directory);
  }

  function parentOf(experiment: string): string {
    const path = join(options.data, experiment, '.drover');
    if (!known.has(path)) {
      makeDirectories(path, 0o700);
      known.add(path);
    }
    return path;
  }

  function makeDirectory(lease: LeaseShape): string {
    const name = attemptDirectoryName(lease);
    try {
      const parent = parentOf(lease.experiment);
      const path = join(parent, name);
      // One without a lease is from an agent that was killed right here, and was offered the job again.
      if (!spares.take(parent, path) && !isWithoutLease(path)) mkdirSync(path, { mode: 0o700 });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    // Somebody removed the experiment's directory while we ran.
    known.clear();
    const path = join(parentOf(lease.experiment), name);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  return {
    async create(lease, slot, now) {
      const directory = makeDirectory(lease);
      const place = options.place?.() ?? null;
      const text = leaseText(lease, { owner: options.owner, slot, created_at: now, place }, options.seal);
      try {
        overwrite(join(directory, 'lease.json'), text);
      } catch (error) {
        // A full disk, for instance: the job is given back, and nobody else knows of this directory.
        remover.remove(directory);
        throw error;
      }
      syncs.later(directory);
      return { lease, secrets_lost: false, slot, directory, created_at: now, state: NEW_STATE, place };
    },
    save: (directory, state) => replaceFile(join(directory, 'state.json'), JSON.stringify(state), 0o600),
    remove(directory) {
      syncs.never(directory);
      const fate = isLarge(directory) ? { remove: directory } : spares.keep(directory);
      if (fate !== 'kept') return remover.remove(fate.remove);
      idle?.cancel();
      idle = options.clock.after(SPARES_KEPT_MS, removeSpares);
    },
    removed() {
      idle?.cancel();
      removeSpares();
      return remover.finished();
    },
    scan: () => scanAttempts(options),
  };
}

/** What its secrets are is not in the file in clear. */
function leaseText({ secrets, ...lease }: LeaseShape, facts: object, seal: SecretSeal): string {
  return JSON.stringify({ ...facts, ...(secrets === undefined ? {} : { sealed_secrets: seal.seal(secrets, lease.token) }), lease });
}

/** Owners that have attempts here which are not over or not delivered. */
export function ownersWithAttempts(data: string): Set<string> {
  const owners = new Set<string>();
  for (const directory of listDirectories(data)) {
    const file = LeaseFile.safeParse(readJson(join(directory, 'lease.json')));
    if (file.success) owners.add(file.data.owner);
  }
  return owners;
}

/** Job tokens are base64url text, but they come from outside: only what is safe in a file name is kept. */
export function attemptDirectoryName(lease: Pick<LeaseShape, 'number' | 'attempt' | 'token'>): string {
  return `${lease.number}.${lease.attempt}.${lease.token.replace(/[^A-Za-z0-9_-]/g, '').slice(0, 8)}`;
}

function listDirectories(data: string): string[] {
  return entries(data).flatMap((experiment) => {
    const parent = join(data, experiment, '.drover');
    return entries(parent).map((name) => join(parent, name));
  });
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function scanAttempts({ data, owner, clock, seal }: AttemptStoreOptions): StoredAttempt[] {
  return listDirectories(data).flatMap((directory) => {
    const attempt = readAttempt(directory, seal);
    if (attempt === null && isSpareOf(owner, basename(directory))) void removeLitter(directory);
    else if (attempt === null) removeLitterLater(directory, clock);
    return attempt?.owner === owner ? attempt.stored : [];
  });
}

/** An attempt whose lease is not whole never started, or is over: its directory is only litter, once nobody can be writing it. */
function removeLitterLater(directory: string, clock: Clock): void {
  const name = basename(directory);
  if (!/^\d+\.\d+\./.test(name) && !name.startsWith(SPARE)) return;
  const changed = changedAt(directory);
  clock.after(LITTER_AGE_MS, () => {
    if (holdsNothing(directory) && changedAt(directory) === changed) void removeLitter(directory);
  });
}

/** A lease that cannot be read just now, or that another version of the agent wrote, may be of a job that runs. */
function holdsNothing(directory: string): boolean {
  let text: string;
  try {
    text = readPlainFile(join(directory, 'lease.json'), MOST_JSON_BYTES);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  try {
    const file = LeaseFile.safeParse(JSON.parse(text));
    return file.success && attemptDirectoryName(file.data.lease) !== basename(directory);
  } catch {
    // Emptied, or cut short by a loss of power.
    return true;
  }
}

function readAttempt(directory: string, seal: SecretSeal): { readonly owner: string; readonly stored: StoredAttempt } | null {
  const file = LeaseFile.safeParse(readJson(join(directory, 'lease.json')));
  // After a power loss a directory that was used again may hold the lease of an earlier attempt, which is long over.
  if (!file.success || attemptDirectoryName(file.data.lease) !== basename(directory)) return null;
  const state = readJson(join(directory, 'state.json')) as Partial<AttemptState> | null;
  const { owner, slot, created_at, place, sealed_secrets: sealed } = file.data;
  const open = file.data.lease as unknown as LeaseShape;
  const secrets = sealed === null ? null : seal.open(sealed, open.token);
  const lease = secrets === null ? open : { ...open, secrets };
  const secrets_lost = sealed !== null && secrets === null;
  return { owner, stored: { lease, secrets_lost, slot, directory, created_at, state: { ...NEW_STATE, ...state }, place } };
}

function isWithoutLease(directory: string): boolean {
  return existsSync(directory) && !LeaseFile.safeParse(readJson(join(directory, 'lease.json'))).success;
}

async function removeLitter(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => undefined);
}

/** Milliseconds since 1970; null: it is not there. */
function changedAt(path: string): number | null {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return null;
  }
}

/** Params and command of one job are far less. */
const MOST_JSON_BYTES = 16 * 1024 * 1024;

function readJson(path: string): unknown {
  try {
    return JSON.parse(readPlainFile(path, MOST_JSON_BYTES)) as unknown;
  } catch {
    return null;
  }
}
