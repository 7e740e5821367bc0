// Runs one command line and says with which code the process is to end. Errors become one sentence on stderr.
import { CommanderError } from 'commander';

import type { CliDependencies } from './dependencies.ts';
import { endingOf, EXIT } from './failure.ts';
import { createProgram } from './program.ts';
import { printable } from './terminal-text.ts';

/** `words` are those after the program's name. */
export async function run(dependencies: CliDependencies, words: readonly string[]): Promise<number> {
  const program = createProgram(dependencies);
  if (words.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return finish(error, dependencies, words);
  }
}

function finish(error: unknown, { stderr }: CliDependencies, words: readonly string[]): number {
  const debug = beforeDashes(words).includes('--debug');
  if (error instanceof CommanderError) {
    // Commander has printed its own sentence, or the help that was asked for.
    if (error.code === 'commander.unknownOption' && words[1] === 'add' && !words.includes('--'))
      stderr.write('Options of the command that is to run go after --.\n');
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (isClosedPipe(error)) return EXIT.ok;
  const ending = endingOf(error);
  if (ending.message !== '') stderr.write(`drover: ${printable(ending.message)}\n`);
  if (debug && error instanceof Error) stderr.write(`${error.stack}\n`);
  else if (ending.exit_code === EXIT.unexpected) stderr.write('More with --debug.\n');
  return ending.exit_code;
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
}

function beforeDashes(words: readonly string[]): readonly string[] {
  const end = words.indexOf('--');
  return end === -1 ? words : words.slice(0, end);
}
