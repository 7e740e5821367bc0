// The simulation that runs now. The stand-ins of Node's modules are imported once and serve one simulation after the other.
import { createRandom, type Random } from '../random.ts';
import type { Disk } from '../disk.ts';

export interface Mount {
  /** Paths that begin with it lie on the simulated disk. */
  readonly prefix: string;
  readonly disk: Disk;
}

export interface Surroundings {
  /** What `node:crypto` gives out. */
  random: Random;
  mounts: readonly Mount[];
  /** The server's database file, as its process sees it. */
  database: DatabaseFaults | null;
}

/** What may happen between a server and its SQLite file. */
export interface DatabaseFaults {
  /** Before each statement; throws when the process is dead, or the disk full. */
  before(text: string): void;
  after(text: string): void;
  opened(close: () => void): void;
}

/** Until a simulation begins: what is made then must not differ from run to run either. */
export const current: Surroundings = { random: createRandom('before'), mounts: [], database: null };

export function diskOf(path: string): Disk | null {
  for (const { prefix, disk } of current.mounts) if (path === prefix || path.startsWith(`${prefix}/`)) return disk;
  return null;
}
