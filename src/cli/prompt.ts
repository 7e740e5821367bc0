// Questions before something is destroyed. Without a terminal nothing is asked: the flag that confirms must be given.
import { createInterface } from 'node:readline/promises';

import type { CliDependencies } from './dependencies.ts';
import { CliFailure, EXIT, usageError } from './failure.ts';

type Terminal = Pick<CliDependencies, 'stdin' | 'stderr'>;

export async function confirmYes(terminal: Terminal, question: string): Promise<void> {
  if (terminal.stdin.isTTY !== true) throw usageError(`${question} Nobody is there to ask: confirm with --yes.`);
  const answer = await ask(terminal, `${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliFailure(EXIT.refused, 'Nothing was changed.');
}

export async function confirmName(terminal: Terminal, question: string, name: string): Promise<void> {
  if (terminal.stdin.isTTY !== true) throw usageError(`${question} Nobody is there to ask: confirm with --confirm ${name}`);
  const answer = await ask(terminal, `${question}\nType ${name} to go on: `);
  if (answer.trim() !== name) throw new CliFailure(EXIT.refused, 'Nothing was changed.');
}

/** The end of the input counts as an empty answer. */
export async function ask({ stdin, stderr }: Terminal, question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr, terminal: false });
  try {
    const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const answer = await Promise.race([lines.question(question), ended]);
    // Nobody pressed Enter here.
    if (stdin.isTTY !== true) stderr.write('\n');
    return answer;
  } finally {
    lines.close();
  }
}
