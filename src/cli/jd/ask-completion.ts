// Answers a shell that asks what may stand at the cursor of a line of `jd_worker_cli`.
import { EXIT } from '../failure.ts';
import { write } from '../output.ts';
import type { Session } from './call.ts';
import { completeLine } from './shell-completion.ts';
import { namesFor } from './shell.ts';
import { SHELL_WORDS } from './words.ts';

/** `words` are those after the program's name, the last one being the unfinished one. */
export async function printCandidates(session: Session, words: readonly string[]): Promise<number> {
  const before = words.slice(0, -1);
  session.experiment = before.find((word) => word.startsWith('expId='))?.slice('expId='.length) ?? null;
  const [found] = await completeLine(words.join(' '), namesFor(session)).catch((): [string[], string] => [[], '']);
  // Words that only mean something inside the program's own shell.
  const outside = found.filter((word) => !Object.hasOwn(SHELL_WORDS, word));
  await write(session.dependencies.stdout, outside.map((word) => `${word}\n`).join(''));
  return EXIT.ok;
}
