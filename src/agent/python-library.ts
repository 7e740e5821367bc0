// Puts the Python code that this file carries on the disk: the library where jobs can import it, and the launcher. Once per version.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { randomId } from '../runtime/ids.ts';
import { PYTHON_FILES, PYTHON_HASH } from './generated/python-library.ts';

export interface PythonPlaces {
  /** For `PYTHONPATH`. */
  readonly library: string;
  readonly launcher: string;
}

/** They appear whole or not at all, whoever else unpacks at the same moment. */
export function unpackPython(cache: string): PythonPlaces {
  const parent = join(cache, '.cache', 'python');
  const directory = join(parent, PYTHON_HASH);
  const places = { library: join(directory, 'lib'), launcher: join(directory, 'launcher.py') };
  if (existsSync(directory)) return places;
  const temporary = join(parent, `.${randomId(6)}`);
  for (const [name, text] of Object.entries(PYTHON_FILES)) {
    mkdirSync(dirname(join(temporary, name)), { recursive: true });
    writeFileSync(join(temporary, name), text);
  }
  try {
    renameSync(temporary, directory);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
  return places;
}
