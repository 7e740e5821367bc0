// `j job rm|hold|unhold|clone|restart|settimeout|cpresults`.
import { formatRanges } from '../../core/identifiers.ts';
import { LIMITS } from '../../core/limits.ts';
import { readWord, wholeNumber, type AddCommand } from '../command.ts';
import { changeJobs } from '../commands/job-change.ts';
import { cloneJobs } from '../commands/job-clone.ts';
import { copyJobs } from '../commands/job-cp.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { selectJobs } from '../selection.ts';
import { minutes } from './add.ts';
import { addJCommand, onJ } from './command.ts';

export const addVerbs: AddCommand = (group, dependencies) => {
  const rm = addJCommand(group, {
    usage: 'rm <jobs...>',
    summary: 'Cancel jobs',
    examples: ['job rm 3', 'job rm 1-5,8', 'job rm -f last'],
    notes:
      'A job that has ended keeps its outcome. With -f jobs are left out of lists too; their logs and outcomes stay (drover job unforget lists them again).',
  }).option('-f, --forget', 'leave them out of lists as well');
  onJ<{ forget?: true }>(rm, dependencies, ({ context, options, words }) =>
    options.forget === true ? forgetJobs(context, words) : changeJobs(context, 'cancel', { options: { yes: true }, words }),
  );

  for (const name of ['hold', 'unhold'] as const) {
    const summary = name === 'hold' ? 'Keep waiting jobs from starting; their places stay' : 'Let held jobs start again, in their old places';
    const command = addJCommand(group, { usage: `${name} <jobs...>`, summary, examples: [`job ${name} 3`, `job ${name} 1-5,8`] });
    onJ(command, dependencies, ({ context, words }) => changeJobs(context, name, { options: {}, words }));
  }

  const clone = addJCommand(group, { usage: 'clone <jobs...>', summary: 'Add copies of jobs', examples: ['job clone 3', 'job clone last -x 3'] });
  clone.option('-x <n>', 'copies of each', wholeNumber(1, LIMITS.cloned_jobs.value));
  onJ<{ x?: number }>(clone, dependencies, ({ context, options, words }) => cloneJobs(context, words, options.x === undefined ? {} : { times: options.x }));

  const restart = addJCommand(group, {
    usage: 'restart <jobs...>',
    summary: 'Cancel jobs that have not ended, and add a copy of each',
    examples: ['job restart 3', 'job restart 1-5'],
  });
  onJ(restart, dependencies, ({ context, words }) => cloneJobs(context, words, { restart: true }));

  const settimeout = addJCommand(group, {
    usage: 'settimeout <minutes> <jobs...>',
    summary: 'Give waiting jobs another time limit',
    examples: ['job settimeout 90 3', 'job settimeout 0 1-5'],
    notes: 'In minutes; 0 is none of their own. A job that runs keeps the limit that it was started with.',
  });
  onJ(settimeout, dependencies, ({ context, words: [time = '', ...words] }) => {
    const limit = readWord(minutes, time);
    return changeJobs(context, 'settimeout', { options: { timeout: limit === 0 ? null : limit }, words });
  });

  const cpresults = addJCommand(group, {
    usage: 'cpresults <to> <jobs...>',
    summary: 'Copy files and logs of jobs into a directory here',
    examples: ['job cpresults results 3', 'job cpresults results 1-36'],
    notes: 'Each job gets TO/JID/stdout, TO/JID/stderr and TO/JID/files. What is there already is never replaced unless --force is given.',
  }).option('--force', 'replace files that differ');
  onJ<{ force?: true }>(cpresults, dependencies, ({ context, options, words: [directory = '', ...words] }) =>
    copyJobs(context, { directory, words, force: options.force === true }),
  );
};

/** Ends what has not ended, and forgets what has. */
async function forgetJobs(context: Context, words: readonly string[]): Promise<void> {
  const { client } = await context.connection();
  const lines: string[] = [];
  const replies: object[] = [];
  let matched = 0;
  let runs = 0;
  for (const { experiment, ranges } of await selectJobs(context, words)) {
    const filter = { numbers: formatRanges(ranges) };
    const params = { experiment };
    await client.jobs.bulk({ params, body: { action: 'cancel', filter } });
    const reply = await client.jobs.bulk({ params, body: { action: 'forget', filter } });
    replies.push({ experiment, ...reply });
    matched += reply.matched;
    runs += reply.refused['job_not_ended'] ?? 0;
    if (reply.changed > 0) lines.push(`Forgot ${context.jobName(experiment, reply.jobs)}`);
  }
  await context.output.show({ json: replies, ids: [], blocks: [{ text: lines.join('\n') }] });
  if (matched === 0) throw new CliFailure(EXIT.not_found, 'No such job.');
  if (runs > 0)
    throw new CliFailure(
      EXIT.refused,
      `${runs} of them still ${runs === 1 ? 'runs' : 'run'}, and ${runs === 1 ? 'is' : 'are'} told to stop. Forget them when they have ended.`,
    );
}
