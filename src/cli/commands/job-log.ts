// `drover job log`: what a job wrote, byte for byte.
import { isEnded } from '../../core/job.ts';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { existingJobs, type JobName } from '../job-list.ts';
import { copyLog } from '../log-reader.ts';
import { selectJobs, singleJob } from '../selection.ts';
import { bytesText } from '../sizes.ts';
import { watchCounts, wakeOnEvents } from '../watch.ts';

interface LogOptions {
  readonly follow?: true;
  readonly stderr?: true;
  readonly attempt?: number;
  readonly grep?: string;
}

export const addJobLog: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'log <jobs...>', {
    summary: 'Print what a job wrote to standard output, byte for byte',
    examples: [
      'job log digits-tune/42',
      'job log last --follow',
      'job log digits-tune/42 --stderr > errors.txt',
      'job log digits-tune/42 --attempt 1',
      'job log digits-tune/42 --grep error',
    ],
    notes:
      'With --follow it waits for the job to start and goes on until its attempt ends; the exit code does not tell how the job ended. With --grep the server searches, and lines come as they are read: without colours and progress that was drawn over, long ones cut.',
  });
  experimentOption(command)
    .option('-f, --follow', 'go on until the attempt ends')
    .option('--stderr', 'standard error instead of standard output')
    .option('--grep <text>', 'only lines that hold this text, in capitals or not')
    .option('--attempt <n>', 'of this attempt; default the newest', wholeNumber(1));
  onRun<LogOptions>(command, dependencies, async ({ context, options, words }) => {
    const selection = await selectJobs(context, words);
    const single = singleJob(selection);
    if (options.follow === true && single === null) throw usageError('--follow needs a single job.');
    if (options.grep !== undefined)
      return grepJobs(context, single === null ? await existingJobs(context, selection) : [single], { ...options, text: options.grep });
    const interrupted = new AbortController();
    const release = options.follow === true ? context.dependencies.onInterrupt(() => interrupted.abort()) : () => {};
    try {
      if (single !== null && options.follow === true) await waitForStart(context, single, interrupted.signal);
      for (const job of single === null ? await existingJobs(context, selection) : [single])
        await printLog(context, job, { ...options, signal: interrupted.signal });
    } finally {
      release();
    }
    if (interrupted.signal.aborted) throw new CliFailure(EXIT.interrupted);
  });
};

/** What a search ends with when nothing was found: as with grep, a script can tell. */
async function grepJobs(context: Context, jobs: readonly JobName[], options: LogOptions & { readonly text: string }): Promise<void> {
  const { client } = await context.connection();
  const { text, attempt } = options;
  if (options.follow === true) throw usageError('--grep and --follow do not go together.');
  const stream = options.stderr === true ? 'stderr' : 'stdout';
  let count = 0;
  for (const job of jobs) {
    for (let from = 0, isOver = false; !isOver;) {
      const query = { text, stream, from, ...(attempt === undefined ? {} : { attempt }) } as const;
      const reply = await client.results.logSearch({ params: job, query });
      const name = jobs.length === 1 ? '' : `${job.experiment}/${job.number}: `;
      for (const { excerpt } of reply.matches) await context.output.bytes(Buffer.from(`${name}${excerpt}\n`));
      count += reply.matches.length;
      isOver = reply.next_from >= reply.size || reply.next_from === from;
      from = reply.next_from;
    }
  }
  if (count === 0) throw new CliFailure(EXIT.not_found, `No line of ${stream} holds ${JSON.stringify(text)}.`);
}

async function printLog(context: Context, job: JobName, options: LogOptions & { signal: AbortSignal }): Promise<void> {
  const { client } = await context.connection();
  const stream = options.stderr === true ? 'stderr' : 'stdout';
  const request = { ...job, stream, attempt: options.attempt ?? null, follow: options.follow === true, signal: options.signal } as const;
  const end = await copyLog(client, request, { write: (bytes) => context.output.bytes(bytes), clock: context.dependencies.clock });
  if (stream === 'stdout') await tellOfErrors(context, job, options);
  if (end.dropped_bytes > 0) context.output.note(`${end.dropped_bytes.toLocaleString('en-US')} bytes in the middle of this log were not kept.`);
}

/** What went wrong usually stands in the other stream. */
async function tellOfErrors(context: Context, job: JobName, { attempt, signal }: LogOptions & { signal: AbortSignal }): Promise<void> {
  if (signal.aborted) return;
  const { client } = await context.connection();
  const query = { stream: 'stderr' as const, length: 0, ...(attempt === undefined ? {} : { attempt }) };
  const reply = await client.results.log({ params: job, query }, { signal });
  await reply.body?.cancel();
  const size = Number(reply.headers.get('drover-log-size') ?? 0);
  if (size > 0) context.output.note(`It also wrote ${bytesText(size)} to standard error: drover job log ${job.experiment}/${job.number} --stderr`);
}

/** A job that waits in the queue has nothing to follow yet. */
async function waitForStart(context: Context, job: JobName, signal: AbortSignal): Promise<void> {
  const { client } = await context.connection();
  const { clock } = context.dependencies;
  let told = false;
  const read = async () => (await client.jobs.get({ params: job })).job;
  for await (const state of watchCounts({ read, wake: wakeOnEvents(client, [job.experiment]), clock, signal })) {
    if (state.attempts > 0 || isEnded(state.status)) return;
    if (!told) context.output.note(`${job.experiment}/${job.number} waits for its turn${state.held_at === null ? '' : ' and is held'}.`);
    told = true;
  }
}
