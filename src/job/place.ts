// Where this script runs: in a job of an agent, with a server only, or outside any job. Read at every call, because a script may change
// its environment.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';

/** No experiment can have this name, so trials outside a job never mix with real results. */
const LOCAL_EXPERIMENT = '_local';

/** What goes wrong, with a `code` as the server's refusals have. */
export class JobError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  /** How long the server asked to be left alone; 0: it did not. */
  readonly retry_after_ms: number;

  constructor(code: string, message: string, { retryable = false, retry_after_ms = 0 }: { retryable?: boolean; retry_after_ms?: number } = {}) {
    super(message);
    this.name = 'JobError';
    this.code = code;
    this.retryable = retryable;
    this.retry_after_ms = retry_after_ms;
  }
}

export interface Server {
  readonly url: string;
  readonly token: string;
}

/** An environment variable; empty counts as absent. */
export function setting(name: string): string | null {
  return process.env[name] || null;
}

export function numberSetting(name: string, fallback: number): number {
  const number = Number(setting(name) ?? fallback);
  return Number.isFinite(number) && number >= 0 ? number : fallback;
}

export function attemptDirectory(): string | null {
  return setting('JD_ATTEMPT_DIR');
}

export function serverHere(): Server | null {
  const [url, token] = [setting('JD_SERVER'), setting('JD_WORKER_TOKEN')];
  if (url === null || token === null) return null;
  return { url: (url.includes('://') ? url : `http://${url}`).replace(/\/+$/, ''), token };
}

/** True when neither an agent nor a server stands behind this script. */
export function isOutside(): boolean {
  return attemptDirectory() === null && serverHere() === null;
}

export function workspaceRoot(): string {
  const parent = (setting('JD_WORKSPACE_PATH') ?? homedir()).replace(/^~(?=\/|$)/, homedir());
  return setting('JD_WORKER_WORKSPACE_ROOT') ?? join(isAbsolute(parent) ? parent : resolve(parent), 'jd_data');
}

export function experimentRoot(): string {
  return join(workspaceRoot(), setting('JD_EXP_ID') ?? LOCAL_EXPERIMENT);
}

export function jobRoot(): string {
  return setting('JD_WORKER_JOB_DIR') ?? join(experimentRoot(), setting('JD_JOB_ID') ?? trialName());
}

/** Where uploads and checkpoints go outside a job. */
export function localStore(): string {
  return join(workspaceRoot(), LOCAL_EXPERIMENT, '.drover', trialName());
}

/** A name for this script with these arguments, e.g. `train-3f0c9a1b`: the same trial finds it again. */
function trialName(): string {
  const [, script = '', ...words] = process.argv;
  const stem =
    basename(script, extname(script))
      .replace(/[^A-Za-z0-9_-]/g, '_')
      .slice(0, 40) || 'interactive';
  const told = [script === '' ? process.cwd() : resolve(script), ...words].join('\0');
  return `${stem}-${createHash('sha256').update(told).digest('hex').slice(0, 8)}`;
}

/** With those above it. The recursive mkdir of Node tries for ever where no such place can be, as below /proc. */
export function makeDirectory(directory: string, mode = 0o777): void {
  const above = dirname(directory);
  if (above !== directory && !existsSync(above)) makeDirectory(above, mode);
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

/** Makes the directory if it can, so that a script can write at once. */
export function made(directory: string): string {
  try {
    makeDirectory(directory);
  } catch {
    // Whoever writes there will hear why not.
  }
  return directory;
}

/** A line for whoever reads the log; a closed stream must not end a job. */
export function note(sentence: string): void {
  try {
    process.stderr.write(`jd: ${sentence}\n`);
  } catch {
    // Nobody reads.
  }
}
