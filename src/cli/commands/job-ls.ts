// `drover job ls`: the jobs of an experiment.
import { InvalidArgumentError, Option } from 'commander';

import type { JobShape } from '../../contract/schemas.ts';
import { JOB_STATUSES, type JobStatus } from '../../core/job.ts';
import { formatRanges } from '../../core/identifiers.ts';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { ApiClient } from '../connection.ts';
import type { Context } from '../context.ts';
import { usageError } from '../failure.ts';
import { selectJobs } from '../selection.ts';
import { collectStatus, JOB_COLUMNS, jobRow, readJobs, type JobQuery } from '../job-list.ts';

interface ListOptions {
  readonly status?: JobStatus[];
  readonly search?: string;
  readonly held?: true;
  readonly sort?: NonNullable<JobQuery['sort']>;
  readonly desc?: true;
  readonly limit?: number;
  readonly all?: true;
  readonly running?: true;
}

/** Rows that a terminal gets unless more are asked for. */
const SCREEN_ROWS = 40;

const SORT_NAMES = [
  'number',
  'created_at',
  'started_at',
  'finished_at',
  'duration_ms',
  'status',
  'priority',
  'worker_id',
  'attempts',
  'progress',
] as const satisfies readonly JobQuery['sort'][];

export const addJobList: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'ls [jobs...]', {
    summary: 'List jobs',
    examples: [
      'job ls --experiment digits-tune',
      'job ls --experiment digits-tune --status aborted',
      "job ls --experiment digits-tune --search 'lr>0.01' --sort duration_ms --desc --limit 10",
      'job ls --experiment digits-tune --sort metric:loss --limit 5',
      'job ls --experiment digits-tune --json | jq .[].params',
    ],
    notes: `On a terminal the newest ${SCREEN_ROWS} are shown, and everything that runs; in a pipe, and with --all, every one. \`last\` is the newest.`,
  }).alias('list');
  experimentOption(command)
    .addOption(new Option('-s, --status <status>', 'only these (may be repeated)').argParser(collectStatus))
    .option('--search <text>', 'lr=0.01, lr>0.001, a worker id, or any text in a param or message')
    .option('--held', 'only held ones')
    .addOption(new Option('--sort <field>', 'order, also metric:NAME; default number').choices(SORT_NAMES).argParser(readSort))
    .option('--desc', 'greatest first')
    .option('-n, --limit <n>', 'at most so many', wholeNumber(1))
    .option('-a, --all', 'every one')
    .option('-r, --running', 'only running ones');
  onRun<ListOptions>(command, dependencies, async ({ context, options, words }) => {
    const experiment = await context.experiment();
    const query = listQuery(options.running === true ? { ...options, status: ['running'] } : options, await numbersOf(context, words));
    const now = context.dependencies.clock.now();
    await context.output.list<JobShape>({
      items: await chooseRows(context, experiment, { query, options }),
      json: (job) => job,
      id: (job) => `${job.experiment}/${job.number}`,
      columns: JOB_COLUMNS,
      row: (job) => jobRow(job, now),
      empty:
        Object.keys(query).length > 2
          ? `No job of ${experiment} fits.`
          : `${experiment} has no job yet. Add one: drover job add --experiment ${experiment} -- COMMAND`,
    });
  });
};

function readSort(text: string): NonNullable<JobQuery['sort']> {
  const known = SORT_NAMES.find((name) => name === text);
  if (known !== undefined) return known;
  if (/^metric:./s.test(text)) return text as `metric:${string}`;
  throw new InvalidArgumentError(`It is one of ${SORT_NAMES.join(', ')}, or metric:NAME.`);
}

/** Null: no job was named. */
async function numbersOf(context: Context, words: readonly string[]): Promise<string | null> {
  if (words.length === 0) return null;
  if (words.some((word) => word.includes('/'))) throw usageError(`${JSON.stringify(words.join(' '))} is not a list of job numbers such as 1-5,8.`);
  return formatRanges((await selectJobs(context, words)).flatMap(({ ranges }) => ranges));
}

function listQuery(options: ListOptions, numbers: string | null): JobQuery {
  return {
    sort: options.sort ?? 'number',
    order: options.desc === true ? 'desc' : 'asc',
    ...(options.status === undefined ? {} : { status: options.status }),
    ...(options.search === undefined ? {} : { search: options.search }),
    ...(options.held === undefined ? {} : { held: true }),
    ...(numbers === null ? {} : { numbers }),
  };
}

/** A terminal gets the newest rows, the newest one last: nearest to where the eye is. */
async function chooseRows(
  context: Context,
  experiment: string,
  { query, options }: { query: JobQuery; options: ListOptions },
): Promise<AsyncIterable<readonly JobShape[]>> {
  const { client } = await context.connection();
  const screen = context.output.mode === 'table' && context.dependencies.stdout.isTTY === true;
  const asked = options.limit !== undefined || options.all === true || options.sort !== undefined || options.desc === true;
  if (!screen || asked) {
    const limit = options.all === true ? null : (options.limit ?? (screen ? SCREEN_ROWS : null));
    return readJobs(client, experiment, { query, limit });
  }
  const page = await client.jobs.list({ params: { experiment }, query: { ...query, order: 'desc', limit: SCREEN_ROWS } });
  const older = page.next_cursor === null ? [] : await runningBelow(client, experiment, { query, below: page.jobs.at(-1)?.number ?? 1 });
  const shown = [...older, ...[...page.jobs].reverse()];
  if (page.next_cursor !== null) {
    const total = `${page.total.exact ? '' : 'at least '}${page.total.count.toLocaleString('en-US')}`;
    context.output.note(`The newest ${page.jobs.length}${older.length === 0 ? '' : ` and ${older.length} that run`} of ${total} jobs; --all shows every one.`);
  } else if (shown.length > 0) context.output.note(tallyText(shown));
  return (async function* () {
    yield shown;
  })();
}

/** What runs is never out of sight. */
async function runningBelow(client: ApiClient, experiment: string, { query, below }: { query: JobQuery; below: number }): Promise<JobShape[]> {
  if (below <= 1 || query.numbers !== undefined || (query.status !== undefined && ![query.status].flat().includes('running'))) return [];
  const found: JobShape[] = [];
  for await (const page of readJobs(client, experiment, { query: { ...query, status: 'running', order: 'asc', numbers: `1-${below - 1}` }, limit: null }))
    found.push(...page);
  return found;
}

/** `7 jobs: 2 pending, 5 done`. */
function tallyText(jobs: readonly JobShape[]): string {
  const parts = JOB_STATUSES.map((status) => ({ status, count: jobs.filter((job) => job.status === status).length })).filter(({ count }) => count > 0);
  return `${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'}: ${parts.map(({ status, count }) => `${count} ${status}`).join(', ')}`;
}
