// A small process beside the agent that starts the jobs (launcher.py). To fork copies the page tables of the whole process, so from
// an agent of 80 MB it takes longer than a short job; from ten megabytes of Python, which need not even fork, it is next to nothing.
// Where Python is missing, too old or still starting, the agent starts the processes itself: slower, but the same otherwise.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants as files, openSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import * as z from 'zod';

import type { Clock, Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

export interface ProcessRequest {
  /** Where stdout, stderr, pid and status are. */
  readonly directory: string;
  readonly cwd: string;
  readonly arguments: readonly string[];
  /** Beside the environment that the launcher was made with. */
  readonly variables: Readonly<Record<string, string>>;
  /** What the status file holds until the process ends. */
  readonly status: string;
}

export interface StartedProcess {
  readonly pid: number;
  /** Never rejects. `unwatched`: whoever would have seen the end is gone; the process may go on. */
  readonly ended: Promise<{ readonly signal: string | null } | 'unwatched'>;
}

export interface Launcher {
  /** Rejects as `spawn` does, with a code. `unknown`: the launcher died over it. */
  start(request: ProcessRequest): Promise<StartedProcess | 'unknown'>;
}

export interface LauncherOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly env: Readonly<Record<string, string>>;
  /** Python interpreter. */
  readonly python: string;
  /** launcher.py. */
  readonly program: string;
}

/** Never cut: a directory that is used again has them blank. */
const CREATE = files.O_WRONLY | files.O_CREAT;
const APPEND = CREATE | files.O_APPEND;

const AGAIN_AFTER_MS = 10_000;
const PATIENCE_MS = 10_000;

const Reply = z.object({
  ready: z.boolean().optional(),
  id: z.int().optional(),
  pid: z.int().positive().optional(),
  error: z.string().optional(),
  message: z.string().optional(),
  ended: z.boolean().optional(),
  signal: z.int().nullish(),
});

interface Started {
  readonly resolve: (process: StartedProcess | 'unknown') => void;
  readonly reject: (error: Error) => void;
  readonly end: (end: { readonly signal: string | null } | 'unwatched') => void;
  readonly ended: StartedProcess['ended'];
  readonly patience: Timer;
}

export function createLauncher(options: LauncherOptions): Launcher {
  let helper: Helper | null = null;

  function startHelper(): void {
    helper = new Helper(options, (worked) => {
      helper = null;
      // One that never started anything will not the next time either.
      if (!worked) return options.log.debug({ python: options.python }, 'no launcher: the agent starts the processes itself');
      options.log.warn({ python: options.python }, 'the launcher ended; the jobs go on, and another one is started');
      options.clock.after(AGAIN_AFTER_MS, startHelper);
    });
  }

  startHelper();
  return { start: (request) => (helper?.isReady === true ? helper.start(request) : startHere(request, options.env)) };
}

class Helper {
  isReady = false;
  readonly #options: LauncherOptions;
  readonly #onEnd: (worked: boolean) => void;
  readonly #requests = new Map<number, Started>();
  #child: ChildProcess | null = null;
  #last = 0;
  #worked = false;
  #over = false;

  constructor(options: LauncherOptions, onEnd: (worked: boolean) => void) {
    this.#options = options;
    this.#onEnd = onEnd;
    try {
      this.#open();
    } catch (error) {
      options.log.debug({ err: error }, 'the launcher could not be started');
      process.nextTick(() => this.#end());
    }
  }

  start(request: ProcessRequest): Promise<StartedProcess | 'unknown'> {
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      let end: Started['end'] = () => undefined;
      const ended = new Promise<Awaited<StartedProcess['ended']>>((settle) => (end = settle));
      // One that hangs is killed; what it may have started is then looked for as after a restart of the agent.
      const patience = this.#options.clock.after(PATIENCE_MS, () => this.#fail('it did not answer'));
      this.#requests.set(id, { resolve, reject, end, ended, patience });
      this.#write({ id, ...request });
    });
  }

  #open(): void {
    const { env, python, program } = this.#options;
    // Isolated, and without site packages: what is in the user's Python does not matter, and it starts in a moment.
    this.#child = spawn(python, ['-I', '-S', '-X', 'utf8', program], { env, detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
    const { stdin, stdout } = this.#child;
    this.#child.on('error', () => this.#end()).on('exit', () => this.#end());
    stdin?.on('error', () => this.#end());
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#heard(line));
    // None of this keeps the agent alive.
    this.#child.unref();
    for (const pipe of [stdin, stdout]) (pipe as { unref?(): void } | null)?.unref?.();
    // Not its own environment, to which a Python that is a wrapper may have added.
    this.#write({ environment: env });
  }

  #write(message: object): void {
    this.#child?.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #heard(line: string): void {
    const reply = parseReply(line);
    // A wrapper that prints something of its own, for instance.
    if (reply === null) return this.#fail('it said what a launcher does not say');
    if (reply.ready === true) this.isReady = !this.#over;
    const request = this.#requests.get(reply.id ?? 0);
    if (request === undefined) return;
    request.patience.cancel();
    if (reply.pid !== undefined) {
      this.#worked = true;
      return request.resolve({ pid: reply.pid, ended: request.ended });
    }
    this.#requests.delete(reply.id ?? 0);
    if (reply.ended === true) request.end({ signal: signalName(reply.signal ?? null) });
    else request.reject(Object.assign(new Error(reply.message ?? 'not started'), { code: reply.error }));
  }

  #fail(reason: string): void {
    if (this.#over) return;
    this.#options.log.warn({ reason }, 'the launcher is given up');
    this.#child?.kill('SIGKILL');
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.isReady = false;
    for (const request of this.#requests.values()) {
      request.patience.cancel();
      request.resolve('unknown');
      request.end('unwatched');
    }
    this.#onEnd(this.#worked);
  }
}

function parseReply(line: string): z.infer<typeof Reply> | null {
  try {
    return Reply.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

async function startHere(request: ProcessRequest, env: Readonly<Record<string, string>>): Promise<StartedProcess> {
  const child = spawnWithFiles(request, env);
  const ended = new Promise<{ signal: string | null }>((resolve) => child.on('exit', (_code, signal) => resolve({ signal })));
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.on('error', reject);
  });
  child.unref();
  return { pid: child.pid!, ended };
}

/** Files and not pipes, so that nothing of a job hangs on this agent. */
function spawnWithFiles(
  { directory, cwd, arguments: [program, ...rest], variables, status }: ProcessRequest,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const descriptors: number[] = [];
  const open = (name: string, flags: number): number => {
    const descriptor = openSync(join(directory, name), flags, 0o600);
    descriptors.push(descriptor);
    return descriptor;
  };
  try {
    const opened = [open('stdout', APPEND), open('stderr', APPEND), open('pid', CREATE), open('status', CREATE)];
    // At a given position, so that the descriptor that the process inherits still stands at 0.
    writeSync(opened[3]!, status, 0);
    return spawn(program!, rest, { cwd, env: { ...env, ...variables }, detached: true, stdio: ['ignore', ...opened] });
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

function signalName(number: number | null): string | null {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
}
