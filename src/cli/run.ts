// Runs one command line and says with which code the process is to end. Errors become one sentence on stderr.
import { CommanderError, type Command } from 'commander';

import type { CliDependencies } from './dependencies.ts';
import { endingOf, EXIT } from './failure.ts';
import { createProgram } from './program.ts';
import { printable } from './terminal-text.ts';

/** `words` are those after the program's name. */
export function run(dependencies: CliDependencies, words: readonly string[]): Promise<number> {
  return runProgram({ program: createProgram(dependencies), dependencies, words, hint: (code) => dashesHint(code, words) });
}

function dashesHint(code: string, words: readonly string[]): string | null {
  return code === 'commander.unknownOption' && words[1] === 'add' && !words.includes('--') ? 'Options of the command that is to run go after --.' : null;
}

export interface ProgramRun {
  readonly program: Command;
  readonly dependencies: CliDependencies;
  readonly words: readonly string[];
  /** What to say after a mistake of this code. */
  readonly hint: (code: string) => string | null;
}

export async function runProgram(line: ProgramRun): Promise<number> {
  const { program, words } = line;
  if (words.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return finish(error, line);
  }
}

function finish(error: unknown, { program, dependencies: { stderr }, words, hint }: ProgramRun): number {
  const debug = beforeDashes(words).includes('--debug');
  if (error instanceof CommanderError) {
    // Commander has printed its own sentence, or the help that was asked for.
    const more = hint(error.code);
    if (more !== null) stderr.write(`${more}\n`);
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (isClosedPipe(error)) return EXIT.ok;
  const ending = endingOf(error);
  if (ending.message !== '') stderr.write(`${program.name()}: ${printable(ending.message)}\n`);
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
