// What takes part in a run beside the server and the people, and what a run gives to it. A new kind of node is a file with a NodeKind, and a line in node-kinds.ts.
import type { Disk } from './disk.ts';
import type { Ledger } from './ledger.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { OldLedger } from './old-ledger.ts';
import type { Random } from './random.ts';
import type { Silence } from './silence.ts';
import type { Users } from './users.ts';
import type { Watcher } from './watcher.ts';
import type { World } from './world.ts';

/** A machine with what runs on it. Trouble strikes all nodes alike. */
export interface Node {
  readonly name: string;
  readonly machine: Machine;
  /** Never started again. */
  readonly retired: boolean;
  start(): void;
  /** kill -9; with `back`, somebody starts it again. */
  kill(back: boolean): void;
  /** Its machine is never heard of again. */
  retire(): void;
  losePower(): void;
  /** The server's record was put back to an earlier state. */
  recordRestored(): void;
  /** All trouble is over. */
  calm(): void;
  /** Since then somebody looks again and again, and starts it anew if it cannot go on by itself. */
  attend(): void;
  /** What keeps it from being done; null when nothing does. */
  unfinished(): string | null;
}

export interface Ground {
  readonly world: World;
  /** Of the set-up. */
  readonly random: Random;
  readonly network: Network;
  readonly ledger: Ledger;
  readonly watcher: Watcher;
  readonly users: Users;
  readonly silence: Silence;
  /** What clients of JobDistributor really did. */
  readonly old: OldLedger;
  /** Whether there are any in this run; then agents, too, have a script for jobs without a command. */
  readonly has_old_clients: boolean;
  readonly api_key: string;
  /** A computer whose clocks are off and drift. */
  makeMachine(name: string): Machine;
  /** What the product does below these paths happens on this disk. */
  mount(prefix: string, disk: Disk): void;
}

export interface NodeKind {
  /** First letters of the names of its machines. */
  readonly prefix: string;
  /** How many a run begins with. */
  readonly count: (random: Random, ground: Ground) => number;
  readonly make: (name: string, ground: Ground) => Node;
  /** Whether those that are left of it can do whatever only it can do. */
  readonly isEnough: (left: readonly Node[], ground: Ground) => boolean;
}
