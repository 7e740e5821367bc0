// How a command line that was executed is written for people: as a shell would take it.
import { shellQuote } from './template.ts';

/** The text that `/bin/sh -c` was given, or the words, each quoted where a shell needs it. */
export function commandLineOf(words: readonly string[]): string {
  const [program, option, text] = words;
  if (words.length === 3 && program === '/bin/sh' && option === '-c') return text!;
  return words.map(shellQuote).join(' ');
}
