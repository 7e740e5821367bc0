// Jobs as real processes: each in its own session and process group under the shim, with files instead of pipes,
// so that nothing of it hangs on this agent.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { Clock } from '../runtime/clock.ts';
import { makeDirectories } from '../runtime/make-directories.ts';
import type { StoredAttempt } from './attempt-store.ts';
import type { Host } from './host.ts';
import { jobArguments, type ScriptSettings } from './job-command.ts';
import { jobVariables } from './job-environment.ts';
import { StartFailure, startFailure, type JobProcess, type ProcessEnd, type ProcessRunner } from './job-process.ts';
import type { Launcher, ProcessRequest, StartedProcess } from './launcher.ts';
import { readPlainFile } from './plain-file.ts';
import { SHIM, STATUS_SPACE, parseIdentity, parseStatus } from './job-shim.ts';

export interface ProcessRunnerOptions extends ScriptSettings {
  readonly host: Host;
  readonly clock: Clock;
  readonly server: string;
  readonly data: string;
  /** Where the worker was launched: every job's working directory. */
  readonly cwd: string;
  /** Without our secrets. */
  readonly env: Readonly<Record<string, string>>;
  readonly python_library: string;
}

/** How often an adopted process, which is nobody's child here, is looked at. */
const ADOPTED_CHECK_MS = 250;
/** A shim that was started in the last moment of the previous agent gets this long to write who it is. */
const IDENTITY_WAIT_MS = 3_000;

export function createProcessRunner(options: ProcessRunnerOptions, launcher: Launcher): ProcessRunner {
  return {
    start: (attempt, worker_id) => start(options, launcher, { attempt, worker_id }),
    adopt: (attempt) => adopt(options, attempt),
  };
}

async function start(
  options: ProcessRunnerOptions,
  launcher: Launcher,
  { attempt, worker_id }: { attempt: StoredAttempt; worker_id: string },
): Promise<JobProcess> {
  const { lease, directory } = attempt;
  try {
    const started_at = options.clock.now();
    const started = await launcher.start(prepare(options, attempt, worker_id));
    if (started === 'unknown') return await adopt(options, attempt);
    const ended = started.ended.then((end) => endOf(options, attempt, end));
    return { ...groupOf(options, started.pid), pid: started.pid, started_at, ran_ms: 0, ended, hasEnded: () => readEnd(directory) !== null };
  } catch (error) {
    // With it the interpreter and the script may have gone: whatever failed, no job is to blame.
    if (!existsSync(options.cwd)) {
      throw new StartFailure(
        'machine',
        `The directory ${options.cwd}, where the worker was launched, is not there. Bring it back, or start the worker elsewhere.`,
      );
    }
    throw startFailure(error, lease);
  }
}

async function endOf(options: ProcessRunnerOptions, attempt: StoredAttempt, end: Awaited<StartedProcess['ended']>): Promise<ProcessEnd> {
  if (end === 'unwatched') return (await adopt(options, attempt)).ended;
  return readEnd(attempt.directory) ?? { kind: 'vanished', exit_code: null, signal: end.signal, at: options.clock.now() };
}

function prepare(options: ProcessRunnerOptions, { lease, directory }: StoredAttempt, workerId: string): ProcessRequest {
  const program = jobArguments(lease, options);
  const jobDirectory = join(options.data, lease.experiment, String(lease.number));
  makeDirectory(jobDirectory);
  writeFileSync(join(directory, 'params.json'), JSON.stringify(lease.params), { mode: 0o600 });
  const variables = jobVariables(options.env, lease, {
    server: options.server,
    data: options.data,
    job_directory: jobDirectory,
    attempt_directory: directory,
    worker_id: workerId,
    python_library: options.python_library,
  });
  const { boot_id, pid_namespace } = options.host;
  const shim = ['/bin/sh', '-c', SHIM, 'sh', boot_id, pid_namespace, basename(directory), ...program];
  return { directory, cwd: options.cwd, arguments: shim, variables, status: STATUS_SPACE };
}

/** For all but the first job of an experiment there is a place: one call, and not one for each part of the path. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch {
    // No place yet, or an earlier attempt of the job was here.
    makeDirectories(path);
  }
}

async function adopt(options: ProcessRunnerOptions, attempt: StoredAttempt): Promise<JobProcess> {
  const { directory, created_at } = attempt;
  const { clock, host } = options;
  let identity = parseIdentity(readText(directory, 'pid'), basename(directory));
  while (identity === null && clock.now() - created_at < IDENTITY_WAIT_MS && clock.now() >= created_at) {
    await clock.sleep(50);
    identity = parseIdentity(readText(directory, 'pid'), basename(directory));
  }
  // Who never wrote its identity left no moment either.
  const started_at = identity === null ? created_at : startedAt(directory, created_at);
  const alive = identity !== null && host.see(identity) === 'alive';
  const ran_ms = identity !== null && alive ? host.age(identity) : null;
  const known = { pid: identity?.pid ?? null, started_at, ran_ms, hasEnded: () => readEnd(directory) !== null };
  const end = readEnd(directory);
  if (end !== null || !alive || identity === null) {
    const ended = end ?? ({ kind: 'lost', exit_code: null, signal: null, at: clock.now() } as const);
    // A leader that ended may have left children: they are still ours if the group is of this boot and namespace.
    const own = identity !== null && host.see(identity) !== 'elsewhere' && host.identify(identity.pid) === null;
    // Over, whatever is on record: nobody may say that it ran on until its timeout.
    return { ...known, hasEnded: () => true, ...(own ? groupOf(options, identity!.pid) : NO_GROUP), ended: Promise.resolve(ended) };
  }
  const living = identity;
  return { ...known, ...groupOf(options, living.pid), ended: watchAdopted(options, directory, () => host.see(living) === 'alive') };
}

async function watchAdopted({ clock }: ProcessRunnerOptions, directory: string, alive: () => boolean): Promise<ProcessEnd> {
  for (;;) {
    // In this order: a process that ends in between has written its status first.
    const lives = alive();
    const end = readEnd(directory);
    if (end !== null && !lives) return end;
    if (!lives) return { kind: 'vanished', exit_code: null, signal: null, at: clock.now() };
    await clock.sleep(ADOPTED_CHECK_MS);
  }
}

const NO_GROUP = { signal: () => undefined, groupLives: () => false };

function groupOf({ host }: ProcessRunnerOptions, pid: number): Pick<JobProcess, 'signal' | 'groupLives'> {
  return { signal: (name) => void host.signal(-pid, name), groupLives: () => host.groupLives(pid) };
}

function readEnd(directory: string): ProcessEnd | null {
  const status = parseStatus(readText(directory, 'status'), basename(directory));
  return status === null ? null : { kind: 'exited', ...status, at: statSync(join(directory, 'status')).mtimeMs };
}

function startedAt(directory: string, otherwise: number): number {
  try {
    return statSync(join(directory, 'pid')).mtimeMs;
  } catch {
    return otherwise;
  }
}

/** What the shim writes is one short line. */
const MOST_NOTE_BYTES = 4_096;

function readText(directory: string, name: string): string {
  try {
    return readPlainFile(join(directory, name), MOST_NOTE_BYTES);
  } catch {
    return '';
  }
}
