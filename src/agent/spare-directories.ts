// Attempt directories that are used again. Short jobs would spend more time on making and removing files than on running: a spare
// keeps its directory and the files that only the agent and the shim have open. What a job could still hold open is never used twice.
import { lstatSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { parseStatus } from './job-shim.ts';
import { overwrite } from './overwrite.ts';
import { readPlainFile } from './plain-file.ts';

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

const OWN_FILES: ReadonlySet<string> = new Set(['lease.json', 'pid', 'status']);

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
        empty(spare, basename(directory));
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

/** Throws when the directory is not what agent and shim make of it. */
function empty(directory: string, attempt: string): void {
  // Only after it has written its end does the shim write no more.
  if (parseStatus(readPlainFile(join(directory, 'status'), 4_096), attempt) === null) throw new Error('its shim did not end by itself');
  // Without a lease it is no attempt any more, whatever else is left after a crash.
  blank(join(directory, 'lease.json'));
  for (const name of readdirSync(directory)) {
    if (!OWN_FILES.has(name)) unlinkSync(join(directory, name));
    else if (name !== 'lease.json') blank(join(directory, name));
  }
}

/** A job can reach these files too: what it linked or closed is not written to again. */
function blank(path: string): void {
  const stat = lstatSync(path);
  if (!stat.isFile() || stat.nlink !== 1) throw new Error(`${path} is not the agent's alone`);
  overwrite(path, '');
}
