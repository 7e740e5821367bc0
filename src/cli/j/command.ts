// How the commands of `j` are declared: its own options, and the experiment that it works in unless another one is named.
import { Option, type Command } from 'commander';

import { addressOf } from '../../runtime/config.ts';
import { examplesText, onRunWith, type CommandText, type Persona, type Run } from '../command.ts';
import type { Context } from '../context.ts';
import type { CliDependencies } from '../dependencies.ts';
import { CliFailure, EXIT, isApiError } from '../failure.ts';

const POOL = 'pool';

interface Placed {
  readonly address?: string;
}

export const J: Persona = {
  options: addJOptions,
  open: (context) => inPool(context, true),
  flags: (options) => {
    const { address } = options as Placed;
    return address === undefined ? {} : { url: addressOf(address, undefined) };
  },
  advice: { start: 'drover up', other_server: '--address or DROVER_URL', key: 'DROVER_API_KEY' },
};

/** The same context, in which nothing is created: for what may stand at the cursor. */
export function looking(context: Context): Context {
  return inPool(context, false);
}

function inPool(context: Context, creates: boolean): Context {
  let known: Promise<string> | null = null;
  return {
    ...context,
    program: 'j',
    experiment: () => (known ??= pool(context, creates)),
    // Here a job is its number; a name is only for those of other experiments.
    jobName: (_experiment, numbers) => String(numbers),
  };
}

async function pool(context: Context, creates: boolean): Promise<string> {
  const { settings } = await context.configuration();
  if (settings.experiment !== null || !creates) return settings.experiment ?? POOL;
  const { client } = await context.connection();
  try {
    await client.experiments.get({ params: { experiment: POOL } });
    return POOL;
  } catch (error) {
    if (!isApiError(error) || error.code !== 'experiment_not_found') throw error;
  }
  try {
    await client.experiments.create({ body: { name: POOL, description: 'Jobs that were added with j' } });
    context.output.note(`Created the experiment ${POOL}.`);
  } catch (error) {
    if (!isApiError(error)) throw error;
    if (error.code === 'forbidden')
      throw new CliFailure(
        EXIT.refused,
        `The experiment ${POOL}, in which j works, is not there or not for this API key, and the key may not create it. Whoever runs the server can: drover experiment create ${POOL}. Or name another one with --experiment.`,
      );
    // Somebody else was faster.
    if (error.code !== 'experiment_exists') throw error;
  }
  return POOL;
}

export function addJOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON')
    .option('-q, --quiet', 'print job numbers only, no notes')
    .addOption(new Option('--address <host:port>', 'server to talk to (DROVER_URL, JD_SERVER)'))
    .option('--experiment <name>', `instead of ${POOL} (DROVER_EXPERIMENT)`)
    .option('--debug', 'show where an error came from');
}

export interface JText extends CommandText {
  /** `usage` is the name with its arguments. */
  readonly usage: string;
}

export function addJCommand(parent: Command, { usage, summary, examples, notes }: JText): Command {
  const command = parent
    .command(usage)
    .summary(summary)
    .description(notes === undefined ? summary : `${summary}\n\n${notes}`);
  return addJOptions(command.addHelpText('before', examplesText(parent, examples)));
}

export function onJ<Options>(command: Command, dependencies: CliDependencies, body: (run: Run<Options>) => Promise<void>): void {
  onRunWith<Options>({ command, dependencies, settings: ['experiment'] }, body);
}
