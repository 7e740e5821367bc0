// `drover job clone` and `drover job restart`: the same jobs once more, at the end of the queue.
import { LIMITS } from '../../core/limits.ts';
import { formatRanges } from '../../core/identifiers.ts';
import { randomId } from '../../runtime/ids.ts';
import { addCommand, experimentOption, onRun, wholeNumber, type AddCommand } from '../command.ts';
import type { ApiClient } from '../connection.ts';
import type { Context } from '../context.ts';
import { selectJobs } from '../selection.ts';

export interface CloneOptions {
  readonly times?: number;
  readonly restart?: boolean;
  readonly force?: boolean;
}

type Reply = Awaited<ReturnType<ApiClient['jobs']['clone']>>;
type Cloned = Reply & { readonly experiment: string };

export const addJobClones: AddCommand = (group, dependencies) => {
  const clone = addCommand(group, 'clone <jobs...>', {
    summary: 'Add copies of jobs at the end of the queue',
    examples: ['job clone digits-tune/42', 'job clone last --times 3', 'job clone digits-tune/1-5,8'],
    notes: 'A copy has command, params, class, resources, priority, limits, tags and matrix of its job. The job itself stays as it is.',
  });
  experimentOption(clone).option('-x, --times <n>', 'copies of each', wholeNumber(1, LIMITS.cloned_jobs.value));
  onRun<CloneOptions>(clone, dependencies, ({ context, options, words }) => cloneJobs(context, words, options));

  const restart = addCommand(group, 'restart <jobs...>', {
    summary: 'Cancel jobs that have not ended, and add a copy of each',
    examples: ['job restart digits-tune/42', 'job restart digits-tune/1-5 --force'],
    notes:
      'In one step: the copy stands at the end of the queue when the job is told to end. A job that has ended stays as it is, and only gets a copy. To run the same job again under its number: job requeue.',
  });
  experimentOption(restart).option('--force', 'do not wait for the agents to confirm');
  onRun<CloneOptions>(restart, dependencies, ({ context, options, words }) => cloneJobs(context, words, { ...options, restart: true }));
};

export async function cloneJobs(context: Context, words: readonly string[], options: CloneOptions): Promise<void> {
  const { client } = await context.connection();
  const replies: Cloned[] = [];
  for (const { experiment, ranges } of await selectJobs(context, words)) {
    const body = {
      filter: { numbers: formatRanges(ranges), forgotten: 'too' as const },
      ...(options.times === undefined ? {} : { times: options.times }),
      ...(options.restart === true ? { restart: true, force: options.force === true } : {}),
    };
    replies.push({ experiment, ...(await client.jobs.clone({ params: { experiment }, body }, { idempotency_key: randomId() })) });
  }
  await context.output.show({
    json: replies,
    ids: replies.flatMap(({ experiment, from, to }) => numbersFrom(from, to).map((number) => context.jobName(experiment, number))),
    blocks: [{ text: replies.map((reply) => replyText(context, reply, options.restart === true)).join('\n') }],
  });
}

function replyText(context: Context, { experiment, created, from, to, cloned, cancelled }: Cloned, isRestart: boolean): string {
  const copies = context.jobName(experiment, from === to ? `${from}` : `${from}-${to}`);
  const text = `Added ${created === 1 ? 'a copy' : `${created.toLocaleString('en-US')} copies`} of ${context.jobName(experiment, cloned)}: ${copies}`;
  if (!isRestart) return text;
  return cancelled === '' ? `${text}. Nothing was to be cancelled.` : `${text}. Cancelled ${context.jobName(experiment, cancelled)}.`;
}

function numbersFrom(from: number | null, to: number | null): number[] {
  return from === null || to === null ? [] : Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
