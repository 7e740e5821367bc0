// The words of `jd_worker_cli`: its arguments, variables and commands, in one table from which the grammar, the help, the completion and
// the reference page come.
import { LIMITS } from '../../core/limits.ts';
import type { SettingName } from '../../runtime/config.ts';

export type ArgumentKind = 'text' | 'secret' | 'flag' | 'number';

export interface Argument {
  readonly kind: ArgumentKind;
  /** As the help shows it. */
  readonly value: string;
  readonly variable: string | null;
  /** As the help shows it; null: there is none. */
  readonly fallback: string | null;
  readonly meaning: string;
  /** The setting that it gives; null: it belongs to one command only. */
  readonly setting: SettingName | null;
  readonly aliases?: readonly string[];
  readonly least?: number;
  readonly most?: number;
}

type Rest = Omit<Argument, 'kind' | 'value'>;

const text = (value: string, rest: Rest) => ({ kind: 'text' as const, value: `<${value}>`, ...rest });
const flag = (rest: Rest) => ({ kind: 'flag' as const, value: 'true', ...rest });
const number = (least: number, most: number, rest: Rest) => ({ kind: 'number' as const, value: '<N>', least, most, ...rest });
const ofCommand = { variable: null, fallback: null, setting: null } as const;

export const ARGUMENTS = {
  expId: text('name', { variable: 'JD_EXP_ID', fallback: null, setting: 'experiment', aliases: ['experiment'], meaning: 'the experiment' }),
  entry_script: text('path', {
    ...{ variable: 'JD_ENTRY_SCRIPT', fallback: null, setting: 'script', aliases: ['script'] },
    meaning: 'script that is run once for each job that has no command of its own; its params come as `--name value`',
  }),
  api_key: {
    ...{ kind: 'secret', value: '<key>', variable: 'JD_API_KEY', setting: 'api_key' },
    fallback: 'the key that the user file of Drover holds for the server',
    meaning: 'API key; better in the variable, because other users of the machine see command lines',
  },
  hub: text('url', {
    ...{ variable: 'JD_HUB_URL', fallback: null, setting: null, aliases: ['hub_url'] },
    meaning: 'the server. Hub and job server are one here: `hub=` and `server=` mean the same, `server=` counts when both are given',
  }),
  server: text('url', {
    ...{ variable: 'JD_SERVER', fallback: 'http://127.0.0.1', setting: null, aliases: ['url'] },
    meaning: 'the server; a bare host gets `http://` and the port',
  }),
  port: number(0, 65_535, { variable: 'JD_PORT', fallback: '5000', setting: 'port', meaning: 'port of the server when `server=` has none' }),
  machine_type: text('label', {
    ...{ variable: 'JD_MACHINE_TYPE', fallback: 'worker', setting: 'class', aliases: ['class'] },
    meaning: 'class of this machine: shown in the dashboard, and jobs can ask for it',
  }),
  process_id: number(0, 1_000_000_000, {
    ...ofCommand,
    fallback: '0',
    meaning: 'a number for a single worker, only shown; not used when `num_workers` is above 1',
  }),
  num_workers: number(1, LIMITS.workers_per_agent.value, {
    ...{ variable: 'JD_NUM_WORKERS', fallback: '1', setting: 'workers', aliases: ['workers'] },
    meaning: 'how many workers: jobs that run at the same time',
  }),
  foreground: flag({
    ...{ variable: 'JD_FOREGROUND', fallback: 'false', setting: 'foreground' },
    meaning: 'stay in this terminal and show the logs; Ctrl-C gives the jobs back. Without it the workers run in the background and survive a logout',
  }),
  once: flag({
    ...{ variable: 'JD_ONCE', fallback: 'false', setting: 'once' },
    meaning: 'leave after one job per worker, or at once when there is none',
  }),
  log_dir: text('path', {
    ...{ variable: 'JD_LOG_DIR', fallback: '<parent>/jd_data/<expId>/jd_worker_logs', setting: 'log_dir' },
    meaning: 'directory of the logs of the workers',
  }),
  python: text('path', {
    variable: 'JD_PYTHON',
    fallback: 'that of the active virtual environment, else python3',
    setting: 'python',
    meaning: 'interpreter of Python scripts',
  }),
  ca_file: text('path', { variable: 'DROVER_CA_FILE', fallback: null, setting: 'ca_file', meaning: 'certificates (PEM) to trust beside the usual ones' }),
  job: number(1, Number.MAX_SAFE_INTEGER, { ...ofCommand, meaning: 'with `stop`: whichever worker runs this job' }),
  lines: number(0, 100_000, { ...ofCommand, fallback: '50', meaning: 'with `worker-logs`: how many of the last lines' }),
  follow: flag({ ...ofCommand, fallback: 'false', meaning: 'with `worker-logs`: go on with what is written, until Ctrl-C' }),
  confirm_stop: flag({ ...ofCommand, fallback: 'false', aliases: ['confirm'], meaning: 'with `stop`: ask for the name of the experiment first' }),
  confirm_clear_all: flag({ ...ofCommand, fallback: 'false', meaning: 'with `clear_all`: do not ask' }),
  json: flag({ ...ofCommand, fallback: 'false', meaning: 'print JSON' }),
  quiet: flag({ ...ofCommand, fallback: 'false', meaning: 'print ids only, no notes' }),
} as const satisfies Record<string, Argument>;

export type ArgumentName = keyof typeof ARGUMENTS;

/** Those that have no argument. */
export const VARIABLES = {
  JD_WORKSPACE_PATH: { fallback: '~', meaning: 'parent directory of `jd_data`, below which jobs get their directories' },
  JD_CACHE_PATH: { fallback: '~/.jd_cache', meaning: 'root of the registry of workers, `.cache/<expId>/` below it, and of the history of the shell' },
  JD_SKIP_REGISTRY_PRUNE: { fallback: 'off', meaning: '`1`: the registry is not cleaned at the start' },
} as const;

export interface CommandWord {
  /** What may follow it. */
  readonly usage: string;
  readonly summary: string;
  /** Whether it concerns one experiment: it must be named, may be named, or is not. */
  readonly experiment: 'needed' | 'possible' | 'none';
  readonly group: 'look' | 'steer' | 'tidy' | 'about';
}

const command = (group: CommandWord['group'], experiment: CommandWord['experiment'], usage: string, summary: string): CommandWord => ({
  ...{ group, experiment, usage, summary },
});

export const COMMANDS = {
  'exp-list': command('look', 'none', '', 'experiments on this machine, with the number of their workers'),
  'worker-list': command('look', 'needed', '', 'workers that run here: id, process, status, job'),
  'worker-status': command('look', 'needed', '<worker-id>', 'one worker: uptime, job, last answer of the server, log'),
  'worker-logs': command('look', 'needed', '<worker-id> [lines=N] [follow=true]', 'the end of the log of a worker'),
  'exp-status': command('look', 'needed', '', 'the experiment here: workers, busy and idle, draining or not'),
  'server-info': command('look', 'needed', '', 'jobs by status, from the server'),
  where: command('look', 'possible', '', 'where registry, job data and logs are'),
  'show-config': command('look', 'needed', '<worker-id>', 'how a worker was launched'),
  health: command('look', 'possible', '', 'whether the server answers and takes the key'),
  stop: command(
    'steer',
    'possible',
    'all | <worker-id>... | job=<N> | all-experiments',
    'stop workers: SIGTERM for their jobs, SIGKILL after 30 s; the jobs go back into the queue',
  ),
  'confirm-stop': command('steer', 'needed', '', 'stop all workers after the name of the experiment was typed'),
  restart: command('steer', 'needed', 'all | <worker-id>...', 'stop, then start again as they were launched'),
  scale: command('steer', 'needed', 'num_workers=<N>', 'bring the workers here to exactly this number; idle ones go first'),
  drain: command('steer', 'needed', '[<worker-id>...]', 'workers finish their job, take no other one, and leave'),
  prune: command('tidy', 'none', '', 'clean the registries of this machine thoroughly'),
  clear_all: command('tidy', 'none', '', 'stop all workers of this machine and empty its registries; asks first'),
  version: command('about', 'none', '', 'version, Python, directory of the registry'),
  interactive: command('about', 'possible', '', 'a shell for these commands; also -i, or no word at all'),
  help: command('about', 'none', '', 'this text'),
} as const satisfies Record<string, CommandWord>;

export type CommandName = keyof typeof COMMANDS;

/** Only in the shell. */
export const SHELL_WORDS = {
  use: 'use <expId> sets the experiment of the lines that follow; use alone shows it',
  exit: 'leave; also quit, \\q and Ctrl-D',
} as const;
