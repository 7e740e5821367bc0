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
  /** This Node, and the agent's one file: how a background agent is started. */
  readonly node: string;
  readonly agent_file: string;
  readonly host: Host;
  readonly clock: Clock;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  /** Read only to learn of its end, with `parent_pipe`. */
  readonly stdin: Readable;
}

export interface AgentOptions {
  readonly server: string;
  /** Needed only when no earlier agent of this machine can be taken over. */
  readonly api_key: string | null;
  /** Null: all that the key may see. */
  readonly experiments: readonly string[] | null;
  readonly script: string | null;
  readonly workers: number;
  readonly machine_class: string | null;
  readonly foreground: boolean;
  /** Leave after one job per worker, or when there is none. */
  readonly once: boolean;
  readonly python: string | null;
  readonly workspace: string | null;
  readonly cache: string | null;
  readonly log_dir: string | null;
  readonly ca_file: string | null;
  /** End, keeping the jobs, when the pipe on stdin closes. */
  readonly parent_pipe: boolean;
  readonly log_level?: string;
  /** Below this much free space on the disk of the jobs no more are taken. */
  readonly free_space_bytes?: number;
}

export interface StartedAgent {
  readonly pid: number;
  readonly instance: string;
  readonly worker_ids: readonly string[];
  readonly log_file: string | null;
}

/** A command that cannot be done; the message says what to do. */
export class AgentFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'AgentFailure';
  }
}
