// What was typed into the shell, kept for the next time in a file that only its user can read. A line with a secret is not kept.
import { appendFileSync, chmodSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { LIMITS } from '../../core/limits.ts';
import { makeDirectories } from '../../runtime/make-directories.ts';
import { replaceFile } from '../../runtime/replace-file.ts';
import { maskSecrets } from './grammar.ts';

export interface History {
  /** Newest first. */
  lines(): readonly string[];
  add(line: string): void;
}

/** A disk that is full or read-only costs the history, not the shell. */
export function openHistory(path: string): History {
  const most = LIMITS.shell_history_lines.value;
  let lines = readLines(path);
  if (lines.length > most) {
    lines = lines.slice(-most);
    attempt(() => replaceFile(path, `${lines.join('\n')}\n`, 0o600));
  }
  return {
    lines: () => lines.toReversed(),
    add(line) {
      const text = line.trim();
      if (text === '' || text === lines.at(-1) || holdsSecret(text)) return;
      lines = [...lines, text].slice(-most);
      attempt(() => {
        makeDirectories(dirname(path), 0o700);
        appendFileSync(path, `${text}\n`, { mode: 0o600 });
        chmodSync(path, 0o600);
      });
    },
  };
}

export function holdsSecret(line: string): boolean {
  return /\bapi[-_]?key\b/i.test(line) || maskSecrets(line) !== line;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

function attempt(action: () => void): void {
  try {
    action();
  } catch {
    // The line is only not remembered.
  }
}
