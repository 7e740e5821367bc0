// `drover job export`: jobs as CSV or JSON lines, as many as there are.
import { Option } from 'commander';
import { resolve } from 'node:path';

import { EXPORT_FORMATS } from '../../contract/index.ts';
import { formatRanges } from '../../core/identifiers.ts';
import type { JobStatus } from '../../core/job.ts';
import { addCommand, collect, experimentOption, onRun, type AddCommand } from '../command.ts';
import type { ApiClient } from '../connection.ts';
import type { Context } from '../context.ts';
import { saveWhole } from '../download.ts';
import { usageError } from '../failure.ts';
import { collectStatus } from '../job-list.ts';
import { selectJobs } from '../selection.ts';

type ExportQuery = NonNullable<Parameters<ApiClient['jobs']['export']>[0]['query']>;

interface ExportOptions {
  readonly status?: JobStatus[];
  readonly search?: string;
  readonly held?: true;
  readonly metric?: string[];
  readonly format?: (typeof EXPORT_FORMATS)[number];
  readonly output?: string;
}

export const addJobExport: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'export [jobs...]', {
    summary: 'Write jobs as CSV or JSON lines, with their params and the latest values of metrics',
    examples: [
      'job export --experiment digits-tune --metric validation_accuracy > jobs.csv',
      "job export --experiment digits-tune --status done --search 'lr>0.01' -o done.csv",
      'job export digits-tune/1-27 --format jsonl | jq .params',
    ],
    notes: 'Each job once, by number. --json is the same as --format jsonl; -o keeps nothing that is not whole.',
  });
  experimentOption(command)
    .addOption(new Option('-s, --status <status>', 'only these (may be repeated)').argParser(collectStatus))
    .option('--search <text>', 'lr=0.01, lr>0.001, a worker id, or any text in a param or message')
    .option('--held', 'only held ones')
    .option('-m, --metric <name>', 'bring its latest value along (may be repeated)', collect)
    .addOption(new Option('--format <format>', 'default csv').choices(EXPORT_FORMATS))
    .option('-o, --output <file>', 'save it here, in place of what is there');
  onRun<ExportOptions>(command, dependencies, async ({ context, options, words }) => {
    const { experiment, numbers } = await whatToExport(context, words);
    const format = options.format ?? (context.output.mode === 'json' ? 'jsonl' : 'csv');
    const query: ExportQuery = {
      format,
      ...(options.metric === undefined ? {} : { metric: options.metric }),
      ...(options.status === undefined ? {} : { status: options.status }),
      ...(options.search === undefined ? {} : { search: options.search }),
      ...(options.held === undefined ? {} : { held: true }),
      ...(numbers === null ? {} : { numbers }),
    };
    const { client } = await context.connection();
    const reply = await client.jobs.export({ params: { experiment }, query });
    const read = async (write: (bytes: Uint8Array) => Promise<unknown>): Promise<void> => {
      for await (const bytes of reply.body ?? []) await write(bytes);
    };
    if (options.output === undefined) return read((bytes) => context.output.bytes(bytes));
    const path = resolve(context.dependencies.cwd, options.output);
    await saveWhole(path, read);
    await context.output.show({ json: { experiment, format, path }, ids: [path], blocks: [{ text: `Saved ${path}.` }] });
  });
};

async function whatToExport(context: Context, words: readonly string[]): Promise<{ experiment: string; numbers: string | null }> {
  if (words.length === 0) return { experiment: await context.experiment(), numbers: null };
  const [selection, ...others] = await selectJobs(context, words);
  if (others.length > 0) throw usageError('One export is of one experiment.');
  return { experiment: selection!.experiment, numbers: formatRanges(selection!.ranges) };
}
