// `j job add`.
import { InvalidArgumentError, type Command } from 'commander';

import { LIMITS } from '../../core/limits.ts';
import { randomId } from '../../runtime/ids.ts';
import { collect, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import type { CreatedReply } from '../created.ts';
import { usageError } from '../failure.ts';
import type { CreateBody } from '../job-options.ts';
import { addJCommand, onJ } from './command.ts';

export interface AddOptions {
  readonly x?: number;
  readonly retry?: number;
  readonly timeout?: number;
  readonly tag?: string[];
  readonly priority?: number;
}

/** Minutes as seconds. */
export function minutes(text: string): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number <= 525_600) return number * 60;
  throw new InvalidArgumentError('It must be a number of minutes; 0 is none.');
}

export function addOptions(command: Command): Command {
  return command
    .option('-x <n>', 'how many of it', wholeNumber(1, LIMITS.create_jobs.value))
    .option('--retry <n>', 'tries again so many times when it fails', wholeNumber(0, 999))
    .option('--timeout <minutes>', 'longest run of one try; 0 is none', minutes)
    .option('--tag <tag>', 'may be repeated', collect)
    .option('--priority <n>', 'higher goes first; default 0', wholeNumber(-1_000_000, 1_000_000));
}

/** The part of the request that all its jobs share. */
export function settingsOf(
  place: { readonly machineClass: string; readonly command: string; readonly results: string | undefined },
  options: AddOptions,
): CreateBody {
  const { machineClass, command, results } = place;
  if (results !== undefined && !results.startsWith('/'))
    throw usageError(`${JSON.stringify(results)} is not an absolute path; results go to a directory such as /data/results.`);
  return {
    machine_class: machineClass,
    command,
    ...(results === undefined ? {} : { results_dir: results }),
    ...(options.retry === undefined ? {} : { max_attempts: options.retry + 1 }),
    ...(options.timeout === undefined || options.timeout === 0 ? {} : { timeout_seconds: options.timeout }),
    ...(options.tag === undefined ? {} : { tags: options.tag }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
  };
}

export const addAdd: AddCommand = (group, dependencies) => {
  const command = addJCommand(group, {
    usage: 'add <class> <command> [results_dir]',
    summary: 'Add a job for machines of a class',
    examples: ['job add foo "bar --the --foo baz" /path/to/results/dir -x 3', 'job add foo "bar" --retry 2 --timeout 90 --tag first'],
    notes: 'The command is a line for the shell. It begins on the first machine of the class that is free, in the order in which jobs were added.',
  });
  addOptions(command);
  onJ<AddOptions>(command, dependencies, async ({ context, options, words: [machineClass = '', line = '', results] }) => {
    const settings = settingsOf({ machineClass, command: line, results }, options);
    const experiment = await context.experiment();
    const { client } = await context.connection();
    const body = { ...settings, jobs: [{ params: {} }], ...(options.x === undefined ? {} : { times: options.x }) };
    await showAdded(context, await client.jobs.create({ params: { experiment }, body }, { idempotency_key: randomId() }));
  });
};

const ONE_BY_ONE = 20;

export async function showAdded(context: Context, reply: CreatedReply): Promise<void> {
  const { from, to, matrix_id: matrix } = reply;
  const jids = from === null || to === null ? [] : Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const lines =
    matrix !== null
      ? [`Added matrix ${matrix}: ${jids.length.toLocaleString('en-US')} ${jids.length === 1 ? 'job' : 'jobs'}, jid ${from === to ? from : `${from}-${to}`}`]
      : jids.length <= ONE_BY_ONE
        ? jids.map((jid) => `Added jid: ${jid}`)
        : [`Added ${jids.length.toLocaleString('en-US')} jobs, jid: ${from}-${to}`];
  await context.output.show({ json: reply, ids: jids.map(String), blocks: [{ text: lines.join('\n') }] });
}
