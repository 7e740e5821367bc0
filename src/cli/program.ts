// All commands. Each file below commands/ declares one noun; what a command does is loaded when it runs.
import { Command } from 'commander';

import { addCommonOptions } from './command.ts';
import { addAgent } from './commands/agent.ts';
import { addCompletions } from './commands/completions.ts';
import { addConfig } from './commands/config.ts';
import { addExperiment } from './commands/experiment.ts';
import { addJob } from './commands/job.ts';
import { addKey } from './commands/key.ts';
import { addLoginLink } from './commands/login-link.ts';
import { addMachine } from './commands/machine.ts';
import { addMatrix } from './commands/matrix.ts';
import { addServer } from './commands/server.ts';
import { addStatus } from './commands/status.ts';
import { addUp } from './commands/up.ts';
import { addVar } from './commands/var.ts';
import { addWait } from './commands/wait.ts';
import { addWorker } from './commands/worker.ts';
import type { CliDependencies } from './dependencies.ts';

const EXAMPLES = `Examples:
  drover up --example digits        server, dashboard and two workers on this machine, with a sweep to watch
  drover experiment create my-tune
  drover matrix add -e my-tune lr=0.1,0.01 units=8,16 -- 'python3 train.py --lr {lr} --units {units}'
  drover wait -e my-tune && drover job ls -e my-tune
`;

export function createProgram(dependencies: CliDependencies): Command {
  const program = configureProgram(new Command('drover'), dependencies)
    .description('Runs many experiments on many machines: a queue of jobs, agents that run them, a live dashboard.')
    .addHelpText('before', EXAMPLES);
  addCommonOptions(program);
  addAll(program, dependencies);
  return program;
}

/** How a program of commands speaks: its own streams, its own name before what is wrong. */
export function configureProgram(program: Command, dependencies: CliDependencies): Command {
  const { stdout, stderr } = dependencies;
  return program
    .version(dependencies.version, '-V, --version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text.replace(/^error: /, `${program.name()}: `)),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: false });
}

function addAll(program: Command, dependencies: CliDependencies): void {
  for (const add of [
    addUp,
    addServer,
    addWorker,
    addAgent,
    addExperiment,
    addJob,
    addMatrix,
    addMachine,
    addVar,
    addWait,
    addStatus,
    addKey,
    addLoginLink,
    addConfig,
    addCompletions,
  ]) {
    add(program, dependencies);
  }
}
