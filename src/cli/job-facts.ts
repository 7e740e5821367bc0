// Jobs as rows of chosen columns, for scripts and spreadsheets.
import type { JobShape } from '../contract/schemas.ts';
import { csvLine, type CsvCell } from '../core/csv.ts';
import type { Context } from './context.ts';
import { usageError } from './failure.ts';
import { write } from './output.ts';
import { statusWord } from './status-word.ts';

const FACTS = {
  number: (job) => job.number,
  experiment: (job) => job.experiment,
  matrix: (job) => job.matrix_id,
  command: (job) => job.command,
  class: (job) => job.machine_class,
  machine: machineOf,
  worker: (job) => job.worker_id,
  status: (job) => job.status,
  state: (job) => statusWord(job),
  outcome: (job) => job.outcome,
  error: errorOf,
  exit_code: (job) => job.exit_code,
  params: (job) => JSON.stringify(job.params),
  tags: (job) => (job.tags.length === 0 ? null : job.tags.join(', ')),
  priority: (job) => job.priority,
  attempts: (job) => job.attempts,
  created: (job) => job.created_at,
  start: (job) => job.started_at,
  end: (job) => job.finished_at,
  duration: (job) => (job.duration_ms === null ? null : Math.round(job.duration_ms / 1000)),
  timeout: (job) => job.timeout_seconds,
  results_dir: (job) => job.results_dir,
} satisfies Record<string, (job: JobShape) => CsvCell>;

export type Fact = keyof typeof FACTS;

export const FACT_NAMES = Object.keys(FACTS) as readonly Fact[];

export const USUAL_FACTS: readonly Fact[] = ['number', 'status', 'class', 'command', 'machine', 'start', 'end', 'duration', 'error'];

export const FACT_FORMATS = ['csv', 'json', 'text'] as const;
export type FactFormat = (typeof FACT_FORMATS)[number];

/** The host, which is the first part of a worker's id. */
export function machineOf({ worker_id: worker }: JobShape): string | null {
  return worker === null ? null : worker.slice(0, worker.indexOf('_'));
}

function errorOf(job: JobShape): string | null {
  return job.status === 'aborted' ? job.message : null;
}

export function readFacts(text: string): readonly Fact[] {
  return text.split(',').map((word) => {
    const fact = FACT_NAMES.find((name) => name === word.trim());
    if (fact === undefined) throw usageError(`${JSON.stringify(word)} is not a column; there are ${FACT_NAMES.join(', ')}.`);
    return fact;
  });
}

export interface FactTable {
  readonly facts: readonly Fact[];
  readonly format: FactFormat;
  readonly headers: boolean;
  /** What a fact is called in this table. */
  readonly titleOf?: (fact: Fact) => string;
}

/** Writes rows as they come; nothing but the rows goes to standard output. */
export async function writeFacts(
  context: Context,
  pages: AsyncIterable<readonly JobShape[]>,
  { facts, format, headers, titleOf = String }: FactTable,
): Promise<void> {
  const { stdout } = context.dependencies;
  const titles = facts.map(titleOf);
  const line = (cells: readonly CsvCell[]): string => (format === 'csv' ? csvLine(cells) : `${cells.map((cell) => plain(cell)).join('\t')}\n`);
  if (format === 'json') return writeJson(context, pages, { facts, titles });
  if (headers) await write(stdout, line(titles));
  for await (const jobs of pages) await write(stdout, jobs.map((job) => line(facts.map((fact) => FACTS[fact](job)))).join(''));
}

async function writeJson(
  context: Context,
  pages: AsyncIterable<readonly JobShape[]>,
  { facts, titles }: { facts: readonly Fact[]; titles: readonly string[] },
): Promise<void> {
  const { stdout } = context.dependencies;
  let before = '[';
  for await (const jobs of pages) {
    for (const job of jobs) {
      await write(stdout, `${before}\n  ${JSON.stringify(Object.fromEntries(facts.map((fact, index) => [titles[index]!, FACTS[fact](job)])))}`);
      before = ',';
    }
  }
  await write(stdout, before === '[' ? '[]\n' : '\n]\n');
}

/** One line, whatever the cell holds. */
function plain(cell: CsvCell): string {
  return cell === null ? '' : String(cell).replace(/[\t\r\n]+/g, ' ');
}
