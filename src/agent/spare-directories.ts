// Attempt directories that are used again. Short jobs would spend more time on making and removing files than on running: a spare
// keeps its directory and the files that only the agent and the shim have open. What a job could still hold open is never used twice.
import { readdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { overwrite } from './overwrite.ts';

export interface SpareDirectories {
  /** Gives a spare below `parent` this path; false when there is none. */
  take(parent: string, path: string): boolean;
  /** Empties the directory of an attempt that is over and keeps it. Otherwise tells what is to be removed. */
  keep(directory: string): 'kept' | { readonly remove: string };
  /** All of them, which are then no longer kept. */
  drain(): string[];
}

/** What the names of all spares begin with. */
export const SPARE = 'spare.';

/** Kept of one experiment. */
const MOST_SPARES = 32;

const OWN_FILES: ReadonlySet<string> = new Set(['lease.json', 'params.json', 'pid', 'status']);

/** `owner` tells the spares of one agent from those of others on the same disk. */
export function createSpareDirectories(owner: string): SpareDirectories {
  const spares = new Map<string, string[]>();
  let serial = 0;
  return {
    take(parent, path) {
      const spare = spares.get(parent)?.pop();
      if (spare === undefined) return false;
      try {
        renameSync(spare, path);
        return true;
      } catch {
        // Somebody removed it.
        return false;
      }
    },
    keep(directory) {
      const parent = dirname(directory);
      const kept = spares.get(parent) ?? [];
      if (kept.length >= MOST_SPARES) return { remove: directory };
      const spare = join(parent, `${prefixOf(owner)}${(serial += 1)}`);
      try {
        // First away from the path that whatever is left of the job knows: nothing can appear in it any more.
        renameSync(directory, spare);
      } catch {
        return { remove: directory };
      }
      try {
        empty(spare);
      } catch {
        return { remove: spare };
      }
      spares.set(parent, [...kept, spare]);
      return 'kept';
    },
    drain() {
      const all = [...spares.values()].flat();
      spares.clear();
      return all;
    },
  };
}

/** Left by an earlier process of the same agent. */
export function isSpareOf(owner: string, name: string): boolean {
  return name.startsWith(prefixOf(owner));
}

function prefixOf(owner: string): string {
  return `${SPARE}${owner}.`;
}

/** Throws on a directory inside. */
function empty(directory: string): void {
  // Without a lease it is no attempt any more, whatever else is left after a crash.
  overwrite(join(directory, 'lease.json'), '');
  for (const name of readdirSync(directory)) {
    if (!OWN_FILES.has(name)) unlinkSync(join(directory, name));
    // An earlier end must never be taken for that of the next attempt.
    else if (name === 'pid' || name === 'status') overwrite(join(directory, name), '');
  }
}
