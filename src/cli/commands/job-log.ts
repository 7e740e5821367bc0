// `drover job log`: what a job wrote, byte for byte; or a file that holds it.
import { Option } from 'commander';

import { toRanges } from '../../core/identifiers.ts';
import { isEnded } from '../../core/job.ts';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { existingJobs, readJobs, type JobName } from '../job-list.ts';
import { cachedLogPath, saveLog } from '../log-files.ts';
import { copyLog } from '../log-reader.ts';
import { selectJobs, singleJob, type JobSelection } from '../selection.ts';
import { bytesText } from '../sizes.ts';
import { watchCounts, wakeOnEvents } from '../watch.ts';

export interface LogOptions {
  /** Every job that runs. */
  readonly running?: true;
  /** Fetch it into a file and tell its path. */
  readonly path?: true;
  readonly less?: true;
  readonly follow?: true;
  readonly stderr?: true;
  readonly attempt?: number;
  readonly grep?: string;
}

export const addJobLog: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'log [jobs...]', {
    summary: 'Print what a job wrote to standard output, byte for byte',
    examples: [
      'job log digits-tune/42',
      'job log last --follow',
      'job log digits-tune/42 --stderr > errors.txt',
      'job log digits-tune/42 --less',
      'job log --running --path --experiment digits-tune',
      'job log digits-tune/42 --attempt 1',
      'job log digits-tune/42 --grep error',
    ],
    notes:
      'With --follow it waits for the job to start and goes on until its attempt ends; the exit code does not tell how the job ended. With --grep the server searches, and lines come as they are read: without colours and progress that was drawn over, long ones cut.',
  });
  experimentOption(command)
    .option('-f, --follow', 'go on until the attempt ends')
    .addOption(new Option('-t, --tail', 'the same').hideHelp())
    .option('-l, --less', 'look at it with $PAGER, else less')
    .option('--path', 'fetch it into a file and print the path')
    .option('-r, --running', 'of every job that runs')
    .option('--stderr', 'standard error instead of standard output')
    .option('--grep <text>', 'only lines that hold this text, in capitals or not')
    .option('--attempt <n>', 'of this attempt; default the newest', wholeNumber(1));
  onRun<LogOptions & { tail?: true }>(command, dependencies, ({ context, options, words }) =>
    readLogs(context, words, options.tail === undefined ? options : { ...options, follow: true }),
  );
};

export async function readLogs(context: Context, words: readonly string[], options: LogOptions): Promise<void> {
  const selection = await chooseJobs(context, words, options);
  const single = singleJob(selection);
  if (options.follow === true && single === null) throw usageError('--follow needs a single job.');
  if (options.grep !== undefined)
    return grepJobs(context, single === null ? await existingJobs(context, selection) : [single], { ...options, text: options.grep });
  if (options.path === true || (options.less === true && context.dependencies.stdout.isTTY === true))
    return logFiles(context, single === null ? await existingJobs(context, selection) : [single], options);
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
}

async function chooseJobs(context: Context, words: readonly string[], options: LogOptions): Promise<readonly JobSelection[]> {
  if (options.running !== true) {
    if (words.length === 0) throw usageError(`Which job? Name it (${context.jobName('digits-tune', 42)}, last), or give --running.`);
    return selectJobs(context, words);
  }
  if (words.length > 0) throw usageError('Name jobs or give --running, not both.');
  const experiment = await context.experiment();
  const { client } = await context.connection();
  const numbers: number[] = [];
  for await (const page of readJobs(client, experiment, { query: { status: 'running', order: 'asc' }, limit: null }))
    numbers.push(...page.map(({ number }) => number));
  if (numbers.length === 0) throw new CliFailure(EXIT.not_found, `No job of ${experiment} is running.`);
  return [{ experiment, ranges: toRanges(numbers) }];
}

/** Through a pager one after the other, or their paths, a line each. */
async function logFiles(context: Context, jobs: readonly JobName[], options: LogOptions): Promise<void> {
  if (jobs.length === 0) throw new CliFailure(EXIT.not_found, 'There is no such job.');
  const stream = options.stderr === true ? 'stderr' : 'stdout';
  const attempt = options.attempt ?? null;
  const files: (JobName & { path: string })[] = [];
  for (const job of jobs) {
    const path = await cachedLogPath(context, job, { stream, attempt });
    await saveLog(context, job, { stream, attempt, path });
    files.push({ ...job, path });
  }
  if (options.less !== true) {
    const paths = files.map(({ path }) => path);
    return context.output.show({ json: files, ids: paths, blocks: [{ text: paths.join('\n') }] });
  }
  const pager = context.dependencies.env['PAGER'];
  const code = await context.dependencies.view(
    pager === undefined || pager.trim() === '' ? 'less -R' : pager,
    files.map(({ path }) => path),
  );
  if (code !== 0) throw new CliFailure(EXIT.unexpected, `The pager ended with code ${code}. --path prints where the log is.`);
}

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
  if (size > 0)
    context.output.note(
      `It also wrote ${bytesText(size)} to standard error: ${context.program} job log ${context.jobName(job.experiment, job.number)} --stderr`,
    );
}

/** A job that waits in the queue has nothing to follow yet. */
async function waitForStart(context: Context, job: JobName, signal: AbortSignal): Promise<void> {
  const { client } = await context.connection();
  const { clock } = context.dependencies;
  let told = false;
  const read = async () => (await client.jobs.get({ params: job })).job;
  for await (const state of watchCounts({ read, wake: wakeOnEvents(client, [job.experiment]), clock, signal })) {
    if (state.attempts > 0 || isEnded(state.status)) return;
    if (!told) context.output.note(`${context.jobName(job.experiment, job.number)} waits for its turn${state.held_at === null ? '' : ' and is held'}.`);
    told = true;
  }
}
