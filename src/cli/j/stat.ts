// `j job stat`: facts about jobs for scripts, under the names that expjobserver gives them.
import type { AddCommand } from '../command.ts';
import { wholeNumber } from '../command.ts';
import { factRows } from '../commands/job-stat.ts';
import { usageError } from '../failure.ts';
import { writeFacts, type Fact, type FactFormat } from '../job-facts.ts';
import { addJCommand, onJ } from './command.ts';

/** Flag → what it shows, and what the column is called. */
const COLUMNS = {
  jid: { fact: 'number', title: 'jid' },
  matrix: { fact: 'matrix', title: 'matrix' },
  cmd: { fact: 'command', title: 'cmd' },
  class: { fact: 'class', title: 'class' },
  machine: { fact: 'machine', title: 'machine' },
  status: { fact: 'state', title: 'status' },
  error: { fact: 'error', title: 'error' },
  vars: { fact: 'params', title: 'variables' },
  tags: { fact: 'tags', title: 'tags' },
  starttime: { fact: 'start', title: 'start' },
  endtime: { fact: 'end', title: 'end' },
  duration: { fact: 'duration', title: 'duration' },
  results_dir: { fact: 'results_dir', title: 'cp_results' },
} as const satisfies Record<string, { fact: Fact; title: string }>;

type Flags = { readonly [Name in keyof typeof COLUMNS]?: true };

interface StatOptions extends Flags {
  readonly id?: string[];
  readonly after?: number;
  readonly running?: true;
  readonly only_done?: true;
  readonly csv?: true;
  readonly text?: true;
  readonly no_headers?: true;
}

export const addStat: AddCommand = (group, dependencies) => {
  const command = addJCommand(group, {
    usage: 'stat [jobs...]',
    summary: 'Write facts about jobs as CSV, text or JSON',
    examples: ['job stat --csv --jid --status --duration', 'job stat 1-36 --json --jid --vars', 'job stat --after 10 --only_done --text --no_headers --jid'],
    notes: 'A column for each that is named, in the order of this help; without any jid, status, cmd, machine and duration. Durations are in seconds.',
  })
    .option('--id <jobs...>', 'these jobs; they may stand without --id too')
    .option('--after <jid>', 'this job and newer ones', wholeNumber(1))
    .option('--running', 'only jobs that run')
    .option('--only_done', 'only jobs that are done')
    .option('--csv', 'the usual form')
    .option('--text', 'separated by tabs')
    .option('--no_headers', 'without the line of titles');
  for (const [name, { title }] of Object.entries(COLUMNS)) command.option(`--${name}`, `column ${title}`);
  onJ<StatOptions>(command, dependencies, async ({ context, options, words }) => {
    const formats: FactFormat[] = [
      ...(options.csv === true ? ['csv' as const] : []),
      ...(options.text === true ? ['text' as const] : []),
      ...(context.output.mode === 'json' ? ['json' as const] : []),
    ];
    if (formats.length > 1) throw usageError('Give one of --csv, --text and --json.');
    const names = (Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).filter((name) => options[name] === true);
    const chosen = (names.length === 0 ? (['jid', 'status', 'cmd', 'machine', 'duration'] as const) : names).map((name) => COLUMNS[name]);
    const titles = new Map<Fact, string>(chosen.map(({ fact, title }) => [fact, title]));
    const statuses = [...(options.only_done === true ? ['done' as const] : []), ...(options.running === true ? ['running' as const] : [])];
    await writeFacts(context, factRows(context, [...words, ...(options.id ?? [])], { statuses, after: options.after }), {
      facts: chosen.map(({ fact }) => fact),
      format: formats[0] ?? 'csv',
      headers: options.no_headers !== true,
      titleOf: (fact) => titles.get(fact)!,
    });
  });
};
