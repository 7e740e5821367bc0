// Runs one line of `j` and says with which code the process is to end.
import type { Command } from 'commander';

import type { CliDependencies } from '../dependencies.ts';
import { runProgram } from '../run.ts';
import { createJ } from './program.ts';

/** `words` are those after the program's name. */
export function runJ(dependencies: CliDependencies, words: readonly string[]): Promise<number> {
  const program = createJ(dependencies);
  return runProgram({ program, dependencies, words, hint: (code) => (code === 'commander.unknownCommand' ? whatThereIs(program, words) : null) });
}

/** The commands beside the one that there is not. */
function whatThereIs(program: Command, words: readonly string[]): string {
  let group = program;
  for (const word of words) group = group.commands.find((one) => one.name() === word) ?? group;
  const names = group.commands.map((one) => one.name()).filter((name) => !name.startsWith('_') && name !== 'help');
  return `There are: ${names.join(', ')}.`;
}
