// Agents of this machine, as the command lines and the agent speak of them: what a start is told, which ones are meant, what is said of them.

export interface AgentOptions {
  readonly server: string;
  /** Needed only when no earlier agent of this machine can be taken over. */
  readonly api_key: string | null;
  /** Null: all that the key may see. */
  readonly experiments: readonly string[] | null;
  readonly script: string | null;
  /** Own ones; 0 only with `drives`. */
  readonly workers: number;
  /** Classes of machines elsewhere that it drives; `*`: all. */
  readonly drives: readonly string[];
  /** The program through which jobs on driven machines are run: a path, or a name on the path; null: their command is run as it is. */
  readonly driver: string | null;
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
  /** Each worker gets a log of its own, with what its jobs print. */
  readonly worker_logs?: boolean;
  /** A number that the user gave; it is only shown. */
  readonly process_id?: number | null;
  /** The registry was looked through just now. */
  readonly pruned?: boolean;
  /** Below this much free space on the disk of the jobs no more are taken. */
  readonly free_space_bytes?: number;
}

export interface StartedAgent {
  readonly pid: number;
  readonly instance: string;
  readonly worker_ids: readonly string[];
  readonly log_file: string | null;
}

export interface ForegroundAgent {
  readonly pid: number;
  readonly worker_ids: readonly string[];
  readonly exited: Promise<number>;
  /** Gives the jobs back, then ends. */
  stop(): Promise<void>;
}

/** All conditions must hold. */
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
  /** Kill an agent that has not ended after its jobs' grace. */
  readonly kill?: boolean;
}

/** `unknown`: its agent does not answer. `stopped`: it has left, other workers of the agent go on. */
export type LocalWorkerStatus = 'idle' | 'busy' | 'paused' | 'draining' | 'stopping' | 'stopped' | 'unknown';

export interface LocalWorker {
  readonly worker_id: string;
  readonly slot: number;
  readonly status: LocalWorkerStatus;
  readonly job: { readonly experiment: string; readonly number: number; readonly attempt: number; readonly started_at: number | null } | null;
  readonly log_file: string;
}

export interface LocalLaunch {
  readonly server: string;
  readonly experiments: readonly string[] | null;
  readonly script: string | null;
  readonly interpreter: string | null;
  readonly workers: number;
  readonly drives: readonly string[];
  readonly driver: string | null;
  readonly machine_class: string | null;
  readonly once: boolean;
  readonly cwd: string;
  readonly data: string;
  readonly cache: string;
  readonly log_dir: string | null;
  readonly log_level: string;
  readonly ca_file: string | null;
  readonly worker_logs: boolean;
  readonly process_id: number | null;
}

export interface LocalAgent {
  readonly instance: string;
  readonly pid: number | null;
  readonly alive: boolean;
  readonly server: string;
  /** Null: all. */
  readonly experiments: readonly string[] | null;
  readonly worker_ids: readonly string[];
  readonly workers: readonly LocalWorker[];
  readonly running_jobs: number;
  /** Ends and files that the server has not got yet. */
  readonly undelivered: number;
  /** Milliseconds since 1970; 0: not known. */
  readonly started_at: number;
  /** Seconds since the server answered; null: not yet, or nobody knows. */
  readonly silent_seconds: number | null;
  readonly log_file: string;
  readonly trouble: string | null;
  /** How it was launched; nothing of it is secret. */
  readonly launch: LocalLaunch;
}

export interface StoppedWorkers {
  /** Ids of workers that have left. */
  readonly workers: readonly string[];
  /** Instances whose process has ended. */
  readonly agents: readonly string[];
  /** Those of them that had to be killed: their jobs may still run, and the next start takes them over. */
  readonly killed: readonly string[];
  /** Workers that were told and have not left yet. */
  readonly leaving: readonly string[];
}

export interface ScaleRequest {
  readonly cache: string | null;
  readonly experiment: string;
  readonly workers: number;
}

export interface Scaled {
  readonly before: number;
  readonly started: readonly string[];
  readonly stopped: readonly string[];
  /** Told to leave, and not gone yet. */
  readonly leaving: readonly string[];
}

export interface PruneRequest {
  readonly cache: string | null;
  /** Also the dead of today, whose ids the next start would have taken over. */
  readonly all: boolean;
  readonly onProgress?: (looked_at: number, total: number) => void;
}

export interface Pruned {
  /** Workers that were registered. */
  readonly total: number;
  /** Names of the entries that were removed, e.g. `gpunode_egg`. */
  readonly removed: readonly string[];
  /** Dead ones with results that the server has not got yet. */
  readonly undelivered: readonly string[];
  /** Experiments of which nothing is left here. */
  readonly experiments: readonly string[];
}
