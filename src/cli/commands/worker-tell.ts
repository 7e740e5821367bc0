// `drover worker tell` and `cancel`: what workers anywhere are told, and what of it is taken back before it is applied.
import type { Command } from 'commander';

import { DESIRED_STATES, type DesiredState } from '../../core/worker.ts';
import { addCommand, experimentOption, onRun, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';

interface Options {
  readonly host?: string;
  readonly instance?: string;
  readonly dryRun?: true;
}

export const addWorkerTell: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'tell <state> [workers...]', {
    summary: 'Tell workers anywhere to run, pause, drain or stop',
    examples: ['worker tell pause --experiment digits-tune', 'worker tell drain --host gpunode', 'worker tell run gpunode_egg_0'],
    notes:
      '`pause` finishes the job and takes no more; `drain` finishes the job and leaves; `stop` leaves at once when idle. A command waits until the worker polls; meanwhile a weaker one does not replace a stronger one (stop, drain, pause), `run` takes back any.',
  });
  chosen(command);
  onRun<Options>(command, dependencies, async ({ context, options, words }) => {
    const action = readState(words[0]!);
    const { client } = await context.connection();
    const body = { action, workers: selection(options, words.slice(1)), dry_run: options.dryRun === true };
    const reply = await client.workers.command({ params: { experiment: await context.experiment() }, body });
    const verb = options.dryRun === true ? 'Would tell' : 'Told';
    await show(context, reply, `${verb} ${reply.changed} of ${reply.matched} workers to ${action}`);
  });
};

export const addWorkerCancel: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'cancel [workers...]', {
    summary: 'Take back what workers were told, where they have not applied it yet',
    examples: ['worker cancel --experiment digits-tune', 'worker cancel --host gpunode', 'worker cancel gpunode_egg_0'],
  });
  chosen(command);
  onRun<Options>(command, dependencies, async ({ context, options, words }) => {
    const { client } = await context.connection();
    const body = { workers: selection(options, words), dry_run: options.dryRun === true };
    const reply = await client.workers.cancelCommand({ params: { experiment: await context.experiment() }, body });
    await show(context, reply, `${options.dryRun === true ? 'Would take' : 'Took'} back what ${reply.changed} of ${reply.matched} workers were told`);
  });
};

function chosen(command: Command): void {
  experimentOption(command)
    .option('--host <host>', 'all workers of this machine')
    .option('--instance <word>', 'all workers of this agent')
    .option('--dry-run', 'say which ones, tell nothing');
}

function selection({ host, instance }: Options, ids: readonly string[]) {
  return {
    ...(ids.length === 0 ? {} : { worker_ids: [...ids] }),
    ...(host === undefined ? {} : { host }),
    ...(instance === undefined ? {} : { instance }),
  };
}

interface Reply {
  readonly matched: number;
  readonly changed: number;
  readonly refused: number;
  readonly workers: readonly string[];
}

async function show(context: Context, reply: Reply, sentence: string): Promise<void> {
  if (reply.matched === 0) throw new CliFailure(EXIT.not_found, 'No such worker. drover worker ls shows them.');
  const text = `${sentence}${reply.changed === 0 ? '' : `: ${reply.workers.join(' ')}`}`;
  await context.output.show({ json: reply, ids: reply.workers, blocks: [{ text }] });
  if (reply.refused > 0)
    throw new CliFailure(
      EXIT.refused,
      `Left as they were: ${reply.refused} of ${reply.matched} workers, which also serve experiments that you may not operate.`,
    );
}

function readState(word: string): DesiredState {
  if ((DESIRED_STATES as readonly string[]).includes(word)) return word as DesiredState;
  throw usageError(`${JSON.stringify(word)} is not one of ${DESIRED_STATES.join(', ')}.`);
}
