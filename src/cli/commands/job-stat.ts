// `drover job stat`: facts about jobs in columns of one's choice.
import { Option } from 'commander';

import { formatRanges } from '../../core/identifiers.ts';
import type { JobStatus } from '../../core/job.ts';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { usageError } from '../failure.ts';
import { FACT_FORMATS, FACT_NAMES, readFacts, USUAL_FACTS, writeFacts, type Fact, type FactFormat } from '../job-facts.ts';
import { readJobs, type JobQuery } from '../job-list.ts';
import { selectJobs } from '../selection.ts';
import type { JobShape } from '../../contract/schemas.ts';

interface StatOptions {
  readonly columns?: readonly Fact[];
  readonly format?: FactFormat;
  readonly headers: boolean;
  readonly onlyDone?: true;
  readonly running?: true;
  readonly after?: number;
}

export const addJobStat: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'stat [jobs...]', {
    summary: 'Write facts about jobs in chosen columns, as CSV, JSON or text',
    examples: [
      'job stat --experiment digits-tune --columns number,status,duration',
      'job stat digits-tune/1-27 --only-done --columns number,params,end --format json',
      'job stat --running --format text --no-headers',
    ],
    notes: `Columns: ${FACT_NAMES.join(', ')}. \`state\` says Waiting, Held, Running, Done, Failed or Canceled; \`duration\` is in seconds. Params and metrics in columns of their own: job export.`,
  });
  experimentOption(command)
    .addOption(new Option('-c, --columns <names>', `separated by commas; default ${USUAL_FACTS.join(',')}`).argParser(readFacts))
    .addOption(new Option('--format <format>', 'default csv; with --json json; text is separated by tabs').choices(FACT_FORMATS))
    .option('--no-headers', 'without the line of titles')
    .option('--only-done', 'only jobs that are done')
    .option('--running', 'only jobs that run')
    .option('--after <number>', 'only this job and newer ones', wholeNumber(1));
  onRun<StatOptions>(command, dependencies, async ({ context, options, words }) => {
    const format = options.format ?? (context.output.mode === 'json' ? 'json' : 'csv');
    const statuses = [...(options.onlyDone === true ? ['done' as const] : []), ...(options.running === true ? ['running' as const] : [])];
    await writeFacts(context, factRows(context, words, { statuses, after: options.after }), {
      ...{ facts: options.columns ?? USUAL_FACTS, format, headers: options.headers },
    });
  });
};

/** Jobs by number, one experiment after the other. */
export async function* factRows(
  context: Context,
  words: readonly string[],
  { statuses, after }: { readonly statuses: readonly JobStatus[]; readonly after: number | undefined },
): AsyncGenerator<readonly JobShape[]> {
  const { client } = await context.connection();
  if (after !== undefined && words.length > 0) throw usageError('Name jobs or give --after, not both.');
  const selection = words.length === 0 ? [{ experiment: await context.experiment(), ranges: null }] : await selectJobs(context, words);
  for (const { experiment, ranges } of selection) {
    const numbers = ranges === null ? (after === undefined ? null : `${after}-999999999999999`) : formatRanges(ranges);
    const query: JobQuery = {
      order: 'asc',
      ...(statuses.length === 0 ? {} : { status: [...statuses] }),
      ...(numbers === null ? {} : { numbers }),
    };
    yield* readJobs(client, experiment, { query, limit: null });
  }
}
