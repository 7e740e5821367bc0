// `j job log`.
import type { AddCommand } from '../command.ts';
import { readLogs } from '../commands/job-log.ts';
import { usageError } from '../failure.ts';
import { addJCommand, onJ } from './command.ts';

interface LogOptions {
  readonly running?: true;
  readonly stderr?: true;
  readonly less?: true;
  readonly tail?: true;
}

export const addLog: AddCommand = (group, dependencies) => {
  const command = addJCommand(group, {
    usage: 'log [jobs...]',
    summary: 'Fetch the logs of jobs and print the paths, or look at one',
    examples: ['job log -t 1', 'job log -l 1', 'job log 1', 'job log -e -l last', 'job log -r'],
    notes: 'Logs are kept by the server; without -l and -t what there is now is fetched into a file of this machine, whose path is printed.',
  })
    .option('-e, --stderr', 'standard error instead of standard output')
    .option('-l, --less', 'look at it with $PAGER, else less')
    .option('-t, --tail', 'go on until the job ends')
    .option('-r, --running', 'of every job that runs');
  onJ<LogOptions>(command, dependencies, ({ context, options, words }) => {
    const { running, stderr, less, tail } = options;
    if (less === true && tail === true) throw usageError('Give -l or -t, not both.');
    const looks = less === true ? { less } : tail === true ? { follow: tail } : { path: true as const };
    return readLogs(context, words, { ...looks, ...(running === undefined ? {} : { running }), ...(stderr === undefined ? {} : { stderr }) });
  });
};
