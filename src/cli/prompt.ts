// Questions: before something is destroyed, and for what nobody should see. Without a terminal nothing is asked: the flag that confirms must be given.
import { createInterface as createReader } from 'node:readline';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

import type { CliDependencies, OutputStream } from './dependencies.ts';
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

/** What is typed is not shown. Empty when nothing was typed, or the question was left. */
export async function askHidden({ stdin, output }: { readonly stdin: Terminal['stdin']; readonly output: OutputStream }, question: string): Promise<string> {
  const nowhere = new Writable({ write: (_piece, _encoding, done) => done() });
  const reader = createReader({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  // From here on the terminal shows nothing by itself.
  output.write(question);
  const answer = await new Promise<string>((resolve) => {
    reader.once('line', resolve);
    reader.once('SIGINT', () => resolve(''));
    reader.once('close', () => resolve(''));
  });
  reader.close();
  output.write('\n');
  return answer;
}
