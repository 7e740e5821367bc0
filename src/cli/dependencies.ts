// What the commands need from outside: streams, time, and the launchers of server and agent. main.ts brings the real ones;
// this zone never imports the server or the agent.
import type { Readable, Writable } from 'node:stream';

import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/config.ts';
import type {
  AgentOptions,
  AgentSelection,
  ForegroundAgent,
  LocalAgent,
  PruneRequest,
  Pruned,
  Scaled,
  ScaleRequest,
  StartedAgent,
  StoppedWorkers,
} from '../runtime/local-agents.ts';

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
  /** Shows files with a program of the user's (a shell's words, to which the paths are added) in the foreground; its exit code. */
  readonly view: (words: string, paths: readonly string[]) => Promise<number>;
  /** Calls back at each Ctrl-C and SIGTERM, instead of the process just ending; the result takes that back. */
  readonly onInterrupt: (listener: (signal: NodeJS.Signals) => void) => () => void;
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
  /** Clients of JobDistributor that need no token: for which experiment, and from where; none: this machine only. */
  readonly open_workers: { readonly experiment: string; readonly from: readonly string[] } | null;
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

export interface AgentLauncher {
  /** In the background. */
  start(options: AgentOptions): Promise<StartedAgent>;
  /** In this process, until it is told to end; resolves with the exit code. */
  run(options: AgentOptions): Promise<number>;
  /** Living ones; `dead` lists those too that the next start may take over. */
  list(selection: AgentSelection & { readonly dead?: boolean }): Promise<readonly LocalAgent[]>;
  stop(selection: AgentSelection): Promise<StoppedWorkers>;
  /** No more jobs for these workers; those that run go on. The ids of the workers that were told. */
  drain(selection: AgentSelection): Promise<readonly string[]>;
  /** To exactly so many workers of the experiment on this machine. */
  scale(request: ScaleRequest): Promise<Scaled>;
  prune(request: PruneRequest): Promise<Pruned>;
  restart(selection: AgentSelection): Promise<readonly StartedAgent[]>;
  /** As a child process that ends with this one. */
  spawnForeground(options: AgentOptions): Promise<ForegroundAgent>;
}
