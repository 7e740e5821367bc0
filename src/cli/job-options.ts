// The options with which jobs are created, shared by `job add` and `matrix add`.
import type { Command } from 'commander';

import { paramNameProblem, parseParamText, type ParamValue } from '../core/params.ts';
import { commandFromWords } from '../core/template.ts';
import type { ApiClient } from './connection.ts';
import { collect, experimentOption, numberFrom, seconds, wholeNumber, type CommandText } from './command.ts';
import { usageError } from './failure.ts';

export interface JobOptions {
  readonly class?: string;
  readonly priority?: number;
  readonly maxAttempts?: number;
  readonly timeout?: number;
  readonly grace?: number;
  readonly cpus?: number;
  readonly memoryMb?: number;
  readonly gpus?: number;
  readonly tag?: string[];
  readonly resultsDir?: string;
  readonly held?: true;
  readonly dryRun?: true;
}

export type CreateBody = NonNullable<Parameters<ApiClient['jobs']['create']>[0]['body']>;

/** Params as the request carries them. */
export type JobParams = NonNullable<NonNullable<CreateBody['jobs']>[number]['params']>;

export function jobOptions(command: Command): Command {
  return experimentOption(command)
    .option('-c, --class <class>', 'only on machines of this class')
    .option('--priority <n>', 'higher goes first; default 0', wholeNumber(-1_000_000, 1_000_000))
    .option('--max-attempts <n>', 'tries that may fail before it is aborted', wholeNumber(1, 1000))
    .option('--timeout <time>', 'longest run of one attempt, e.g. 90s, 15m, 2h', seconds)
    .option('--grace <time>', 'time between SIGTERM and SIGKILL', seconds)
    .option('--cpus <n>', 'processors that it needs', numberFrom(0))
    .option('--memory-mb <n>', 'memory that it needs', numberFrom(0))
    .option('--gpus <n>', 'GPUs that it needs', numberFrom(0))
    .option('--tag <tag>', 'may be repeated', collect)
    .option('--results-dir <path>', 'absolute directory that its results are to be copied to')
    .option('--held', 'create held: nothing starts before `job unhold`')
    .option('--dry-run', 'say what would be created, create nothing');
}

/** The part of the request that all its jobs share. */
export function jobSettings(options: JobOptions, tail: readonly string[] | null): CreateBody {
  const resources = {
    ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
    ...(options.memoryMb === undefined ? {} : { memory_mb: options.memoryMb }),
    ...(options.gpus === undefined ? {} : { gpus: options.gpus }),
  };
  if (tail?.length === 0) throw usageError('There is no command after --. Leave out -- to run the script of the worker.');
  return {
    ...(tail === null ? {} : { command: commandFromWords(tail) }),
    ...(options.class === undefined ? {} : { machine_class: options.class }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.maxAttempts === undefined ? {} : { max_attempts: options.maxAttempts }),
    ...(options.timeout === undefined ? {} : { timeout_seconds: options.timeout }),
    ...(options.grace === undefined ? {} : { grace_seconds: options.grace }),
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
    ...(options.tag === undefined ? {} : { tags: options.tag }),
    ...(options.resultsDir === undefined ? {} : { results_dir: options.resultsDir }),
    ...(options.held === undefined ? {} : { held: true }),
    ...(options.dryRun === undefined ? {} : { dry_run: true }),
  };
}

/** `name=value` words; `label` is what messages call one. */
export function readParams(words: readonly string[], label: string): JobParams {
  const params = new Map<string, ParamValue>();
  for (const word of words) {
    const split = word.indexOf('=');
    if (split < 1) throw usageError(`${label} ${JSON.stringify(word)} is not name=value.`);
    const name = word.slice(0, split);
    const problem = paramNameProblem(name);
    if (problem !== null) throw usageError(`${label} ${JSON.stringify(name)}: ${problem}`);
    if (params.has(name)) throw usageError(`${label} ${JSON.stringify(name)} is given twice.`);
    const parsed = parseParamText(word.slice(split + 1));
    if ('problem' in parsed) throw usageError(`${label} ${name}: ${parsed.problem}`);
    params.set(name, parsed.value);
  }
  return Object.fromEntries(params) as JobParams;
}

export const COMMAND_NOTES: NonNullable<CommandText['notes']> =
  'One word after -- is a template for the shell, as typed, in which {name} becomes the value of a param. Several words are each quoted first. Without -- the job runs the script of the worker.';
