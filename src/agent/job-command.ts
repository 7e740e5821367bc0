// What runs: the lease's command by the shell, or the worker's script with the params as arguments.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, extname, isAbsolute, join, resolve } from 'node:path';

import type { LeaseShape } from '../contract/index.ts';
import { argumentText, type ParamValue } from '../core/params.ts';
import { shellQuote } from '../core/template.ts';
import type { Environment } from '../runtime/config.ts';
import { StartFailure } from './job-process.ts';
import { plainWords } from './plain-command.ts';

/** Fixed when the agent was launched. */
export interface ScriptSettings {
  readonly script: string | null;
  /** Interpreter; null when the script runs by itself. */
  readonly interpreter: string | null;
  /** Runs the commands of jobs on driven machines; null: they are run as they are. */
  readonly driver: string | null;
}

export function jobArguments(lease: LeaseShape, settings: ScriptSettings): string[] {
  const words = argumentsOf(lease, settings);
  if (words === null) {
    throw new StartFailure('job', 'The job has no command and this worker has no script. Start the worker with --script, or give the job a command.');
  }
  if (lease.command === null) checkProgram(words[0]!);
  return words;
}

/** What a driver is given before the words of the command: it is to print where its results are. */
const DRIVER_FLAG = '--print_results_path';

/** Null when there is neither a command nor a script. */
export function argumentsOf(lease: LeaseShape, settings: ScriptSettings): string[] | null {
  if (lease.command !== null && lease.machine !== null && settings.driver !== null) {
    return ['/bin/sh', '-c', `${shellQuote(settings.driver)} ${DRIVER_FLAG} ${lease.command}`];
  }
  if (lease.command !== null) return plainWords(lease.command) ?? ['/bin/sh', '-c', lease.command];
  if (settings.script === null) return null;
  const options = Object.entries(lease.params as Record<string, ParamValue>).flatMap(([name, value]) => [`--${name}`, argumentText(value)]);
  return settings.interpreter === null ? [settings.script, ...options] : [settings.interpreter, settings.script, ...options];
}

function checkProgram(path: string): void {
  if (!isAbsolute(path)) return;
  try {
    accessSync(path, constants.X_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new StartFailure('job', `${path} ${missing ? 'does not exist' : 'may not be executed'}. Start the worker again with another --python or --script.`);
  }
}

export interface InterpreterChoice {
  readonly script: string;
  /** What the user asked for: a path or a name. */
  readonly python: string | null;
  readonly env: Environment;
  readonly cwd: string;
  /** This Node. */
  readonly node: string;
}

const NODE_SUFFIXES = new Set(['.js', '.mjs', '.cjs']);
const PYTHON_SUFFIXES = new Set(['.py', '.pyw', '.pyc']);

/** Which interpreter runs a script; null when the script runs by itself. A name is looked up now, not at each job. */
export function chooseInterpreter(choice: InterpreterChoice): string | null {
  const suffix = extname(choice.script).toLowerCase();
  if (NODE_SUFFIXES.has(suffix)) return choice.node;
  if (!PYTHON_SUFFIXES.has(suffix) && choice.python === null && isExecutable(choice.script)) return null;
  if (choice.python !== null) return locate(choice.python, choice);
  const environment = choice.env['VIRTUAL_ENV'];
  const active = environment === undefined || environment === '' ? null : join(environment, 'bin', 'python');
  return active !== null && isExecutable(active) ? active : locate('python3', choice);
}

/** A name that is nowhere on the path stays as it is: the job then fails with a message that says so. */
export function locate(program: string, choice: Pick<InterpreterChoice, 'env' | 'cwd'>): string {
  if (program.includes('/')) return resolve(choice.cwd, program.replace(/^~(?=\/)/, choice.env['HOME'] ?? '~'));
  for (const directory of (choice.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter)) {
    const path = resolve(choice.cwd, directory, program);
    if (directory !== '' && isExecutable(path)) return path;
  }
  return program;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
