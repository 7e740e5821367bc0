// `drover job cancel|requeue|hold|unhold|forget|unforget|settimeout|tag|untag|rm`: one thing done to one job, or to all that are named, in one step.
import type { Command } from 'commander';

import { JOB_STATUSES, type JobStatus } from '../../core/job.ts';
import { formatRanges } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { randomId } from '../../runtime/ids.ts';
import { addCommand, collect, experimentOption, onRun, orNone, readWord, seconds, type AddCommand } from '../command.ts';
import type { ApiClient } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CliDependencies } from '../dependencies.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { waitForOperation } from '../operation-progress.ts';
import { confirmYes } from '../prompt.ts';
import { selectJobs, singleJob } from '../selection.ts';

type SingleAction = 'cancel' | 'requeue' | 'hold' | 'unhold' | 'delete';
type Action = SingleAction | 'add_tags' | 'remove_tags' | 'forget' | 'unforget' | 'set_timeout';
type BulkBody = Parameters<ApiClient['jobs']['bulk']>[0]['body'];
type BulkReply = Awaited<ReturnType<ApiClient['jobs']['bulk']>>;

export interface ChangeOptions {
  readonly status?: string[];
  readonly search?: string;
  readonly all?: true;
  readonly force?: true;
  readonly yes?: true;
  readonly tag?: string[];
  readonly dryRun?: true;
  /** With settimeout: seconds, or null for that of the experiment. */
  readonly timeout?: number | null;
}

const SINGLE: ReadonlySet<Action> = new Set<SingleAction>(['cancel', 'requeue', 'hold', 'unhold', 'delete']);

interface Verb {
  readonly name: string;
  readonly action: Action;
  readonly summary: string;
  readonly past: string;
  /** Asked about before it is done to more than one job. */
  readonly asks: boolean;
  /** What a job is refused with when nothing is left to do for it: among many that is no failure. */
  readonly settled?: string;
}

const VERBS = [
  { name: 'cancel', action: 'cancel', summary: 'Cancel pending and running jobs', past: 'Cancelled', asks: true, settled: 'job_ended' },
  { name: 'requeue', action: 'requeue', summary: 'Put ended jobs back into the queue, for a new attempt', past: 'Requeued', asks: false },
  { name: 'hold', action: 'hold', summary: 'Keep pending jobs from starting; their places stay', past: 'Held', asks: false },
  { name: 'unhold', action: 'unhold', summary: 'Let held jobs start again', past: 'Unheld', asks: false },
  { name: 'forget', action: 'forget', summary: 'Leave ended jobs out of lists; outcomes, logs and files stay', past: 'Forgot', asks: false },
  { name: 'unforget', action: 'unforget', summary: 'List jobs again that were forgotten', past: 'Listed again', asks: false },
  { name: 'settimeout', action: 'set_timeout', summary: 'Give pending jobs another time limit', past: 'Changed the time limit of', asks: false },
  { name: 'tag', action: 'add_tags', summary: 'Add tags to jobs, whatever their status', past: 'Tagged', asks: false },
  { name: 'untag', action: 'remove_tags', summary: 'Take tags from jobs; others stay', past: 'Untagged', asks: false },
  { name: 'rm', action: 'delete', summary: 'Delete pending jobs, as if they had never been made', past: 'Deleted', asks: true },
] as const satisfies readonly Verb[];

export type VerbName = (typeof VERBS)[number]['name'];

export const addJobChanges: AddCommand = (group, dependencies) => {
  for (const verb of VERBS) addVerb(group, dependencies, verb);
};

function addVerb(group: Command, dependencies: CliDependencies, verb: Verb & { readonly name: VerbName }): void {
  const isTimeout = verb.action === 'set_timeout';
  const command = addCommand(group, `${verb.name} ${isTimeout ? '<time> ' : ''}[jobs...]`, {
    summary: verb.summary,
    examples: [`digits-tune/42`, `digits-tune/1-5,8`, `--experiment digits-tune --status ${exampleStatus(verb.action)}`]
      .map((example) => `job ${verb.name} ${isTimeout ? '2h ' : ''}${example}`)
      .map((example) => (isAboutTags(verb.action) ? `${example} --tag baseline` : example)),
    ...(isTimeout ? { notes: 'A time is 90s, 15m, 2h or 7d; `none`: as the experiment says. A job that runs keeps the limit that it was started with.' } : {}),
  });
  experimentOption(command)
    .option('-s, --status <status>', 'all jobs with this status (may be repeated)', collect)
    .option('--search <text>', 'all jobs that fit this text')
    .option('--all', 'all jobs of the experiment')
    .option('--dry-run', 'say which jobs it would be, change nothing');
  if (verb.asks) command.option('-y, --yes', 'do not ask');
  if (isAboutTags(verb.action)) command.requiredOption('-t, --tag <tag>', 'a tag (may be repeated)', collect);
  if (verb.action === 'cancel') command.option('--force', 'do not wait for the agents to confirm');
  onRun<ChangeOptions>(command, dependencies, async ({ context, options, words }) => {
    if (!isTimeout) return changeJobs(context, verb.name, { options, words });
    const [time = '', ...jobs] = words;
    const timeout = readWord(orNone(seconds), time);
    await changeJobs(context, verb.name, { options: { ...options, timeout: timeout === 'none' ? null : timeout }, words: jobs });
  });
}

/** Does what a verb says to the jobs that words and options name, and tells of it. */
export async function changeJobs(context: Context, name: VerbName, { options, words }: { options: ChangeOptions; words: readonly string[] }): Promise<void> {
  const verb: Verb = VERBS.find((one) => one.name === name)!;
  const single = words.length === 1 && options.dryRun !== true ? singleJob(await selectJobs(context, words)) : null;
  if (single !== null && !filtered(options) && isSingle(verb)) return changeOne(context, verb, { ...single, force: options.force === true });
  const replies: { experiment: string; reply: BulkReply }[] = [];
  for (const target of await bulkTargets(context, { options, words, isForgotten: verb.action === 'unforget' }))
    replies.push(await changeMany(context, verb, { ...target, options }));
  await report(context, verb, { replies, named: words.length > 0 });
}

type SingleVerb = Verb & { readonly action: SingleAction };

async function changeOne(context: Context, verb: SingleVerb, job: { experiment: string; number: number; force: boolean }): Promise<void> {
  const { client } = await context.connection();
  const name = context.jobName(job.experiment, job.number);
  const params = { experiment: job.experiment, number: job.number };
  const reply = await callOne(client, verb.action, { params, force: job.force });
  const waits = 'cancel_requested_at' in reply && reply.status === 'running' && reply.cancel_requested_at !== null;
  const sentence = waits
    ? `${name} is told to stop; it stays running until its agent confirms${context.program === 'drover' ? ' (--force does not wait)' : ''}.`
    : `${verb.past} ${name}.`;
  await context.output.show({ json: reply, ids: [name], blocks: [{ text: sentence }] });
}

function isAboutTags(action: Action): action is 'add_tags' | 'remove_tags' {
  return action === 'add_tags' || action === 'remove_tags';
}

function isSingle(verb: Verb): verb is SingleVerb {
  return SINGLE.has(verb.action);
}

function callOne(client: ApiClient, action: SingleAction, { params, force }: { params: { experiment: string; number: number }; force: boolean }) {
  switch (action) {
    case 'cancel':
      return client.jobs.cancel({ params, body: { force } });
    case 'requeue':
      return client.jobs.requeue({ params });
    case 'hold':
      return client.jobs.hold({ params });
    case 'unhold':
      return client.jobs.unhold({ params });
    case 'delete':
      return client.jobs.remove({ params });
  }
}

interface BulkTarget {
  readonly experiment: string;
  readonly filter: BulkBody['filter'];
}

async function bulkTargets(
  context: Context,
  { options, words, isForgotten }: { options: ChangeOptions; words: readonly string[]; isForgotten: boolean },
): Promise<BulkTarget[]> {
  const filter = {
    ...(options.status === undefined ? {} : { status: readStatuses(options.status) }),
    ...(options.search === undefined ? {} : { search: options.search }),
    ...(isForgotten ? { forgotten: 'only' as const } : {}),
  };
  if (words.length === 0) {
    if (!filtered(options)) throw usageError('Which jobs? Name them (digits-tune/42, 1-5,8, last), or choose with --status, --search or --all.');
    return [{ experiment: await context.experiment(), filter }];
  }
  if (options.all === true) throw usageError('Name jobs or give --all, not both.');
  return (await selectJobs(context, words)).map(({ experiment, ranges }) => ({ experiment, filter: { ...filter, numbers: formatRanges(ranges) } }));
}

async function changeMany(context: Context, verb: Verb, target: BulkTarget & { options: ChangeOptions }): Promise<{ experiment: string; reply: BulkReply }> {
  const { client } = await context.connection();
  const { experiment, filter, options } = target;
  const body: BulkBody = {
    action: verb.action,
    filter,
    ...(options.force === undefined ? {} : { force: true }),
    ...(options.tag === undefined ? {} : { tags: options.tag }),
    ...(options.timeout === undefined ? {} : { timeout_seconds: options.timeout }),
  };
  const preview =
    options.dryRun === true || (verb.asks && options.yes !== true)
      ? await client.jobs.bulk({ params: { experiment }, body: { ...body, dry_run: true } })
      : null;
  if (preview !== null && options.dryRun === true) return { experiment, reply: preview };
  if (preview !== null && preview.changed > 1) {
    await confirmYes(context.dependencies, `${verb.name} ${preview.changed.toLocaleString('en-US')} jobs (${jobsText(context, experiment, preview)})?`);
  }
  const reply = await client.jobs.bulk({ params: { experiment }, body }, { idempotency_key: randomId() });
  if (reply.operation === null) return { experiment, reply };
  const operation = await waitForOperation(context, experiment, reply.operation);
  const { matched, changed, refused } = operation;
  return { experiment, reply: { ...reply, matched, changed, refused, operation } };
}

async function report(
  context: Context,
  verb: Verb,
  { replies, named }: { replies: readonly { experiment: string; reply: BulkReply }[]; named: boolean },
): Promise<void> {
  const changed = replies.filter(({ reply }) => reply.changed > 0 && reply.jobs !== '').map(({ experiment, reply }) => context.jobName(experiment, reply.jobs));
  const lines = replies.map(({ experiment, reply }) => resultText(context, verb, { experiment, reply }));
  await context.output.show({ json: replies.map(({ experiment, reply }) => ({ experiment, ...reply })), ids: changed, blocks: [{ text: lines.join('\n') }] });
  const isSet = replies.reduce((sum, { reply }) => sum + reply.matched, 0) !== 1;
  const refused = replies.flatMap(({ experiment, reply }) =>
    Object.entries(reply.refused)
      .filter(([code]) => !(isSet && code === verb.settled))
      .map(([code, count]) => `${count} of ${experiment} (${code})`),
  );
  if (refused.length > 0)
    throw new CliFailure(
      EXIT.refused,
      `Left as they were: ${refused.join(', ')}.${verb.action === 'set_timeout' ? ' A time limit can be changed until a job starts.' : ''}`,
    );
  // Jobs that were named must exist; a filter may fit none.
  if (named && replies.every(({ reply }) => reply.matched === 0)) throw new CliFailure(EXIT.not_found, 'No such job.');
}

function resultText(context: Context, verb: Verb, { experiment, reply }: { experiment: string; reply: BulkReply }): string {
  const settled = verb.settled === undefined ? 0 : (reply.refused[verb.settled] ?? 0);
  const more = settled === 0 ? '' : `; ${settled.toLocaleString('en-US')} had already ended`;
  if (reply.changed === 0) return `No job of ${experiment} ${reply.dry_run ? 'would be' : 'was'} changed${more}.`;
  const count = `${reply.changed.toLocaleString('en-US')} ${reply.changed === 1 ? 'job' : 'jobs'}: ${jobsText(context, experiment, reply)}${more}`;
  return reply.dry_run ? `Would ${verb.name} ${count}` : `${verb.past} ${count}`;
}

/** Beyond the most that one commit changes, only the first are listed, or none. */
function jobsText(context: Context, experiment: string, reply: BulkReply): string {
  if (reply.jobs === '') return experiment;
  return `${context.jobName(experiment, reply.jobs)}${reply.changed > LIMITS.bulk_jobs.value ? ', …' : ''}`;
}

function filtered(options: ChangeOptions): boolean {
  return options.status !== undefined || options.search !== undefined || options.all === true;
}

function readStatuses(words: readonly string[]): JobStatus[] {
  const statuses = words.flatMap((word) => word.split(','));
  const unknown = statuses.find((word) => !(JOB_STATUSES as readonly string[]).includes(word));
  if (unknown !== undefined) throw usageError(`${JSON.stringify(unknown)} is not a status; there are ${JOB_STATUSES.join(', ')}.`);
  return statuses as JobStatus[];
}

function exampleStatus(action: Action): JobStatus {
  if (action === 'cancel') return 'running';
  if (isAboutTags(action)) return 'done';
  return action === 'requeue' || action === 'forget' || action === 'unforget' ? 'aborted' : 'pending';
}
