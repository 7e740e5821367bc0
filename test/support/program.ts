// A real process that a test starts and ends by its pid, and what the system tells of processes.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Program {
  readonly pid: number;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  hasExited(): boolean;
  stdout(): Buffer;
  /** Both streams as they came. */
  output(): string;
  signal(name: NodeJS.Signals): void;
}

/** A flood of output must not fill the memory of the tests. */
const LARGEST_OUTPUT = 64 * 1024 * 1024;

export function startProgram(words: readonly [string, ...string[]], options: { readonly cwd: string; readonly env: Record<string, string> }): Program {
  const [program, ...args] = words;
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = Buffer.alloc(0);
  let output = '';
  child.stdout.on('data', (piece: Buffer) => {
    if (stdout.length < LARGEST_OUTPUT) stdout = Buffer.concat([stdout, piece]);
    output = (output + piece.toString()).slice(-1_000_000);
  });
  child.stderr.on('data', (piece: Buffer) => (output = (output + piece.toString()).slice(-1_000_000)));
  let ended = false;
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      ended = true;
      resolve({ code, signal });
    });
  });
  return {
    pid: child.pid ?? 0,
    exited,
    hasExited: () => ended,
    stdout: () => stdout,
    output: () => output,
    signal: (name) => void child.kill(name),
  };
}

/** False for a zombie: it does nothing any more. */
export function isAlive(pid: number): boolean {
  const state = statFields(pid)?.[0];
  return state !== undefined && !'ZXx'.includes(state);
}

/** The process group, which the shim of a job leads; null when the process has gone. */
export function groupOf(pid: number): number | null {
  const group = statFields(pid)?.[2];
  return group === undefined ? null : Number(group);
}

export function parentOf(pid: number): number | null {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? null : Number(parent);
}

/** What a process was started with; empty when it has gone. */
export function environmentOf(pid: number): ReadonlyMap<string, string> {
  const settings = read(`/proc/${pid}/environ`).split('\0');
  return new Map(settings.filter((each) => each.includes('=')).map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)]));
}

export function commandLineOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

/** Bytes of memory that a process holds now (VmRSS) or held at most (VmHWM). */
export function memoryBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (kilobytes === null) throw new Error(`process ${pid} has no ${field}`);
  return Number(kilobytes[1]) * 1024;
}

/** Processes that were started with this exact setting in their environment, whoever their parent is now. */
export function processesWith(name: string, value: string): number[] {
  const wanted = `\0${name}=${value}\0`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(wanted) && isAlive(pid));
}

/** What every user of the machine may see. */
export function commandLine(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
}

/** `NAME=value`, as the process was started. */
export function environment(pid: number): string[] {
  return read(`/proc/${pid}/environ`).split('\0').slice(0, -1);
}

export function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has gone by itself.
  }
}

/** State, parent, group and so on; the program's name before them may hold blanks and brackets. */
function statFields(pid: number): string[] | null {
  const text = read(`/proc/${pid}/stat`);
  return text === '' ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
