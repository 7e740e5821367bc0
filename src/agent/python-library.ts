// Puts the Python library that this file carries where jobs can import it: once per version of it.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { randomId } from '../runtime/ids.ts';
import { PYTHON_LIBRARY, PYTHON_LIBRARY_HASH } from './generated/python-library.ts';

/** The directory for `PYTHONPATH`. It appears whole or not at all, whoever else unpacks at the same moment. */
export function unpackPythonLibrary(cache: string): string {
  const parent = join(cache, '.cache', 'python');
  const directory = join(parent, PYTHON_LIBRARY_HASH);
  if (existsSync(directory)) return directory;
  const temporary = join(parent, `.${randomId(6)}`);
  mkdirSync(join(temporary, 'jd'), { recursive: true });
  for (const [name, text] of Object.entries(PYTHON_LIBRARY)) writeFileSync(join(temporary, 'jd', name), text);
  try {
    renameSync(temporary, directory);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
  return directory;
}
