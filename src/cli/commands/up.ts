// `drover up`: server, agent and live progress in one terminal. Ctrl-C ends them in order; the next `up` goes on.
import { Option } from 'commander';

import type { SettingName } from '../../runtime/config.ts';
import { agentOptions } from '../agent-options.ts';
import { openBrowser } from '../browser.ts';
import { addCommand, onRunWith, wholeNumber, type AddCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { createDigits, DIGITS_EXPERIMENT, digitsCommand } from '../example-digits.ts';
import { CliFailure, EXIT } from '../failure.ts';
import { write } from '../output.ts';
import { type KeptAgent, keepAgent } from '../kept-agent.ts';
import { createProgressLine } from '../progress-line.ts';
import { startServing, type Serving } from '../serving.ts';
import { followProgress } from '../up-progress.ts';
import { type ForceOption, SERVER_SETTINGS, serverOptions } from './server.ts';
import type { ForegroundAgent } from '../../runtime/local-agents.ts';

interface UpOptions extends ForceOption {
  readonly example?: 'digits';
  readonly agent: boolean;
  readonly open?: true;
  readonly driver?: string;
}

const SETTINGS = [...SERVER_SETTINGS, 'workers', 'class', 'script', 'python', 'workspace', 'cache'] as const satisfies readonly SettingName[];

export const addUp: AddCommand = (program, dependencies) => {
  const command = addCommand(program, 'up', {
    summary: 'Start server, dashboard and workers on this machine',
    examples: ['up', 'up --example digits', 'up --workers 8 --port 8080 --open'],
    notes: 'Everything is kept in the data directory: after Ctrl-C the next `up` goes on where it was.',
  });
  serverOptions(command)
    .addOption(new Option('--example <name>', 'a sweep to watch, made once').choices(['digits']))
    .option('-n, --workers <n>', 'jobs at the same time; default 2 (DROVER_WORKERS)', wholeNumber(1, 4_096))
    .option('-c, --class <class>', 'class of this machine (DROVER_CLASS)')
    .option('--script <path>', 'what jobs without a command run (DROVER_SCRIPT)')
    .option('--python <path>', 'interpreter of Python scripts (DROVER_PYTHON)')
    .option('--workspace <path>', 'directory under which jobs get their own (DROVER_WORKSPACE)')
    .option('--cache <path>', 'directory in which agents are registered (DROVER_CACHE)')
    .option('--driver <program>', 'runs the commands of jobs on driven machines')
    .option('--no-agent', 'without workers')
    .option('--open', 'open the dashboard in the browser');
  onRunWith<UpOptions>({ command, dependencies, settings: SETTINGS }, ({ context, options }) => up(context, options));
};

async function up(context: Context, options: UpOptions): Promise<void> {
  const { dependencies } = context;
  const interrupted = new AbortController();
  const release = dependencies.onInterrupt(() => (interrupted.signal.aborted ? dependencies.exit(EXIT.interrupted) : interrupted.abort()));
  await write(dependencies.stdout, `Drover ${dependencies.version} is starting …\n`);
  try {
    await serveAndRun(context, options, interrupted.signal);
  } finally {
    release();
  }
}

async function serveAndRun(context: Context, options: UpOptions, interrupted: AbortSignal): Promise<void> {
  const { dependencies } = context;
  const configuration = await context.configuration();
  const { settings, sources } = configuration;
  const command =
    options.example === undefined ? null : digitsCommand({ package_root: dependencies.package_root, env: dependencies.env, python: settings.python });
  const logLevel = sources.log_level.kind === 'default' ? 'warn' : settings.log_level;
  const serving = await startServing(dependencies, configuration, { log_level: logLevel, force: options.force === true });
  let agent: KeptAgent | null = null;
  const over = new AbortController();
  interrupted.addEventListener('abort', () => over.abort(), { once: true });
  if (interrupted.aborted) over.abort();
  try {
    if (command !== null) await createDigits(serving.client, command);
    const line = createProgressLine(dependencies, dependencies.stdout);
    const start = (): Promise<ForegroundAgent> => startAgent(context, serving, options);
    if (options.agent) agent = await keepAgent({ start, say: (sentence) => line.say(sentence), clock: dependencies.clock, over: over.signal });
    const link = await serving.server.loginLink();
    await write(dependencies.stdout, await banner(context, serving, { agent, link, example: command !== null }));
    if (options.open === true && !(await openBrowser(dependencies, link))) context.output.note('No browser could be opened here; open the link by hand.');
    let closed = false;
    void serving.server.closed.then(() => {
      closed = true;
      over.abort();
    });
    await followProgress(context, serving, { line, signal: over.signal, experiment: command === null ? null : DIGITS_EXPERIMENT });
    line.finish();
    if (closed && !interrupted.aborted) throw new CliFailure(EXIT.unexpected, 'The server ended by itself; start again with --log-level info to see why.');
  } finally {
    over.abort();
    await stopAll(context, serving, agent);
  }
}

async function startAgent(context: Context, serving: Serving, options: UpOptions): Promise<ForegroundAgent> {
  const { settings } = await context.configuration();
  return context.dependencies.agent.spawnForeground(
    agentOptions(settings, {
      server: serving.url,
      api_key: serving.api_key,
      experiments: null,
      workers: settings.workers ?? 2,
      drives: ['*'],
      driver: options.driver ?? null,
      foreground: true,
      once: false,
      parent_pipe: true,
    }),
  );
}

async function banner(context: Context, serving: Serving, facts: { agent: KeptAgent | null; link: string; example: boolean }): Promise<string> {
  const pin = facts.example ? await serving.server.pin(DIGITS_EXPERIMENT) : null;
  const workers = facts.agent === null ? 'none (--no-agent); start some: drover worker start' : facts.agent.worker_ids.join(' ');
  const lines = [
    '',
    `  Dashboard  ${facts.link}`,
    '             (works once; another one: drover login-link)',
    ...(pin === null ? [] : [`  PIN        ${pin}  for ${DIGITS_EXPERIMENT} at ${serving.url}`]),
    `  Data       ${serving.data_dir}`,
    `  Workers    ${workers}`,
    '  Stop       Ctrl-C; the next start goes on where this one was',
    '',
  ];
  if (!facts.example) lines.push(...(await nextSteps(serving)));
  return `${lines.join('\n')}\n`;
}

async function nextSteps({ client }: Serving): Promise<string[]> {
  const { experiments } = await client.experiments.list({});
  if (experiments.length > 0) return [];
  return [
    'Nothing to do yet. In another terminal:',
    '  drover experiment create my-tune',
    "  drover matrix add -e my-tune lr=0.1,0.01 -- 'echo training with {lr}; sleep 5'",
    'Or see a real sweep: drover up --example digits',
    '',
  ];
}

/** The agent first: it gives its jobs back while the server still listens. */
async function stopAll(context: Context, serving: Serving, agent: KeptAgent | null): Promise<void> {
  const { stdout } = context.dependencies;
  await write(stdout, agent === null ? 'Stopping the server …\n' : 'Stopping: the agent gives back its jobs, then the server closes …\n');
  try {
    await agent?.stop();
  } finally {
    await serving.server.stop();
  }
  await write(stdout, 'Stopped. Everything is kept; drover up goes on.\n');
}
