// `drover wait`: until every job has ended. Exit code 0 only if every one of them is done.
import { formatRanges } from '../../core/identifiers.ts';
import { addCommand, experimentOption, onRun, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { addProgress, createProgressLine, emptyProgress, progressStream, type ProgressLine } from '../progress-line.ts';
import { selectJobs, selectionText, type JobSelection } from '../selection.ts';
import { trouble, wakeOnEvents, watchCounts } from '../watch.ts';

interface Counts {
  readonly pending: number;
  readonly running: number;
  readonly done: number;
  readonly aborted: number;
  readonly total: number;
  /** Jobs that a large matrix has still to make: it is not over before they are there. */
  readonly expanding: number;
}

interface Waited {
  readonly label: string;
  readonly experiments: readonly string[];
  readonly read: () => Promise<Counts>;
}

export const addWait: AddCommand = (program, dependencies) => {
  const command = addCommand(program, 'wait [jobs...]', {
    summary: 'Wait until every job has ended',
    examples: ['wait --experiment digits-tune', 'wait digits-tune/1-27', 'wait last && echo done'],
    notes: 'The exit code is 0 only if every job is done, 6 if one was aborted. A server that is away for a while is waited for.',
  });
  experimentOption(command);
  onRun(command, dependencies, async ({ context, words }) => {
    const waited = words.length === 0 ? await wholeExperiment(context) : await someJobs(context, words);
    const counts = await waitForEnd(context, waited);
    const sentence = endText(waited.label, counts);
    await context.output.show({ json: counts, ids: [], blocks: [] });
    if (counts.done < counts.total) throw new CliFailure(EXIT.not_all_done, sentence);
    context.output.note(sentence);
  });
};

async function waitForEnd(context: Context, waited: Waited): Promise<Counts> {
  const { client } = await context.connection();
  const { clock } = context.dependencies;
  const line = createProgressLine(context.dependencies, progressStream(context));
  const interrupted = new AbortController();
  const release = context.dependencies.onInterrupt(() => interrupted.abort());
  let progress = emptyProgress();
  try {
    await noteObstacles(context, waited, line);
    const onTrouble = (error: Error | null): void => line.say(trouble(error));
    for await (const counts of watchCounts({
      read: waited.read,
      wake: wakeOnEvents(client, waited.experiments),
      clock,
      signal: interrupted.signal,
      onTrouble,
    })) {
      const ended = counts.done + counts.aborted;
      progress = addProgress(progress, { at: clock.monotonic(), ended, total: counts.total + counts.expanding });
      line.update({ label: waited.label, ended, total: counts.total + counts.expanding, details: countDetails(counts), progress });
      if (counts.pending + counts.running + counts.expanding === 0) return counts;
    }
    throw new CliFailure(EXIT.interrupted);
  } finally {
    release();
    line.finish();
  }
}

function countDetails(counts: Counts): string[] {
  return [...(counts.running > 0 ? [`${counts.running} running`] : []), ...(counts.aborted > 0 ? [`${counts.aborted} aborted`] : [])];
}

function endText(label: string, { done, aborted, total }: Counts): string {
  if (total === 0) return `${label} has no jobs.`;
  if (done === total) return total === 1 ? `${label}: the job is done.` : `${label}: all ${total} jobs are done.`;
  return `${label}: ${done} of ${total} jobs are done, ${aborted} aborted.`;
}

async function wholeExperiment(context: Context): Promise<Waited> {
  const { client } = await context.connection();
  const experiment = await context.experiment();
  return { label: experiment, experiments: [experiment], read: async () => (await client.experiments.get({ params: { experiment } })).counts };
}

async function someJobs(context: Context, words: readonly string[]): Promise<Waited> {
  const { client } = await context.connection();
  const selection = await selectJobs(context, words);
  const count = async ({ experiment, ranges }: JobSelection, status?: keyof Counts & ('pending' | 'running' | 'done' | 'aborted')): Promise<number> => {
    const query = { numbers: formatRanges(ranges), limit: 1, ...(status === undefined ? {} : { status }) };
    return (await client.jobs.list({ params: { experiment }, query })).total.count;
  };
  const sum = async (status?: 'pending' | 'running' | 'done' | 'aborted'): Promise<number> => {
    const counts = await Promise.all(selection.map((one) => count(one, status)));
    return counts.reduce((total, one) => total + one, 0);
  };
  const label = selectionText(selection);
  if ((await sum()) === 0) throw new CliFailure(EXIT.not_found, `There is no job ${label}.`);
  const read = async (): Promise<Counts> => {
    const [pending, running, done, aborted] = [await sum('pending'), await sum('running'), await sum('done'), await sum('aborted')];
    return { pending, running, done, aborted, total: pending + running + done + aborted, expanding: 0 };
  };
  return { label, experiments: selection.map(({ experiment }) => experiment), read };
}

/** What would make the wait endless is said at its beginning. */
async function noteObstacles(context: Context, waited: Waited, line: ProgressLine): Promise<void> {
  const { client } = await context.connection();
  for (const name of waited.experiments) {
    const { counts, held_at: heldAt, workers } = await client.experiments.get({ params: { experiment: name } });
    if (counts.pending === 0) continue;
    if (heldAt !== null) line.say(`${name} is held, so no job starts. Go on: drover experiment unhold ${name}`);
    else if (workers.idle + workers.busy === 0) line.say(`No worker serves ${name} yet. Start one: drover worker start --experiment ${name}`);
  }
}
