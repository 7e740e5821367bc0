// What the agent's commands need from outside, and what they are told to do. main.ts and entry.ts make it once.
import type { Readable } from 'node:stream';

import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/config.ts';
import type { Host } from './host.ts';

export interface AgentContext {
  readonly version: string;
  readonly env: Environment;
  readonly cwd: string;
  readonly home: string;
  /** For the dashboard, e.g. `linux x64, node 20.20.2`. */
  readonly platform: string;
  /** This Node, and the agent's one file, null when it is in the executable itself: how a background agent is started. */
  readonly node: string;
  readonly agent_file: string | null;
  readonly host: Host;
  readonly clock: Clock;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  /** Read only to learn of its end, with `parent_pipe`. */
  readonly stdin: Readable;
}

/** A command that cannot be done; the message says what to do. */
export class AgentFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AgentFailure';
  }
}
