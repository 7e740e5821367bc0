// Reads the agent's command line: a few verbs with flags, over the same settings as the full command line.
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

import { apiKeyFor, loadConfiguration, serverUrl, SETTINGS, type SettingName } from '../runtime/config.ts';
import { runAgent, startAgent } from './commands.ts';
import type { AgentContext } from './context.ts';
import { listAgents } from './local-agents.ts';
import { runInstance } from './run-instance.ts';
import { restartAgents, stopAgents } from './stopping.ts';
import type { AgentOptions, AgentSelection } from '../runtime/local-agents.ts';

export interface Terminal {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const help = (program: string): string => `Runs jobs of a Drover server on this machine.

  ${program} start --url http://server:5000 --experiment digits-tune --script train.py --workers 2
  ${program} ls
  ${program} stop all

Commands
  start           start an agent in the background
  run             run one in the foreground; Ctrl-C gives its jobs back
  ls              agents of this user on this machine
  stop NAME…|all  give the jobs back and end; --keep leaves them running, --force kills them
  restart NAME…|all  stop and start again as before; --keep leaves the jobs running

Options of start and run
  --experiment NAME    take jobs of this experiment; may be repeated; without it, of all that the key may see
  --url URL            the server (DROVER_URL)             --api-key KEY   better in DROVER_API_KEY
  --workers N          jobs at the same time               --class CLASS   class of this machine
  --script FILE        for jobs without a command          --python FILE   its interpreter
  --workspace DIR      parent of jd_data; default home     --cache DIR     default ~/.jd_cache
  --log-dir DIR        the agent's own log                 --ca-file FILE  certificates to trust (PEM)
  --drive CLASS        drive the machines of this class too, each as a slot of its own; may be repeated; '*' for all
  --driver PROGRAM     runs the commands of jobs on driven machines
  --once               leave after one job per worker, or when there is none
  --free-space-mb N    take no jobs below this much free disk; default 500
Options of ls, stop and restart
  --experiment NAME, --cache DIR, --json
`;

const FLAGS = {
  experiment: { type: 'string', multiple: true },
  url: { type: 'string' },
  'api-key': { type: 'string' },
  workers: { type: 'string' },
  class: { type: 'string' },
  script: { type: 'string' },
  drive: { type: 'string', multiple: true },
  driver: { type: 'string' },
  python: { type: 'string' },
  workspace: { type: 'string' },
  cache: { type: 'string' },
  'log-dir': { type: 'string' },
  'log-level': { type: 'string' },
  'ca-file': { type: 'string' },
  'free-space-mb': { type: 'string' },
  once: { type: 'boolean' },
  foreground: { type: 'boolean' },
  'parent-pipe': { type: 'boolean' },
  registry: { type: 'string' },
  keep: { type: 'boolean' },
  force: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parse>['values'];

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
}

/** Resolves with the exit code: 0 done, 1 not done, 2 not understood. */
export async function runCommandLine(context: AgentContext, args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(context, args, terminal);
  } catch (error) {
    terminal.stderr(`${error instanceof Error ? error.message : String(error)}\n`);
    const usage = error instanceof Error && (error.name === 'ConfigError' || String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS'));
    return usage ? 2 : 1;
  }
}

async function dispatch(context: AgentContext, args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(args);
  const [verb, ...names] = positionals;
  if (values.version === true) return say(terminal, context.version);
  if (values.help === true || verb === undefined) return say(terminal, help(context.agent_file === null ? basename(context.node) : 'node agent.mjs').trimEnd());
  switch (verb) {
    case 'start':
    case 'run':
      return begin(context, values, { terminal, foreground: verb === 'run' || values.foreground === true });
    case 'ls':
      return list(context, values, terminal);
    case 'stop':
    case 'restart':
      return end(context, values, { terminal, verb, names });
    default:
      terminal.stderr(`There is no command ${JSON.stringify(verb)}. Commands: start, run, ls, stop, restart.\n`);
      return 2;
  }
}

async function begin(context: AgentContext, values: Values, { terminal, foreground }: { terminal: Terminal; foreground: boolean }): Promise<number> {
  if (values.registry !== undefined) return runInstance(context, values.registry, { parent_pipe: values['parent-pipe'] === true, log: 'file' });
  const options = agentOptions(context, values);
  if (foreground) return runAgent(context, options);
  const { pid, worker_ids, log_file } = await startAgent(context, options);
  if (values.json === true) return say(terminal, JSON.stringify({ pid, worker_ids, log_file }));
  for (const worker of worker_ids) terminal.stdout(`${worker}  pid ${pid}\n`);
  terminal.stderr(`Log: ${log_file}\n`);
  return 0;
}

function agentOptions(context: AgentContext, values: Values): AgentOptions {
  const configuration = loadConfiguration({ flags: settingFlags(values), env: context.env, cwd: context.cwd, home: context.home });
  const { settings } = configuration;
  const server = serverUrl(configuration);
  const named = values.experiment ?? (settings.experiment === null ? [] : [settings.experiment]);
  const megabytes = Number(values['free-space-mb'] ?? 500);
  return {
    server,
    api_key: apiKeyFor(configuration, server),
    experiments: named.length === 0 ? null : named,
    script: settings.script,
    workers: settings.workers ?? (values.drive === undefined ? 1 : 0),
    drives: values.drive ?? [],
    driver: values.driver ?? null,
    machine_class: settings.class,
    foreground: settings.foreground,
    once: settings.once,
    ...{ python: settings.python, workspace: settings.workspace, cache: settings.cache, log_dir: settings.log_dir, ca_file: settings.ca_file },
    parent_pipe: values['parent-pipe'] === true,
    log_level: settings.log_level,
    ...(Number.isFinite(megabytes) ? { free_space_bytes: megabytes * 1_000_000 } : {}),
  };
}

/** Flags whose names are settings; `experiment` may be given several times and is read by itself. */
function settingFlags(values: Values): Partial<Record<SettingName, unknown>> {
  const flags: Partial<Record<SettingName, unknown>> = {};
  for (const [flag, value] of Object.entries(values)) {
    const name = flag.replaceAll('-', '_');
    if (name !== 'experiment' && Object.hasOwn(SETTINGS, name)) flags[name as SettingName] = value;
  }
  return flags;
}

function selection(context: AgentContext, values: Values, names: readonly string[]): AgentSelection {
  const { settings } = loadConfiguration({ flags: settingFlags(values), env: context.env, cwd: context.cwd, home: context.home });
  return {
    cache: settings.cache,
    experiment: values.experiment?.[0] ?? null,
    names: names.length === 0 || names.includes('all') ? null : names,
    keep: values.keep === true,
    force: values.force === true,
  };
}

async function list(context: AgentContext, values: Values, terminal: Terminal): Promise<number> {
  const agents = await listAgents(context, selection(context, values, []));
  if (values.json === true) return say(terminal, JSON.stringify(agents));
  if (agents.length === 0) terminal.stderr('No agent runs here.\n');
  for (const agent of agents) {
    const experiments = agent.experiments?.join(',') ?? 'all experiments';
    for (const worker of agent.worker_ids) terminal.stdout(`${worker}  pid ${agent.pid}  ${experiments}  ${agent.server}\n`);
  }
  return 0;
}

async function end(
  context: AgentContext,
  values: Values,
  { terminal, verb, names }: { terminal: Terminal; verb: 'stop' | 'restart'; names: string[] },
): Promise<number> {
  if (names.length === 0) {
    terminal.stderr(`Name the workers or instances to ${verb}, or say: ${verb} all\n`);
    return 2;
  }
  const chosen = selection(context, values, names);
  if (verb === 'restart') {
    const started = await restartAgents(context, chosen);
    for (const agent of started) terminal.stdout(`${agent.instance}  pid ${agent.pid}\n`);
    return started.length > 0 ? 0 : 1;
  }
  const found = await listAgents(context, chosen);
  if (found.length === 0) {
    terminal.stderr('No agent of that name runs here.\n');
    return 1;
  }
  const { agents, workers, leaving } = await stopAgents(context, chosen);
  for (const name of agents.length > 0 ? agents : workers) terminal.stdout(`${name}\n`);
  for (const worker of leaving) terminal.stderr(`${worker} was told to stop, and has not yet.\n`);
  return leaving.length === 0 ? 0 : 1;
}

function say(terminal: Terminal, text: string): number {
  terminal.stdout(`${text}\n`);
  return 0;
}
