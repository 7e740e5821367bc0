// What the commands need from outside: streams, time, and the launchers of server and agent. main.ts brings the real ones;
// this zone never imports the server or the agent.
import type { Readable, Writable } from 'node:stream';

import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/config.ts';

export interface CliDependencies {
  readonly version: string;
  readonly env: Environment;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock: Clock;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
  readonly cwd: string;
  readonly home: string;
  readonly platform: string;
  /** Directory of Drover's own package.json: examples are found below it. */
  readonly package_root: string;
  readonly fetch: typeof globalThis.fetch;
  /** The fetch for a server that is reached through a proxy or trusted by a file (absolute) of its own authority. */
  readonly route: (server: string, caFile: string | null) => typeof globalThis.fetch;
  readonly serve: (options: ServeOptions) => Promise<RunningServer>;
  readonly agent: AgentLauncher;
  /** Runs a program detached and forgets it; false when it cannot be started. For the browser. */
  readonly launch: (program: string, args: readonly string[]) => Promise<boolean>;
  /** Calls back at each Ctrl-C and SIGTERM, instead of the process just ending; the result takes that back. */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}

export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface ServeOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Absolute. */
  readonly data_dir: string;
  /** `postgres://…`, or null for the SQLite file in `data_dir`. */
  readonly database: string | null;
  readonly log_level: string;
  readonly log_format: 'text' | 'json';
  /** Address ranges of proxies whose forwarded addresses count. */
  readonly trusted_proxies: readonly string[];
  readonly artifact_limit_bytes: number;
  /** Take a data directory that lies on a network file system: only one machine may use it. */
  readonly allow_network_file_system: boolean;
}

export interface RunningServer {
  /** Where this machine reaches it. */
  readonly url: string;
  readonly store_id: string;
  readonly database: string;
  /** Creates an admin key in the store directly, for the commands of the user who started the server. */
  createLocalKey(): Promise<{ key: string }>;
  /** A full URL that opens the dashboard once. */
  loginLink(): Promise<string>;
  pin(experiment: string): Promise<string | null>;
  stop(): Promise<void>;
  readonly closed: Promise<void>;
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
  /** End, keeping the jobs, when the pipe on stdin closes: the agent never outlives the one who started it. */
  readonly parent_pipe: boolean;
  readonly log_level: string;
}

export interface StartedAgent {
  readonly pid: number;
  readonly instance: string;
  readonly worker_ids: readonly string[];
  readonly log_file: string | null;
}

export interface LocalAgent {
  readonly instance: string;
  readonly pid: number | null;
  readonly alive: boolean;
  readonly server: string;
  /** Null: all. */
  readonly experiments: readonly string[] | null;
  readonly worker_ids: readonly string[];
  readonly running_jobs: number;
  readonly log_file: string;
  /** Why it cannot work now, e.g. a server that does not answer. */
  readonly trouble: string | null;
}

/** Which agents of this machine and user: all conditions must hold. */
export interface AgentSelection {
  readonly cache: string | null;
  readonly experiment: string | null;
  /** Instance words or worker ids; null: every agent. */
  readonly names: readonly string[] | null;
  /** Leave the jobs running, to be taken over by the next start. */
  readonly keep: boolean;
  /** Instead of each job's own grace. */
  readonly grace_seconds?: number;
  /** Give jobs no grace, and kill an agent that does not end. */
  readonly force?: boolean;
}

export interface ForegroundAgent {
  readonly pid: number;
  readonly worker_ids: readonly string[];
  readonly exited: Promise<number>;
  /** Gives the jobs back, then ends. */
  stop(): Promise<void>;
}

export interface AgentLauncher {
  /** In the background. */
  start(options: AgentOptions): Promise<StartedAgent>;
  /** In this process, until it is told to end; resolves with the exit code. */
  run(options: AgentOptions): Promise<number>;
  list(selection: AgentSelection): Promise<readonly LocalAgent[]>;
  /** Instances that ended. */
  stop(selection: AgentSelection): Promise<readonly string[]>;
  restart(selection: AgentSelection): Promise<readonly StartedAgent[]>;
  /** As a child process that ends with this one. */
  spawnForeground(options: AgentOptions): Promise<ForegroundAgent>;
}
