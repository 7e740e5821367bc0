// `drover job show`: one job with its params and attempts.
import type { AttemptShape, ExecutionShape, JobShape } from '../../contract/schemas.ts';
import { commandLineOf } from '../../core/execution.ts';
import { plainText } from '../../core/params.ts';
import { addCommand, experimentOption, onRun, type AddCommand } from '../command.ts';
import { CliFailure, EXIT, isApiError } from '../failure.ts';
import type { ApiClient } from '../connection.ts';
import { readJobs, statusCell, type JobName } from '../job-list.ts';
import { durationText, fullTime, relativeTime } from '../moments.ts';
import { STATUS_COLOURS, type Block } from '../output.ts';
import { selectJobs, selectionText, singleJob } from '../selection.ts';
import type { Cell } from '../table.ts';
import { formatRanges } from '../../core/identifiers.ts';

type JobAndAttempts = {
  readonly job: JobShape;
  readonly attempts: readonly AttemptShape[];
  readonly variables: Readonly<Record<string, string | null>>;
};

export const addJobShow: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'show <jobs...>', {
    summary: 'Show jobs with their params and attempts',
    examples: ['job show digits-tune/42', 'job show last', 'job show digits-tune/1-3 --json'],
    notes: 'With --json one job is an object, several are a list.',
  });
  experimentOption(command);
  onRun(command, dependencies, async ({ context, words }) => {
    const { client } = await context.connection();
    const selection = await selectJobs(context, words);
    const now = context.dependencies.clock.now();
    const single = singleJob(selection);
    if (single !== null) {
      const found: JobAndAttempts = await client.jobs.get({ params: single });
      const execution = await readExecution(client, single, found);
      const waits = found.job.status === 'pending' ? (await client.jobs.wait({ params: single })).wait : null;
      await context.output.show({
        json: { ...found, ...(execution === null ? {} : { execution }), ...(waits === null ? {} : { wait: waits }) },
        ids: [reference(found.job)],
        blocks: jobBlocks(found, { now, wait: waits?.sentence ?? '', execution }),
      });
      return;
    }
    const found: JobAndAttempts[] = [];
    for (const { experiment, ranges } of selection) {
      for await (const page of readJobs(client, experiment, { query: { numbers: formatRanges(ranges), order: 'asc' }, limit: null })) {
        for (const { number } of page) found.push(await client.jobs.get({ params: { experiment, number } }));
      }
    }
    if (found.length === 0) throw new CliFailure(EXIT.not_found, `There is no job ${selectionText(selection)}.`);
    await context.output.show({ json: found, ids: found.map(({ job }) => reference(job)), blocks: found.flatMap((one) => jobBlocks(one, { now })) });
  });
};

/** Of the newest attempt; null when it was never told, and of a server that does not know what it is. */
async function readExecution(client: ApiClient, params: JobName, { job }: JobAndAttempts): Promise<ExecutionShape | null> {
  if (job.attempts === 0) return null;
  try {
    return (await client.results.execution({ params: { ...params, attempt: job.attempts } })).execution;
  } catch (error) {
    if (isApiError(error) && error.code === 'not_found') return null;
    throw error;
  }
}

function reference(job: JobShape): string {
  return `${job.experiment}/${job.number}`;
}

function jobBlocks(
  { job, attempts, variables }: JobAndAttempts,
  { now, wait = '', execution = null }: { readonly now: number; readonly wait?: string; readonly execution?: ExecutionShape | null },
): Block[] {
  const fields: [string, Cell][] = [
    ['Job', reference(job)],
    ['Status', statusCell(job)],
    ['Waits', wait],
    ['Command', job.command ?? '(script of the worker)'],
    ['Was run as', execution === null ? '' : commandLineOf(execution.arguments) + (execution.cut ? ' …' : '')],
    ['Directory', execution?.working_directory ?? ''],
    ['Class', job.machine_class ?? ''],
    ['Priority', job.priority === 0 ? '' : String(job.priority)],
    ['Tags', job.tags.join(' ')],
    ['Results go to', job.results_dir ?? ''],
    ['Forgotten', fullTime(job.forgotten_at, now)],
    ['Created', fullTime(job.created_at, now)],
    ['Held', fullTime(job.held_at, now)],
    ['Not before', fullTime(job.not_before, now)],
    ['Cancel asked', fullTime(job.cancel_requested_at, now)],
    ['Started', fullTime(job.started_at, now)],
    ['Finished', fullTime(job.finished_at, now)],
    ['Took', durationText(job.duration_ms)],
    ['Worker', job.worker_id ?? ''],
    ['Progress', job.progress === null ? '' : `${job.progress.done}/${job.progress.total}`],
    ['Message', job.message ?? ''],
  ];
  const params = Object.entries(job.params).map(([name, value]): [string, Cell] => [`  ${name}`, plainText(value)]);
  const frozen = Object.entries(variables).map(([name, value]): [string, Cell] => [`  ${name}`, value ?? '(secret)']);
  return [
    { fields: fields.filter(([, value]) => value !== '') },
    ...(params.length === 0 ? [] : [{ fields: [['Params', ''] as [string, Cell], ...params] }]),
    ...(frozen.length === 0 ? [] : [{ fields: [['Variables', ''] as [string, Cell], ...frozen] }]),
    ...(attempts.length === 0 ? [] : [attemptTable(attempts, now)]),
  ];
}

function attemptTable(attempts: readonly AttemptShape[], now: number): Block {
  return {
    table: {
      columns: [
        { title: 'ATTEMPT', align: 'right' },
        { title: 'OUTCOME' },
        { title: 'WORKER' },
        { title: 'STARTED' },
        { title: 'TOOK', align: 'right' },
        { title: 'EXIT', align: 'right' },
        { title: 'MESSAGE', shrinks: true },
      ],
      rows: attempts.map((attempt) => [
        String(attempt.attempt),
        attempt.outcome === null ? { text: 'running', colour: STATUS_COLOURS['running']! } : attempt.outcome,
        attempt.machine === null ? attempt.worker_id : `${attempt.machine} (${attempt.worker_id})`,
        relativeTime(attempt.started_at ?? attempt.claimed_at, now),
        durationText(attempt.duration_ms),
        attempt.signal ?? (attempt.exit_code === null ? '' : String(attempt.exit_code)),
        attempt.message ?? '',
      ]),
    },
  };
}
