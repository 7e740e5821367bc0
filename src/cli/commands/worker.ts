// `drover worker …`: agents of this machine, and the workers of an experiment wherever they are.
import { Option, type Command } from 'commander';

import type { WorkerShape } from '../../contract/schemas.ts';
import type { SettingName } from '../../runtime/config.ts';
import { agentOptions } from '../agent-options.ts';
import { addCommand, addGroup, collect, experimentOption, onRun, onRunWith, seconds, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { checkLaunch } from '../launch-checks.ts';
import { relativeTime } from '../moments.ts';
import type { Cell } from '../table.ts';
import { batch, readWorkers } from '../worker-list.ts';
import { addWorkerHistory } from './worker-history.ts';
import { addWorkerRevoke } from './worker-revoke.ts';
import { addWorkerCancel, addWorkerTell } from './worker-tell.ts';
import type { AgentSelection, LocalAgent, StartedAgent } from '../../runtime/local-agents.ts';

export const addWorker: AddCommand = (program, dependencies) => {
  const group = addGroup(program, 'worker', 'Start, list, stop, restart, command and revoke workers');
  addStart(group, dependencies);
  addList(group, dependencies);
  addStop(group, dependencies);
  addRestart(group, dependencies);
  addWorkerTell(group, dependencies);
  addWorkerCancel(group, dependencies);
  addWorkerHistory(group, dependencies);
  addWorkerRevoke(group, dependencies);
};

const START_SETTINGS = [
  'url',
  'experiment',
  'script',
  'workers',
  'class',
  'foreground',
  'once',
  'python',
  'workspace',
  'cache',
  'log_dir',
  'ca_file',
] as const satisfies readonly SettingName[];
const SETTING_NAMES = { script: '--script', class: '--class', workspace: '--workspace', cache: '--cache', log_dir: '--log-dir' } as const;
const LOCAL_SETTINGS = ['url', 'experiment', 'cache'] as const satisfies readonly SettingName[];

const addStart: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'start', {
    summary: 'Start an agent with its workers on this machine',
    examples: [
      'worker start --experiment digits-tune --workers 4',
      'worker start --script train.py --class gpu',
      'worker start --experiment digits-tune --foreground --once',
      'worker start --experiment pool --drive foo',
    ],
    notes:
      'It runs in the background unless --foreground is given. Without an experiment it serves all that its key may see, later ones too.\nWith --drive, machines of that class (drover machine add) are slots of this agent: jobs that ask for it run here, one at a time for each machine, with {MACHINE} filled in.',
  })
    .option('-e, --experiment <name>', 'serve this experiment only (DROVER_EXPERIMENT)')
    .option('--script <path>', 'what jobs without a command run (DROVER_SCRIPT)')
    .option('-n, --workers <n>', 'jobs at the same time; default 1 (DROVER_WORKERS)', wholeNumber(1, 4_096))
    .option('-c, --class <class>', 'class of this machine (DROVER_CLASS)')
    .option('--drive <class>', "drive the machines of this class, '*' for all; may be repeated", collect)
    .option('--driver <program>', 'runs the commands of jobs on driven machines')
    .option('--foreground', 'stay in the foreground; Ctrl-C gives the jobs back')
    .option('--once', 'leave after one job per worker, or when there is none')
    .option('--python <path>', 'interpreter of Python scripts (DROVER_PYTHON)')
    .option('--workspace <path>', 'directory under which jobs get their own (DROVER_WORKSPACE)')
    .option('--cache <path>', 'directory in which agents are registered (DROVER_CACHE)')
    .option('--log-dir <path>', "directory of the agent's own log (DROVER_LOG_DIR)")
    .option('--ca-file <path>', 'certificates to trust beside those of the system (DROVER_CA_FILE)')
    .addOption(new Option('--parent-pipe', 'end when standard input closes').hideHelp());
  onRunWith<{ parentPipe?: true; drive?: string[]; driver?: string }>({ command, dependencies, settings: START_SETTINGS }, async ({ context, options }) => {
    const { settings } = await context.configuration();
    const { url, api_key: apiKey } = await context.connection();
    const agent = agentOptions(settings, {
      server: url,
      api_key: apiKey,
      experiments: settings.experiment === null ? null : [settings.experiment],
      workers: settings.workers ?? (options.drive === undefined ? 1 : 0),
      drives: options.drive ?? [],
      driver: options.driver ?? null,
      foreground: settings.foreground,
      once: settings.once,
      parent_pipe: options.parentPipe === true,
    });
    checkLaunch(agent, dependencies, SETTING_NAMES);
    if (!settings.foreground) return showStarted(context, [await dependencies.agent.start(agent)], 'Started');
    const code = await dependencies.agent.run(agent);
    if (code !== 0) throw new CliFailure(code);
  });
};

async function showStarted(context: Context, agents: readonly StartedAgent[], verb: string): Promise<void> {
  const text = agents.map((agent) => {
    const log = agent.log_file === null ? '' : `, log ${agent.log_file}`;
    return `${verb} ${agent.instance} (process ${agent.pid}${log}): ${agent.worker_ids.join(' ')}\nStop it: drover worker stop ${agent.instance}`;
  });
  await context.output.show({ json: agents, ids: agents.flatMap((agent) => agent.worker_ids), blocks: [{ text: text.join('\n') }] });
}

const addList: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'ls', {
    summary: 'List workers',
    examples: ['worker ls', 'worker ls --experiment digits-tune --json', 'worker ls --local'],
    notes: 'Without an experiment the workers of all of them are listed, each once.',
  }).alias('list');
  experimentOption(command)
    .option('--local', 'the agents of this machine and user, whether or not the server answers')
    .addOption(new Option('--state <state>', 'default active').choices(['active', 'disabled', 'all']));
  onRun<{ local?: true; state?: 'active' | 'disabled' | 'all' }>(command, dependencies, async ({ context, options }) => {
    if (options.local === true) return listLocal(context);
    const workers = await readWorkers(context, options.state ?? 'active');
    const now = context.dependencies.clock.now();
    await context.output.list<WorkerShape>({
      items: batch(workers),
      json: (worker) => worker,
      id: ({ worker_id: id }) => id,
      columns: [
        { title: 'WORKER' },
        { title: 'STATUS' },
        { title: 'LIVENESS' },
        { title: 'TOLD' },
        { title: 'CLASS' },
        { title: 'MACHINE' },
        { title: 'JOB' },
        { title: 'JOBS DONE', align: 'right' },
        { title: 'SEEN' },
      ],
      row: (worker) => [
        worker.worker_id,
        workerStatus(worker),
        worker.liveness,
        worker.command_waits ? `${worker.desired_state} (waits)` : worker.desired_state,
        worker.machine_class ?? '',
        worker.machine ?? '',
        worker.job === null ? '' : `${worker.job.experiment}/${worker.job.number}`,
        String(worker.jobs_completed),
        relativeTime(worker.last_seen_at, now),
      ],
      empty: 'No worker. Start one: drover worker start',
    });
  });
};

function workerStatus(worker: WorkerShape): Cell {
  const colour = worker.status === 'busy' ? 'blue' : worker.status === 'idle' ? 'green' : 'dim';
  return { text: worker.status, colour };
}

async function listLocal(context: Context): Promise<void> {
  const { settings } = await context.configuration();
  const agents = await context.dependencies.agent.list({ cache: settings.cache, experiment: settings.experiment, names: null, keep: false });
  await context.output.list<LocalAgent>({
    items: batch(agents),
    json: (agent) => agent,
    id: ({ instance }) => instance,
    columns: [
      { title: 'AGENT' },
      { title: 'PROCESS' },
      { title: 'WORKERS', align: 'right' },
      { title: 'RUNNING', align: 'right' },
      { title: 'EXPERIMENTS' },
      { title: 'SERVER', shrinks: true },
      { title: 'TROUBLE', shrinks: true },
    ],
    row: (agent) => [
      agent.instance,
      agent.alive ? { text: String(agent.pid), colour: 'green' } : { text: 'gone', colour: 'red' },
      String(agent.worker_ids.length),
      String(agent.running_jobs),
      agent.experiments?.join(' ') ?? 'all',
      agent.server,
      agent.trouble ?? '',
    ],
    empty: 'No agent of yours on this machine. Start one: drover worker start',
  });
}

const addStop: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'stop [agents...]', {
    summary: 'Stop agents of this machine; their jobs go back into the queue',
    examples: ['worker stop egg', 'worker stop --all', 'worker stop egg --grace 2m'],
    notes: 'Agents elsewhere are told through the server: drover worker tell stop.',
  });
  localSelection(command)
    .option('--keep', 'leave the jobs running, to be taken over by the next start')
    .option('--grace <time>', 'time for the jobs to save their state, e.g. 2m', seconds)
    .option('--force', 'no grace; kill an agent that does not end');
  onRunWith<SelectionOptions & { keep?: true; grace?: number; force?: true }>(
    { command, dependencies, settings: LOCAL_SETTINGS },
    async ({ context, options, words }) => {
      const how = { keep: options.keep === true, force: options.force === true, ...(options.grace === undefined ? {} : { grace_seconds: options.grace }) };
      const stopped = await context.dependencies.agent.stop({ ...(await selectAgents(context, options, words)), ...how });
      const { agents, workers, leaving } = stopped;
      if (workers.length + leaving.length === 0) throw new CliFailure(EXIT.not_found, `No such agent runs here. drover worker ls --local shows them.`);
      const names = agents.length > 0 ? agents : workers;
      await context.output.show({
        json: { stopped: names, ...stopped },
        ids: names,
        blocks: names.length === 0 ? [] : [{ text: `Stopped ${names.join(', ')}.` }],
      });
      if (leaving.length > 0) throw new CliFailure(EXIT.refused, `Told to stop, and not gone yet: ${leaving.join(', ')}.`);
    },
  );
};

const addRestart: AddCommand = (group, dependencies) => {
  const command = addCommand(group, 'restart [agents...]', {
    summary: 'Restart agents of this machine, e.g. after an update',
    examples: ['worker restart egg --keep', 'worker restart --all'],
  });
  localSelection(command).option('--keep', 'leave the jobs running; the new process takes them over');
  onRunWith<SelectionOptions & { keep?: true }>({ command, dependencies, settings: LOCAL_SETTINGS }, async ({ context, options, words }) => {
    const started = await context.dependencies.agent.restart({ ...(await selectAgents(context, options, words)), keep: options.keep === true });
    if (started.length === 0) throw new CliFailure(EXIT.not_found, `No such agent runs here. drover worker ls --local shows them.`);
    await showStarted(context, started, 'Restarted');
  });
};

interface SelectionOptions {
  readonly all?: true;
}

function localSelection(command: Command): Command {
  return command
    .option('-e, --experiment <name>', 'only agents that serve this experiment')
    .option('--all', 'all agents of this machine and user')
    .option('--cache <path>', 'directory in which they are registered (DROVER_CACHE)');
}

async function selectAgents(context: Context, options: SelectionOptions, words: readonly string[]): Promise<AgentSelection> {
  const { settings } = await context.configuration();
  if (words.length > 0 && options.all === true) throw usageError('Name agents or give --all, not both.');
  if (words.length === 0 && options.all !== true && settings.experiment === null)
    throw usageError('Which agents? Name them (drover worker ls --local), or give --experiment or --all.');
  return { cache: settings.cache, experiment: settings.experiment, names: words.length === 0 ? null : words, keep: false };
}
