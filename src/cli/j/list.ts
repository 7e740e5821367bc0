// `j job ls`: the newest jobs and everything that runs, a matrix being one row.
import type { JobShape } from '../../contract/schemas.ts';
import { formatRanges } from '../../core/identifiers.ts';
import { plainText } from '../../core/params.ts';
import { parseTemplate } from '../../core/template.ts';
import { wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { usageError } from '../failure.ts';
import { machineOf } from '../job-facts.ts';
import { readJobs } from '../job-list.ts';
import { matrixCounts, readMatrices, type MatrixShape } from '../matrix-jobs.ts';
import { selectJobs } from '../selection.ts';
import { countsText, countWords, shortDuration, STATUS_WORDS, statusWord, WORD_COLOURS, type WordCounts } from '../status-word.ts';
import type { Cell, Column } from '../table.ts';
import { addJCommand, onJ } from './command.ts';

const NEWEST = 40;

interface ListOptions {
  readonly n?: number;
  readonly all?: true;
  readonly running?: true;
}

type Row = { readonly job: JobShape } | { readonly matrix: MatrixShape };

export const addList: AddCommand = (group, dependencies) => {
  const command = addJCommand(group, {
    usage: 'ls [jobs...]',
    summary: 'List jobs',
    examples: ['job ls', 'job ls -n 100', 'job ls -r', 'job ls 1-5 last', 'job ls -a 20'],
    notes: `Without jobs the newest ${NEWEST} and everything that runs; a matrix counts as one and is one row: R runs, W waits, H is held, D done, F failed, C cancelled.`,
  })
    .option('-n <n>', 'the newest so many', wholeNumber(1))
    .option('-a, --all', 'everything; with a job everything from it on')
    .option('-r, --running', 'only jobs that run');
  onJ<ListOptions>(command, dependencies, async ({ context, options, words }) => {
    if (options.running === true) return showJobs(context, await running(context));
    if (words.length > 0) return showJobs(context, await named(context, words, options.all === true));
    await showRows(context, await newest(context, options.all === true ? Infinity : (options.n ?? NEWEST), options.n === undefined));
  });
};

async function running(context: Context): Promise<AsyncIterable<readonly JobShape[]>> {
  const { client } = await context.connection();
  return readJobs(client, await context.experiment(), { query: { status: 'running', order: 'asc' }, limit: null });
}

async function named(context: Context, words: readonly string[], all: boolean): Promise<AsyncIterable<readonly JobShape[]>> {
  const { client } = await context.connection();
  const selection = await selectJobs(context, words);
  const [only] = selection;
  if (only === undefined || selection.length > 1) throw usageError('Name jobs of one experiment.');
  const highest = only.ranges.at(-1)!.to;
  const numbers = all ? `${highest}-999999999999999` : formatRanges(only.ranges);
  return readJobs(client, only.experiment, { query: { numbers, order: 'asc' }, limit: null });
}

const PAGE = 200;

/** The newest rows, the newest one last, with everything that runs. */
async function newest(context: Context, count: number, withRunning: boolean): Promise<Row[]> {
  const { client } = await context.connection();
  const experiment = await context.experiment();
  const matrices = new Map<number, MatrixShape>();
  for await (const page of readMatrices(context, experiment, null)) for (const matrix of page) matrices.set(matrix.id, matrix);
  const rows = new Map<string, Row>();
  const take = (job: JobShape): MatrixShape | null => {
    const matrix = job.matrix_id === null ? undefined : matrices.get(job.matrix_id);
    rows.set(matrix === undefined ? `job ${job.number}` : `matrix ${matrix.id}`, matrix === undefined ? { job } : { matrix });
    return matrix ?? null;
  };
  let upTo: number | null = Number.MAX_SAFE_INTEGER;
  while (upTo !== null && upTo > 0 && rows.size < count) {
    const page: { jobs: readonly JobShape[]; next_cursor: string | null } = await client.jobs.list({
      params: { experiment },
      query: { order: 'desc', limit: PAGE, ...(upTo === Number.MAX_SAFE_INTEGER ? {} : { numbers: `1-${upTo}` }) },
    });
    upTo = below(page, (job) => (rows.size < count ? take(job) : null));
  }
  if (withRunning) for await (const page of readJobs(client, experiment, { query: { status: 'running' }, limit: null })) for (const job of page) take(job);
  const place = (row: Row): number => ('job' in row ? row.job.number : (row.matrix.from ?? 0));
  return [...rows.values()].sort((a, b) => place(a) - place(b));
}

/** Where the next page begins: a matrix, however large, is stepped over at once. Null: there is no more. */
function below(page: { readonly jobs: readonly JobShape[]; readonly next_cursor: string | null }, take: (job: JobShape) => MatrixShape | null): number | null {
  for (const job of page.jobs) {
    const matrix = take(job);
    if (matrix?.from !== null && matrix !== null && job.number >= matrix.from && job.number <= matrix.to!) return matrix.from - 1;
  }
  return page.next_cursor === null || page.jobs.length === 0 ? null : page.jobs.at(-1)!.number - 1;
}

const COLUMNS: readonly Column[] = [
  { title: 'Job', align: 'right' },
  { title: 'Status', align: 'right' },
  { title: 'Class' },
  { title: 'Command', shrinks: true },
  { title: 'Machine' },
  { title: 'Output', shrinks: true },
];

/** Every job a row of its own. */
export async function showJobs(context: Context, pages: AsyncIterable<readonly JobShape[]>): Promise<void> {
  const now = context.dependencies.clock.now();
  const cells = (job: JobShape) => jobCells(job, { now, name: job.matrix_id === null ? String(job.number) : `${job.matrix_id}:${job.number}` });
  await context.output.list<JobShape>({ items: pages, json: (job) => job, id: ({ number }) => String(number), columns: COLUMNS, row: cells, empty: 'No job.' });
}

async function showRows(context: Context, rows: readonly Row[]): Promise<void> {
  const now = context.dependencies.clock.now();
  if (rows.length > 0) context.output.note(summary(rows));
  await context.output.list<Row>({
    items: (async function* () {
      yield rows;
    })(),
    json: (row) => row,
    id: (row) => ('job' in row ? String(row.job.number) : `${row.matrix.from}-${row.matrix.to}`),
    columns: COLUMNS,
    row: (row) => ('job' in row ? jobCells(row.job, { now, name: String(row.job.number) }) : matrixCells(row.matrix)),
    empty: 'No job yet. Add one: j job add CLASS "COMMAND" /path/to/results',
  });
}

function jobCells(job: JobShape, { now, name }: { readonly now: number; readonly name: string }): Cell[] {
  const word = statusWord(job);
  const since = word === 'Running' ? job.started_at : job.created_at;
  const duration = job.status === 'pending' || word === 'Running' ? (since === null ? null : now - Date.parse(since)) : job.duration_ms;
  const text = duration === null || word === 'Canceled' ? word : `${word} ${shortDuration(duration)}`;
  return [
    name,
    { text, colour: WORD_COLOURS[word] },
    job.machine_class ?? '',
    commandText(job),
    word === 'Canceled' ? '' : (machineOf(job) ?? ''),
    outputCell(job),
  ];
}

function matrixCells(matrix: MatrixShape): Cell[] {
  const { exact, counts } = matrixCounts(matrix);
  return [`${matrix.id} (matrix)`, `${exact ? '' : '~'}${countsText(counts)}`, matrix.machine_class ?? '', matrix.command ?? '', '', ''];
}

/** Where results are, once they are copied; of a job that failed, why. */
function outputCell(job: JobShape): Cell {
  return statusWord(job) === 'Failed' ? { text: job.message ?? '', colour: 'red' } : '';
}

/** The command with the job's own values, as one reads it: not quoted for a shell. */
function commandText({ command, params }: JobShape): string {
  if (command === null) return '(script of the worker)';
  const parsed = parseTemplate(command);
  if ('problem' in parsed) return command;
  const value = (name: string): string => (Object.hasOwn(params, name) ? plainText(params[name]!) : `{${name}}`);
  return parsed.template.segments.map((segment) => ('text' in segment ? segment.text : value(segment.name))).join('');
}

/** `39 jobs: 1 running, 2 waiting, 36 done`. */
function summary(rows: readonly Row[]): string {
  const all: WordCounts[] = [
    countWords(rows.flatMap((row) => ('job' in row ? [row.job] : []))),
    ...rows.flatMap((row) => ('matrix' in row ? [matrixCounts(row.matrix).counts] : [])),
  ];
  const counts = STATUS_WORDS.map((word) => ({ word, count: all.reduce((sum, one) => sum + one[word], 0) }));
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const parts = counts.filter(({ count }) => count > 0).map(({ word, count }) => `${count.toLocaleString('en-US')} ${word.toLowerCase()}`);
  return `${total.toLocaleString('en-US')} ${total === 1 ? 'job' : 'jobs'}: ${parts.join(', ')}`;
}
