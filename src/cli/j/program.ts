// All commands of `j`.
import { Command } from 'commander';

import { addGroup, type AddCommand, givePersona } from '../command.ts';
import { addCompletionCommands } from '../commands/completions.ts';
import { addMachine } from '../commands/machine.ts';
import { addVar } from '../commands/var.ts';
import type { CliDependencies } from '../dependencies.ts';
import { configureProgram } from '../program.ts';
import { addJCommand, addJOptions, J, looking, onJ } from './command.ts';
import { addAdd } from './add.ts';
import { addList } from './list.ts';
import { addLog } from './log.ts';
import { addMatrix } from './matrix.ts';
import { addStat } from './stat.ts';
import { addTag } from './tag.ts';
import { addVerbs } from './verbs.ts';

const EXAMPLES = `Examples:
  j machine add my.machine.foo.com:22 foo                       a machine for jobs that ask for the class foo
  j job add foo "bar --the --foo baz" /path/to/results -x 3     three jobs for machines of the class foo
  j job ls                                                      what runs, and the newest 40
  j job log -t 1                                                follow what job 1 prints
  j job matrix add foo "cmd --param0 {I} --param1 {J}" /path/to/results I=1,2,3,4 J=linear,quadratic
`;

export function createJ(dependencies: CliDependencies): Command {
  const program = configureProgram(new Command('j'), dependencies)
    .description('Jobs for classes of machines, in the words of expjobserver. Everything else that Drover does: drover --help')
    .addHelpText('before', EXAMPLES);
  addJOptions(program);
  givePersona(program, J);
  const job = addGroup(program, 'job', 'Add jobs and matrices of jobs, list them, read their logs, hold, cancel, clone and restart them');
  for (const add of [addAdd, addList, addLog, addVerbs, addStat, addTag, addMatrix]) add(job, dependencies);
  addMachine(program, dependencies);
  addVar(program, dependencies);
  addPing(program, dependencies);
  addCompletionCommands(program, dependencies, { open: looking });
  return program;
}

const addPing: AddCommand = (program, dependencies) => {
  const command = addJCommand(program, { usage: 'ping', summary: 'Ask whether the server answers', examples: ['ping', 'ping --address lab:5000'] });
  onJ(command, dependencies, async ({ context }) => {
    const { client, url } = await context.connection();
    const status = await client.server.status({});
    await context.output.show({ json: status, ids: ['OK'], blocks: [{ text: `OK: ${url}` }] });
  });
};
