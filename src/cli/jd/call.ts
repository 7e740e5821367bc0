// What one line works with: the context of every command, with the settings that this line gives, and the session that it belongs to.
import type { Settings } from '../../runtime/config.ts';
import { createContext, type Advice, type Context, type SettingFlags } from '../context.ts';
import type { CliDependencies } from '../dependencies.ts';
import { CliFailure, EXIT, usageError } from '../failure.ts';
import { checkExperimentName } from '../launch-checks.ts';
import { readFlagText, type Line, type Values } from './grammar.ts';
import { ARGUMENTS, type Argument, type ArgumentName } from './words.ts';
import type { AgentSelection, LocalAgent, LocalWorker } from '../../runtime/local-agents.ts';

export const ADVICE: Advice = { start: 'drover up', other_server: 'server= and port=, or JD_SERVER', key: 'JD_API_KEY' };

/** Lives as long as the process: in the shell, over many lines. */
export interface Session {
  readonly dependencies: CliDependencies;
  /** Of `use`; null: lines name it themselves. */
  experiment: string | null;
  /** Typed when the shell asked for it; null: the settings have one, or none. */
  api_key: string | null;
  /** Whether the registry was looked through. */
  pruned: boolean;
  readonly interactive: boolean;
}

export interface Call {
  readonly session: Session;
  readonly line: Line;
  readonly context: Context;
}

export async function openCall(session: Session, line: Line): Promise<Call> {
  const { values } = line;
  const options = { ...(values.json === true ? { json: true as const } : {}), ...(values.quiet === true ? { quiet: true as const } : {}) };
  return { session, line, context: createContext(session.dependencies, options, await settingFlags(session, values)) };
}

async function settingFlags({ dependencies: { env }, experiment, api_key }: Session, values: Values): Promise<SettingFlags> {
  const flags: Record<string, unknown> = { ...(experiment === null ? {} : { experiment }), ...(api_key === null ? {} : { api_key }) };
  for (const name of Object.keys(ARGUMENTS) as ArgumentName[]) {
    const { setting, kind, variable }: Argument = ARGUMENTS[name];
    if (setting === null) continue;
    // People of Python write True.
    const told = kind === 'flag' && variable !== null && (env[variable] ?? '') !== '' ? readFlagText(variable, env[variable]!) : undefined;
    const value = values[name] ?? told;
    if (value !== undefined) flags[setting] = value;
  }
  const address = values.server ?? values.hub;
  if (address === undefined) return flags;
  const { addressOf } = await import('../../runtime/config.ts');
  return { ...flags, url: addressOf(address, values.port === undefined ? env['JD_PORT'] : String(values.port)) };
}

/** The experiment that the line, the session or the settings name. */
export async function namedExperiment({ context, session }: Call): Promise<string> {
  const { experiment } = await settingsOf(context);
  if (experiment !== null) {
    checkExperimentName(experiment);
    return experiment;
  }
  throw usageError(`Which experiment? Give expId=NAME${session.interactive ? ', or once: use NAME' : ' or set JD_EXP_ID'}. Those on this machine: exp-list`);
}

export async function settingsOf(context: Context): Promise<Settings> {
  return (await context.configuration()).settings;
}

/** Of an experiment, in the order of the registry; those that have left are not among them. */
export interface PlacedWorker extends LocalWorker {
  readonly agent: LocalAgent;
}

export interface WorkersHere {
  readonly workers: readonly PlacedWorker[];
  /** Of agents that serve this experiment among all others: a command to `all` of it is not for them. */
  readonly of_all: readonly PlacedWorker[];
}

export async function workersHere(call: Call, experiment: string | null): Promise<WorkersHere> {
  const agents = await agentsHere(call, experiment);
  const placed = agents.flatMap((agent) => agent.workers.filter(({ status }) => status !== 'stopped').map((worker) => ({ ...worker, agent })));
  return { workers: placed.filter(({ agent }) => agent.experiments !== null), of_all: placed.filter(({ agent }) => agent.experiments === null) };
}

export async function agentsHere(call: Call, experiment: string | null, options: { readonly dead: boolean } = { dead: false }): Promise<readonly LocalAgent[]> {
  return call.session.dependencies.agent.list({ ...(await selectionOf(call, experiment, null)), ...options });
}

export async function selectionOf({ context }: Call, experiment: string | null, names: readonly string[] | null): Promise<AgentSelection> {
  return { cache: (await settingsOf(context)).cache, experiment, names, keep: false };
}

/** The one worker that a command is about. */
export async function oneWorker(call: Call, options: { readonly dead: boolean } = { dead: false }): Promise<PlacedWorker> {
  const { words, command } = call.line;
  const [id] = words;
  if (id === undefined || words.length > 1) throw usageError(`Which worker? ${command} takes the id of one; worker-list shows them.`);
  const experiment = await namedExperiment(call);
  const agents = await agentsHere(call, experiment, options);
  for (const agent of agents.toSorted((a, b) => Number(b.alive) - Number(a.alive) || b.started_at - a.started_at)) {
    const worker = agent.workers.find(({ worker_id: each }) => each === id);
    if (worker !== undefined) return { ...worker, agent };
  }
  throw await unknownWorker(id, { experiment, known: agents.flatMap((agent) => agent.worker_ids) });
}

export async function unknownWorker(id: string, { experiment, known }: { experiment: string; known: readonly string[] }): Promise<CliFailure> {
  const { didYouMean } = await import('../../runtime/spelling.ts');
  return new CliFailure(EXIT.not_found, `No worker ${id} of ${experiment} is on this machine.${didYouMean(id, known)} worker-list shows them.`);
}

export function scriptOf({ launch }: LocalAgent): string {
  return launch.script ?? '(commands of the jobs)';
}

/** `2026-11-21T08:30:00Z`; empty when it is not known. */
export function momentText(milliseconds: number): string {
  return milliseconds === 0 ? '' : new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
