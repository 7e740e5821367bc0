// `drover job edit`: changes one pending job.
import type { Params } from '../../core/params.ts';
import { commandFromWords } from '../../core/template.ts';
import type { ApiClient } from '../connection.ts';
import { addCommand, collect, experimentOption, onRun, orNone, seconds, wholeNumber, type AddCommand } from '../command.ts';
import { usageError } from '../failure.ts';
import { paramsText } from '../job-list.ts';
import { readParams, type JobParams } from '../job-options.ts';
import { selectJobs, singleJob } from '../selection.ts';

interface EditOptions {
  readonly unset?: string[];
  readonly priority?: number;
  readonly maxAttempts?: number | 'none';
  readonly timeout?: number | 'none';
  readonly tag?: string[];
  readonly script?: true;
}

type EditBody = NonNullable<Parameters<ApiClient['jobs']['edit']>[0]['body']>;

export const addJobEdit: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'edit <jobs> [params...]', {
    summary: 'Change a pending job',
    examples: [
      'job edit digits-tune/42 lr=0.05 units=32',
      'job edit digits-tune/42 --unset dropout --priority 10',
      "job edit last lr=0.05 -- 'python3 train.py --lr {lr}'",
    ],
    notes: 'Params that are not named stay as they are. A job that runs or has ended keeps what it was started with: add another one.',
  });
  experimentOption(command)
    .option('--unset <param>', 'take a param away (may be repeated)', collect)
    .option('--priority <n>', 'higher goes first', wholeNumber(-1_000_000, 1_000_000))
    .option('--max-attempts <n>', 'tries that may fail before it is aborted; `none`: as the experiment says', orNone(wholeNumber(1, 1000)))
    .option('--timeout <time>', 'longest run of one attempt, e.g. 90s, 15m, 2h; `none`: as the experiment says', orNone(seconds))
    .option('--tag <tag>', 'its tags from now on (may be repeated)', collect)
    .option('--script', 'run the script of the worker instead of a command');
  onRun<EditOptions>(command, dependencies, async ({ context, options, words, tail }) => {
    const job = singleJob(await selectJobs(context, words.slice(0, 1)));
    if (job === null) throw usageError('Name a single job to edit.');
    if (tail !== null && options.script === true) throw usageError('Give a command after -- or --script, not both.');
    if (tail?.length === 0) throw usageError('There is no command after --. To run the script of the worker say --script.');
    const set = readParams(words.slice(1), 'Param');
    const settings = editSettings(options, tail);
    const editsParams = Object.keys(set).length > 0 || options.unset !== undefined;
    if (!editsParams && Object.keys(settings).length === 0) throw usageError(`What is to change? For example: drover job edit ${words[0]} lr=0.05`);
    const { client } = await context.connection();
    const { job: before } = await client.jobs.get({ params: job });
    const params = editsParams ? { params: editedParams(before.params, set, options.unset ?? []) } : {};
    // Somebody else's edit in between is not overwritten unseen.
    const after = await client.jobs.edit({ params: job, body: { ...settings, ...params, revision: before.revision } });
    const text = `Changed ${job.experiment}/${job.number}${editsParams ? `: ${paramsText(after.params)}` : '.'}`;
    await context.output.show({ json: after, ids: [`${job.experiment}/${job.number}`], blocks: [{ text }] });
  });
};

function editSettings(options: EditOptions, tail: readonly string[] | null): EditBody {
  return {
    ...(tail === null ? {} : { command: commandFromWords(tail) }),
    ...(options.script === undefined ? {} : { command: null }),
    ...(options.priority === undefined ? {} : { priority: options.priority }),
    ...(options.maxAttempts === undefined ? {} : { max_attempts: options.maxAttempts === 'none' ? null : options.maxAttempts }),
    ...(options.timeout === undefined ? {} : { timeout_seconds: options.timeout === 'none' ? null : options.timeout }),
    ...(options.tag === undefined ? {} : { tags: options.tag }),
  };
}

function editedParams(before: Params, set: JobParams, unset: readonly string[]): JobParams {
  const params = new Map(Object.entries({ ...before, ...set } as JobParams));
  for (const name of unset) {
    if (Object.hasOwn(set, name)) throw usageError(`Param ${JSON.stringify(name)} is set and unset.`);
    if (!params.delete(name)) throw usageError(`The job has no param ${JSON.stringify(name)}.`);
  }
  return Object.fromEntries(params);
}
