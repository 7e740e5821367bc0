// Commands that need no shell of their own: words only, with nothing in them that a shell would do. The shim starts such a program itself,
// which is what `sh -c` does with it, one process less; to start another shell takes as long as a short job.

const BLANKS = ' \t';
/** Means itself to every shell, wherever it stands in a word. */
const PLAIN = /[A-Za-z0-9_/:=.,@%+-]/;
const PROGRAM = /^[A-Za-z0-9_/.+-]+$/;

/** First words that a shell takes for its own grammar, or that run text as a shell program, which may then ask for the shell's number. */
const SHELL_WORDS: ReadonlySet<string> = new Set([
  ...['case', 'coproc', 'do', 'done', 'elif', 'else', 'esac', 'fi', 'for', 'function', 'if', 'in', 'namespace', 'select', 'then', 'time', 'until', 'while'],
  ...['.', 'alias', 'bind', 'break', 'builtin', 'command', 'continue', 'enable', 'eval', 'exec', 'exit', 'export', 'fc', 'hash', 'let', 'local', 'logout'],
  ...['mapfile', 'readonly', 'return', 'set', 'shift', 'shopt', 'source', 'suspend', 'times', 'trap', 'typeset', 'declare', 'unalias', 'unset'],
]);

/** The words of the command; null when a shell must read it. */
export function plainWords(command: string): string[] | null {
  const words: string[] = [];
  for (let at = 0; at < command.length;) {
    if (BLANKS.includes(command[at]!)) {
      at += 1;
      continue;
    }
    const word = readWord(command, at);
    if (word === null) return null;
    words.push(word.text);
    at = word.end;
  }
  const [program] = words;
  return program !== undefined && PROGRAM.test(program) && !SHELL_WORDS.has(program) ? words : null;
}

/** Plain characters, 'quoted text' and \' up to the next blank. */
function readWord(command: string, start: number): { text: string; end: number } | null {
  let text = '';
  let at = start;
  while (at < command.length && !BLANKS.includes(command[at]!)) {
    const character = command[at]!;
    if (PLAIN.test(character)) {
      text += character;
      at += 1;
    } else if (character === "'") {
      const end = command.indexOf("'", at + 1);
      if (end < 0) return null;
      text += command.slice(at + 1, end);
      at = end + 1;
    } else if (character === '\\' && command[at + 1] === "'") {
      text += "'";
      at += 2;
    } else return null;
  }
  return { text, end: at };
}
