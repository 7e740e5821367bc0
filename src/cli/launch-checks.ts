// What can be said of a launch on this machine before anything is made or sent: in one sentence, with the setting to change.
import { accessSync, constants, statfsSync, statSync, type StatsFs } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { CLASS_NAME, EXPERIMENT_NAME } from '../core/identifiers.ts';
import type { AgentOptions } from '../runtime/local-agents.ts';
import { CliFailure, EXIT, usageError } from './failure.ts';

/** What a program calls the settings. */
export interface SettingNames {
  readonly script: string;
  readonly class: string;
  readonly workspace: string;
  readonly cache: string;
  readonly log_dir: string;
}

export interface LaunchPlace {
  readonly cwd: string;
  readonly home: string;
}

/** An entry of the registry needs less. */
const LEAST_FREE_BYTES = 256 * 1024;
/** `/proc` and `/sys` of Linux: nobody makes a file there, whatever rights are shown. */
const SHOWN_BY_KERNEL: readonly number[] = [0x9fa0, 0x62656572];

export function checkLaunch(options: AgentOptions, { cwd, home }: LaunchPlace, names: SettingNames): void {
  const path = (given: string): string => resolve(cwd, given.replace(/^~(?=\/|$)/, home));
  for (const experiment of options.experiments ?? []) checkExperimentName(experiment);
  const { machine_class: machineClass, script, cache, workspace, log_dir: logs } = options;
  if (machineClass !== null && !CLASS_NAME.test(machineClass)) {
    throw usageError(
      `${JSON.stringify(machineClass)} cannot be ${names.class}: it has at most 63 letters, digits, dots, _ and -, and begins with a letter or digit.`,
    );
  }
  for (const name of options.drives) {
    if (name !== '*' && !CLASS_NAME.test(name)) throw usageError(`${JSON.stringify(name)} is no class of machines to drive. Write a class, or '*' for all.`);
  }
  if (options.driver !== null && options.drives.length === 0) throw usageError('--driver runs jobs on driven machines. Say which: --drive CLASS');
  if (options.drives.length > 0 && options.once)
    throw usageError('An agent that drives machines stays for as long as there are any: give --drive or --once, not both.');
  if (script !== null) checkScript(path(script), names.script);
  const registry = path(cache ?? join(home, '.jd_cache'));
  checkPlace(registry, `the registry of workers. ${names.cache} names another place.`);
  // Nothing could be kept of the launch; jobs wait by themselves until there is space for them.
  if (freeBytes(registry) < LEAST_FREE_BYTES) throw refused(`${registry} has no space left for the registry of workers. ${names.cache} names another place.`);
  checkPlace(join(path(workspace ?? home), 'jd_data'), `the data of jobs. ${names.workspace} names another place.`);
  if (logs !== null) checkPlace(path(logs), `the logs of workers. ${names.log_dir} names another place.`);
}

function checkScript(script: string, name: string): void {
  const directory = isDirectory(script);
  if (directory === null) throw refused(`The script ${script} does not exist.`);
  if (directory) throw refused(`The script ${script} is a directory. ${name} takes a file.`);
}

export function checkExperimentName(name: string): void {
  if (EXPERIMENT_NAME.test(name)) return;
  const near = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const meant = EXPERIMENT_NAME.test(near) ? ` Did you mean ${near}?` : '';
  throw usageError(`${JSON.stringify(name)} cannot be an experiment: names have 2 to 47 of a-z, 0-9 and -, and begin with a letter.${meant}`);
}

/** Makes nothing. A directory that is not there yet must be possible in the one above it. */
function checkPlace(directory: string, what: string): void {
  const found = existing(directory);
  if (isDirectory(found) === false) throw refused(`${found} is a file, so there is no place below it for ${what}`);
  try {
    accessSync(found, constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EROFS' ? 'the file system is read-only' : code === 'EACCES' ? 'permission is denied' : String(code);
    throw refused(`${found} cannot be written (${why}), and is to hold ${what}`);
  }
  if (SHOWN_BY_KERNEL.includes(fileSystem(found)?.type ?? 0)) throw refused(`Nothing can be made in ${found}, so it is no place for ${what}`);
}

function existing(path: string): string {
  return isDirectory(path) === null && dirname(path) !== path ? existing(dirname(path)) : path;
}

/** Null: there is nothing. */
function isDirectory(path: string): boolean | null {
  try {
    return statSync(path).isDirectory();
  } catch {
    return null;
  }
}

function freeBytes(directory: string): number {
  const found = fileSystem(existing(directory));
  // Some file systems over a network tell nothing of their size.
  return found === null || found.blocks === 0 ? Infinity : found.bavail * found.bsize;
}

function fileSystem(path: string): StatsFs | null {
  try {
    return statfsSync(path);
  } catch {
    return null;
  }
}

function refused(message: string): CliFailure {
  return new CliFailure(EXIT.refused, message);
}
