// `drover job metrics`: the metrics of jobs with their last, least and greatest values, or the points of one.
import type { ApiClient } from '../connection.ts';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { existingJobs, type JobName } from '../job-list.ts';
import { selectJobs, selectionText, singleJob } from '../selection.ts';

interface MetricsOptions {
  readonly attempt?: number;
  readonly points?: string;
}

type Metric = Awaited<ReturnType<ApiClient['results']['metricNames']>>['metrics'][number] & JobName;
type Point = Awaited<ReturnType<ApiClient['results']['metricSeries']>>['series'][number]['points'][number] & { readonly attempt: number };

/** The most that the server gives of one series. */
const MOST_POINTS = 5_000;

export const addJobMetrics: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'metrics <jobs...>', {
    summary: 'Show the metrics of jobs',
    examples: [
      'job metrics digits-tune/42',
      'job metrics digits-tune/1-27 --json',
      'job metrics digits-tune/42 --points validation_accuracy',
      'job metrics digits-tune/42 --attempt 1',
    ],
    notes: `--points lists one metric of one job step by step; of more than ${MOST_POINTS.toLocaleString('en-US')} points the first, the last and the extremes stay.`,
  });
  experimentOption(command)
    .option('--attempt <n>', 'of this attempt only; default all', wholeNumber(1))
    .option('--points <metric>', 'the points of this metric');
  onRun<MetricsOptions>(command, dependencies, async ({ context, options, words }) => {
    const selection = await selectJobs(context, words);
    const single = singleJob(selection);
    if (options.points !== undefined) {
      if (single === null) throw usageError('--points needs a single job.');
      return listPoints(context, single, { name: options.points, attempt: options.attempt });
    }
    const jobs = single === null ? await existingJobs(context, selection) : [single];
    if (jobs.length === 0) throw new CliFailure(EXIT.not_found, `There is no job ${selectionText(selection)}.`);
    await listMetrics(context, readMetrics(context, jobs, options.attempt));
  });
};

async function* readMetrics(context: Context, jobs: readonly JobName[], attempt: number | undefined): AsyncGenerator<readonly Metric[]> {
  const { client } = await context.connection();
  for (const job of jobs) {
    const { metrics } = await client.results.metricNames({ params: job, query: attempt === undefined ? {} : { attempt } });
    yield metrics.map((metric) => ({ ...job, ...metric }));
  }
}

async function listMetrics(context: Context, pages: AsyncIterable<readonly Metric[]>): Promise<void> {
  await context.output.list<Metric>({
    items: pages,
    json: (metric) => metric,
    id: ({ name }) => name,
    columns: [
      { title: 'JOB' },
      { title: 'METRIC', shrinks: true },
      { title: 'LAST', align: 'right' },
      { title: 'MIN', align: 'right' },
      { title: 'MAX', align: 'right' },
      { title: 'STEP', align: 'right' },
      { title: 'POINTS', align: 'right' },
    ],
    row: ({ experiment, number, name, last, min, max, last_step: step, points }) => [
      `${experiment}/${number}`,
      name,
      numberText(last),
      numberText(min),
      numberText(max),
      step === null ? '' : String(step),
      String(points),
    ],
    empty: 'No metric.',
  });
}

async function listPoints(context: Context, job: JobName, { name, attempt }: { name: string; attempt: number | undefined }): Promise<void> {
  const { client } = await context.connection();
  const query = { name, points: MOST_POINTS, ...(attempt === undefined ? {} : { attempt }) };
  const { series, total } = await client.results.metricSeries({ params: job, query });
  if (total === 0)
    throw new CliFailure(EXIT.not_found, `${job.experiment}/${job.number} has no metric ${JSON.stringify(name)}. drover job metrics lists what there is.`);
  if (total > MOST_POINTS) context.output.note(`Thinned: ${total.toLocaleString('en-US')} points were recorded.`);
  const points = series.flatMap((one): Point[] => one.points.map((point) => ({ attempt: one.attempt, ...point })));
  await context.output.list<Point>({
    items: (async function* () {
      yield points;
    })(),
    json: (point) => point,
    id: ({ value }) => numberText(value),
    columns: [{ title: 'ATTEMPT', align: 'right' }, { title: 'STEP', align: 'right' }, { title: 'VALUE', align: 'right' }, { title: 'AT' }],
    row: ({ attempt: tries, step, value, at }) => [String(tries), step === null ? '' : String(step), numberText(value), at],
    empty: 'No point.',
  });
}

/** Null stands for what is not a finite number. */
function numberText(value: number | null): string {
  return value === null ? 'not finite' : String(value);
}
