// What one run of one command works with: its output, the configuration, the server. Each part is made when first asked for,
// so that a command that needs no server starts without loading the contract.
import type { Configuration, SettingName } from '../runtime/config.ts';
import type { Connection } from './connection.ts';
import type { CliDependencies } from './dependencies.ts';
import { CliFailure, EXIT, isApiError, usageError } from './failure.ts';
import { createOutput, type Output, type OutputMode } from './output.ts';

/** Options that every command takes. */
export interface CommonOptions {
  readonly json?: true;
  readonly quiet?: true;
}

export type SettingFlags = Readonly<Partial<Record<SettingName, unknown>>>;

export interface Context {
  /** What the user typed to get here. */
  readonly program: 'drover' | 'j';
  readonly dependencies: CliDependencies;
  readonly output: Output;
  configuration(): Promise<Configuration>;
  connection(): Promise<Connection>;
  /** The experiment of a command that names none: a flag or setting, else the only one there is. */
  experiment(): Promise<string>;
  /** What jobs are called here, for example `digits-tune/1-5`. */
  jobName(experiment: string, numbers: number | string): string;
}

export function createContext(dependencies: CliDependencies, options: CommonOptions, flags: SettingFlags = {}): Context {
  if (options.json === true && options.quiet === true) throw usageError('Give --json or --quiet, not both.');
  const mode: OutputMode = options.json === true ? 'json' : options.quiet === true ? 'quiet' : 'table';
  let configuration: Promise<Configuration> | null = null;
  let connection: Promise<Connection> | null = null;
  const context: Context = {
    program: 'drover',
    dependencies,
    output: createOutput(mode, dependencies),
    configuration: () => (configuration ??= readConfiguration(dependencies, flags)),
    connection: () => (connection ??= openConnection(context)),
    experiment: () => chooseExperiment(context),
    jobName: (experiment, numbers) => `${experiment}/${numbers}`,
  };
  return context;
}

async function readConfiguration(dependencies: CliDependencies, flags: SettingFlags): Promise<Configuration> {
  const { loadConfiguration } = await import('../runtime/config.ts');
  return loadConfiguration({ flags, env: dependencies.env, cwd: dependencies.cwd, home: dependencies.home });
}

async function openConnection(context: Context): Promise<Connection> {
  const [{ connect }, configuration] = await Promise.all([import('./connection.ts'), context.configuration()]);
  return connect(configuration, context.dependencies);
}

async function chooseExperiment(context: Context): Promise<string> {
  const { settings } = await context.configuration();
  if (settings.experiment !== null) return settings.experiment;
  const { client } = await context.connection();
  const { experiments } = await client.experiments.list({});
  if (experiments.length === 1) return experiments[0]!.name;
  if (experiments.length === 0) throw new CliFailure(EXIT.not_found, 'There is no experiment yet. Create one: drover experiment create my-tune');
  const names = experiments.slice(0, 10).map(({ name }) => name);
  throw usageError(`Which experiment? Give --experiment NAME or set DROVER_EXPERIMENT. There are ${names.join(', ')}${experiments.length > 10 ? ', …' : ''}.`);
}

/** What a program calls the settings that lead to a server. */
export interface Advice {
  readonly start: string;
  readonly other_server: string;
  readonly key: string;
}

const ADVICE: Advice = { start: 'drover up', other_server: '--url, DROVER_URL or DROVER_PORT', key: 'DROVER_API_KEY' };

/** Adds to an error what only the caller's side knows: where the server should be, which key was sent, what was probably meant. */
export async function explain(error: unknown, context: Context, advice: Advice = ADVICE): Promise<unknown> {
  if (!isApiError(error)) return error;
  const { url, api_key: apiKey } = await context.connection();
  // What no second try can mend says itself what to do.
  if (error.code === 'unreachable' && !error.retryable) return new CliFailure(EXIT.unreachable, error.message);
  if (error.code === 'unreachable') {
    const reason = /\(.*\)/.exec(error.message)?.[0] ?? '';
    const { proxyFor } = await import('../runtime/proxy.ts');
    const proxy = proxyFor(url, context.dependencies.env);
    const said =
      proxy === null
        ? `No server answers at ${url} ${reason}. Start one with: ${advice.start}. Another server: ${advice.other_server}.`
        : `No server answers at ${url} through the proxy ${new URL(proxy).host} ${reason}. It comes from HTTP_PROXY or HTTPS_PROXY; NO_PROXY leads around it.`;
    return new CliFailure(EXIT.unreachable, said);
  }
  if (error.code === 'unauthenticated') {
    const key = apiKey === null ? 'no API key was sent' : 'the API key was not accepted';
    return new CliFailure(EXIT.refused, `${url}: ${key}. Set ${advice.key}; whoever runs the server makes a key with: drover key create --name NAME`);
  }
  if (error.code === 'experiment_not_found') return new CliFailure(EXIT.not_found, (await suggestExperiment(context)) ?? error.message);
  return error;
}

/** Null: no other one has a name like this. */
async function suggestExperiment(context: Context): Promise<string | null> {
  try {
    const { client, lastExperiment } = await context.connection();
    // The launch of an agent asks by another way.
    const wanted = lastExperiment() ?? (await context.configuration()).settings.experiment;
    const { experiments } = await client.experiments.list({});
    const { didYouMean } = await import('../runtime/spelling.ts');
    if (wanted === null) return null;
    const names = experiments.map(({ name }) => name);
    const suggestion = names.includes(wanted) ? '' : didYouMean(wanted, names);
    return suggestion === '' ? null : `There is no experiment ${wanted}.${suggestion}`;
  } catch {
    // The list was only for a hint.
    return null;
  }
}
