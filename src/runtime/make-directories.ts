// Makes a directory with those above it. The recursive mkdir of Node never returns where the system says that no such place can be, as
// below /proc: it makes the directory above, finds it there, and begins again.
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Throws what the system says when one cannot be made; a directory that is there already is fine. */
export function makeDirectories(path: string, mode = 0o777): void {
  const missing = [path];
  for (let above = dirname(path); !isDirectory(above) && dirname(above) !== above; above = dirname(above)) missing.unshift(above);
  for (const each of missing) {
    try {
      mkdirSync(each, { mode });
    } catch (error) {
      // Somebody else may have made it a moment ago; and of one that is there, systems complain in different words.
      if (!isDirectory(each)) throw error;
    }
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
