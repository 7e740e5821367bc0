// Puts the Python code that this file carries on the disk: the library where jobs can import it, and the launcher. One directory per version.
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { makeDirectories } from '../runtime/make-directories.ts';
import { replaceFile } from '../runtime/replace-file.ts';
import { PYTHON_FILES, PYTHON_HASH } from './generated/python-library.ts';

export interface PythonPlaces {
  /** For `PYTHONPATH`. */
  readonly library: string;
  readonly launcher: string;
}

/** Each file appears whole or not at all, whoever else unpacks at the same moment; one that a cleaner of caches took comes back. */
export function unpackPython(cache: string): PythonPlaces {
  const directory = join(cache, '.cache', 'python', PYTHON_HASH);
  for (const [name, text] of Object.entries(PYTHON_FILES)) {
    const path = join(directory, name);
    if (statSync(path, { throwIfNoEntry: false })?.size === Buffer.byteLength(text)) continue;
    makeDirectories(dirname(path));
    replaceFile(path, text, 0o644);
  }
  return { library: join(directory, 'lib'), launcher: join(directory, 'launcher.py') };
}
