// What may stand at the cursor: found in the tree of commands itself, and, for names and numbers, asked from the server.
import type { Argument, Command, Option } from 'commander';

import { CLASS_NAME } from '../core/identifiers.ts';
import { SHELLS } from './completion-scripts.ts';
import { createContext, type Context } from './context.ts';
import type { CliDependencies } from './dependencies.ts';
import { FACT_NAMES } from './job-facts.ts';

/** A server that does not answer must not freeze the shell. */
const PATIENCE_MS = 1_500;
const JOBS = 100;

export interface Line {
  readonly program: Command;
  /** Those after the name of the program, the last one being the unfinished one. */
  readonly words: readonly string[];
  readonly dependencies: CliDependencies;
  /** What the program takes for granted. */
  readonly open?: (context: Context) => Context;
}

export async function complete({ program, words, dependencies, open = (context) => context }: Line): Promise<string[]> {
  const typed = words.slice(0, -1);
  const partial = words.at(-1) ?? '';
  if (typed.includes('--')) return [];
  const { command, operands, awaiting, experiment } = walk(program, typed);
  const context = open(createContext(dependencies, {}, experiment === null ? {} : { experiment }));
  if (awaiting !== null) return fitting(partial, await optionValues(awaiting, context));
  if (partial.startsWith('-')) return fitting(partial, optionNames(command));
  if (command.commands.length > 0) return fitting(partial, visibleCommands(command));
  return fitting(partial, await argumentValues(argumentAt(command, operands.length), { context, partial }));
}

interface Walked {
  readonly command: Command;
  readonly operands: readonly string[];
  /** The option whose value comes next. */
  readonly awaiting: Option | null;
  readonly experiment: string | null;
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program;
  let operands: string[] = [];
  let awaiting: Option | null = null;
  let experiment: string | null = null;
  for (const word of words) {
    if (awaiting !== null) {
      if (awaiting.attributeName() === 'experiment') experiment = word;
      awaiting = null;
    } else if (word.startsWith('-')) {
      const option = command.options.find((one) => one.short === word || one.long === word);
      awaiting = option?.required === true ? option : null;
    } else {
      const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (next === undefined) operands.push(word);
      else [command, operands] = [next, []];
    }
  }
  return { command, operands, awaiting, experiment };
}

function fitting(partial: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => candidate.startsWith(partial));
}

function visibleCommands(command: Command): string[] {
  return command.commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
}

function optionNames(command: Command): string[] {
  return [...command.options.filter((option) => !option.hidden).map((option) => option.long ?? option.short!), '--help'];
}

function argumentAt(command: Command, index: number): Argument | null {
  const all = command.registeredArguments;
  const last = all.at(-1);
  return all[index] ?? (last?.variadic === true ? last : null);
}

async function optionValues(option: Option, context: Context): Promise<readonly string[]> {
  if (option.argChoices !== undefined) return option.argChoices;
  switch (option.attributeName()) {
    case 'experiment':
    case 'confirm':
      return ask(context, experimentNames);
    case 'status':
      return ['pending', 'running', 'done', 'aborted'];
    case 'class':
    case 'drive':
      return ask(context, classNames);
    case 'machine':
      return ask(context, machineNames);
    case 'columns':
      return FACT_NAMES;
    case 'tag':
      return ask(context, tagNames);
    case 'example':
      return ['digits'];
    default:
      return [];
  }
}

async function argumentValues(argument: Argument | null, { context, partial }: { context: Context; partial: string }): Promise<readonly string[]> {
  switch (argument?.name()) {
    case 'experiment':
      return ask(context, experimentNames);
    case 'jobs':
      return ask(context, () => jobReferences(context, partial));
    case 'host':
    case 'hosts':
      return ask(context, machineNames);
    case 'class':
      return ask(context, classNames);
    case 'variable':
      return ask(context, variableNames);
    case 'tag':
      return ask(context, tagNames);
    case 'matrix':
      return ask(context, matrixNumbers);
    case 'shell':
      return SHELLS;
    case 'state':
      return ['run', 'pause', 'drain', 'stop'];
    default:
      return [];
  }
}

async function experimentNames(context: Context): Promise<string[]> {
  const { client } = await context.connection();
  return (await client.experiments.list({})).experiments.map(({ name }) => name);
}

async function classNames(context: Context): Promise<string[]> {
  const { client } = await context.connection();
  const { machines } = await client.machines.list({});
  const { settings } = await context.configuration();
  const workers = settings.experiment === null ? [] : (await client.workers.list({ params: { experiment: settings.experiment } })).workers;
  return [...new Set([...machines, ...workers].flatMap(({ machine_class: name }) => (name !== null && CLASS_NAME.test(name) ? [name] : [])))];
}

async function machineNames(context: Context): Promise<string[]> {
  const { client } = await context.connection();
  return (await client.machines.list({})).machines.map(({ name }) => name);
}

async function variableNames(context: Context): Promise<string[]> {
  const { client } = await context.connection();
  const { variables } = await client.variables.list({ params: { experiment: await context.experiment() } });
  return [...new Set(variables.map(({ name }) => name))];
}

async function tagNames(context: Context): Promise<string[]> {
  const { client } = await context.connection();
  return [...(await client.jobs.tags({ params: { experiment: await context.experiment() } })).tags];
}

async function matrixNumbers(context: Context): Promise<string[]> {
  const { client } = await context.connection();
  const { matrices } = await client.matrices.list({ params: { experiment: await context.experiment() }, query: {} });
  return ['last', ...matrices.map(({ id }) => String(id))];
}

/** `E/` for each experiment, and once an experiment is typed its newest jobs. */
async function jobReferences(context: Context, partial: string): Promise<string[]> {
  const { client } = await context.connection();
  const named = /^([a-z][a-z0-9-]*)\//.exec(partial)?.[1];
  if (named === undefined) {
    const { settings } = await context.configuration();
    // Where jobs are plain numbers, an experiment is taken for granted.
    if (settings.experiment === null && context.program === 'drover') return ['last', ...(await experimentNames(context)).map((name) => `${name}/`)];
  }
  const experiment = named ?? (await context.experiment());
  const { jobs } = await client.jobs.list({ params: { experiment }, query: { limit: JOBS, sort: 'number', order: 'desc' } });
  const prefix = named === undefined ? '' : `${named}/`;
  return [`${prefix}last`, ...jobs.map(({ number }) => `${prefix}${number}`)];
}

/** Whatever goes wrong while completing, the shell only sees that there is nothing to offer. */
async function ask(context: Context, question: (context: Context) => Promise<string[]>): Promise<readonly string[]> {
  const over = new AbortController();
  const timeOut = context.dependencies.clock.sleep(PATIENCE_MS, over.signal).then(() => []);
  try {
    return await Promise.race([question(context), timeOut]);
  } catch {
    return [];
  } finally {
    over.abort();
  }
}
