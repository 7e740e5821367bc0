// `drover job add`: one job, or the same one several times.
import { LIMITS } from '../../core/limits.ts';
import { randomId } from '../../runtime/ids.ts';
import { addCommand, collect, onRun, wholeNumber, type AddCommand } from '../command.ts';
import { createdView } from '../created.ts';
import { usageError } from '../failure.ts';
import { COMMAND_NOTES, jobOptions, jobSettings, readParams, type JobOptions } from '../job-options.ts';

interface AddOptions extends JobOptions {
  readonly param?: string[];
  readonly times?: number;
}

export const addJobAdd: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'add [command...]', {
    summary: 'Add a job',
    examples: [
      "job add --experiment digits-tune -- 'python3 train.py --epochs 5'",
      "job add --experiment digits-tune --param lr=0.1 --param name=\"it's\" -- 'python3 train.py --lr {lr} --name {name}'",
      'job add --experiment digits-tune --class gpu --times 10 -- ./run.sh',
    ],
    notes: COMMAND_NOTES,
  });
  jobOptions(command)
    .option('-p, --param <name=value>', 'a param (may be repeated); a value is a number, true, false, null or JSON if it looks so, else text', collect)
    .option('-x, --times <n>', 'how many of it', wholeNumber(1, LIMITS.create_jobs.value));
  onRun<AddOptions>(command, dependencies, async ({ context, options, words, tail }) => {
    if (words.length > 0) throw usageError(misplaced(words));
    const params = readParams(options.param ?? [], '--param');
    const settings = jobSettings(options, tail);
    const experiment = await context.experiment();
    const { client } = await context.connection();
    const body = { ...settings, jobs: [{ params }], ...(options.times === undefined ? {} : { times: options.times }) };
    const reply = await client.jobs.create({ params: { experiment }, body }, { idempotency_key: randomId() });
    await context.output.show(createdView(reply, experiment, settings.command ?? null));
  });
};

function misplaced(words: readonly string[]): string {
  if (words.every((word) => /^[A-Za-z_][\w.-]*=/.test(word)))
    return `Put --param before each param: drover job add ${words.map((word) => `--param ${word}`).join(' ')}`;
  return `Put -- before the command: drover job add … -- ${words.join(' ')}`;
}
