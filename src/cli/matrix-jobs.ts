// Matrices and their jobs, as lists and tables need them.
import type { JobShape } from '../contract/schemas.ts';
import { csvLine, type CsvCell } from '../core/csv.ts';
import { plainText, type ParamValue } from '../core/params.ts';
import type { ApiClient } from './connection.ts';
import type { Context } from './context.ts';
import { CliFailure, EXIT, usageError } from './failure.ts';
import { readJobs } from './job-list.ts';
import { statusWord, type WordCounts } from './status-word.ts';

export type MatrixShape = Awaited<ReturnType<ApiClient['matrices']['list']>>['matrices'][number];
type Matrix = Awaited<ReturnType<ApiClient['matrices']['get']>> & { readonly experiment: string };

const PAGE = 50;

/** Newest first, in pages. */
export async function* readMatrices(context: Context, experiment: string, limit: number | null): AsyncGenerator<readonly MatrixShape[]> {
  const { client } = await context.connection();
  let left = limit ?? Infinity;
  let before: number | null = null;
  while (left > 0) {
    const query: { limit: number; before?: number } = { limit: Math.min(PAGE, left), ...(before === null ? {} : { before }) };
    const page: Awaited<ReturnType<ApiClient['matrices']['list']>> = await client.matrices.list({ params: { experiment }, query });
    yield page.matrices;
    left -= page.matrices.length;
    if (page.next_before === null) return;
    before = page.next_before;
  }
}

/** By its number, or the newest for `last`. */
export async function readMatrix(context: Context, text: string): Promise<Matrix> {
  const experiment = await context.experiment();
  const { client } = await context.connection();
  const isLast = text.toLowerCase() === 'last';
  if (!isLast && !/^\d{1,15}$/.test(text))
    throw usageError(`${JSON.stringify(text)} is not the number of a matrix. matrix ls lists them; \`last\` is the newest.`);
  const newest = isLast ? (await client.matrices.list({ params: { experiment }, query: { limit: 1 } })).matrices[0] : undefined;
  if (isLast && newest === undefined) throw new CliFailure(EXIT.not_found, `${experiment} has no matrix yet.`);
  return { experiment, ...(await client.matrices.get({ params: { experiment, matrix_id: newest?.id ?? Number(text) } })) };
}

/** By number, those that were cloned later included. */
export async function* matrixJobs(context: Context, { experiment, id }: Matrix): AsyncGenerator<readonly JobShape[]> {
  const { client } = await context.connection();
  yield* readJobs(client, experiment, { query: { matrix_id: id, order: 'asc' }, limit: null });
}

/** Exact where all jobs were looked at, else a share that is scaled up. */
export function matrixCounts({ statuses, size }: Pick<MatrixShape, 'statuses' | 'size'>): { readonly exact: boolean; readonly counts: WordCounts } {
  const { looked_at: looked, of, copies, pending, held, running, done, aborted, cancelled } = statuses;
  const exact = looked === of;
  const scaled = (count: number): number => (exact || looked === 0 ? count : Math.round((count * of) / looked));
  // What is still to be made waits.
  const counts = { Waiting: scaled(pending - held) + size + copies - of, Held: scaled(held), Running: scaled(running), Done: scaled(done) };
  return { exact, counts: { ...counts, Failed: scaled(aborted - cancelled), Canceled: scaled(cancelled) } };
}

const MISSING = '<missing>';

/** Lines of the table, the head first. A job without a value for a variable has `<missing>`. */
export async function* matrixCsv(context: Context, matrix: Matrix): AsyncGenerator<string> {
  const names = Object.keys(matrix.spec);
  yield csvLine(['Matrix ID', 'Class', 'Command', 'Job ID', 'Status', ...names]);
  for await (const jobs of matrixJobs(context, matrix)) {
    yield jobs
      .map((job) => csvLine([matrix.id, job.machine_class, job.command, job.number, resultOf(job), ...names.map((name) => valueCell(job.params[name]))]))
      .join('');
  }
}

/** Where the results are, once they are copied; until then the status. */
function resultOf(job: JobShape): string {
  const word = statusWord(job);
  return word === 'Done' ? 'Done (no output)' : word;
}

function valueCell(value: ParamValue | undefined): CsvCell {
  if (value === undefined) return MISSING;
  return typeof value === 'number' ? value : plainText(value);
}
