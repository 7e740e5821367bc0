// How every command is declared: help that starts with examples, the options they all take, the words after `--`.
import { InvalidArgumentError, type Command } from 'commander';

import type { SettingName } from '../runtime/config.ts';
import { createContext, explain, type Advice, type CommonOptions, type Context, type SettingFlags } from './context.ts';
import type { CliDependencies } from './dependencies.ts';
import { usageError } from './failure.ts';

export interface CommandText {
  readonly summary: string;
  /** Command lines without the leading name of the program. */
  readonly examples: readonly string[];
  readonly notes?: string;
}

export interface Run<Options> {
  readonly context: Context;
  readonly options: Options & CommonOptions;
  /** What stands on the command line beside the options. */
  readonly words: readonly string[];
  /** What stands after `--`; null when there is no `--`. */
  readonly tail: readonly string[] | null;
}

export type AddCommand = (parent: Command, dependencies: CliDependencies) => void;

export function addGroup(program: Command, name: string, summary: string): Command {
  return program.command(name).summary(summary).description(summary);
}

/** `usage` is the name with its arguments, e.g. `show <job...>`. */
export function addCommand(parent: Command, usage: string, text: CommandText): Command {
  const command = parent
    .command(usage)
    .summary(text.summary)
    .description(text.notes === undefined ? text.summary : `${text.summary}\n\n${text.notes}`);
  const options = personaOf(parent)?.options ?? addCommonOptions;
  return options(command.addHelpText('before', examplesText(parent, text.examples)));
}

/** What help begins with. */
export function examplesText(parent: Command, examples: readonly string[]): string {
  let program = parent;
  while (program.parent !== null) program = program.parent;
  return `Examples:\n${examples.map((example) => `  ${program.name()} ${example}`).join('\n')}\n`;
}

export function addCommonOptions(command: Command): Command {
  return command
    .option('--json', 'print JSON (docs/reference/cli-json.md)')
    .option('-q, --quiet', 'print ids only, no notes')
    .option('--url <url>', 'server to talk to (DROVER_URL)')
    .option('--debug', 'show where an error came from');
}

/** A program with a place of its own has an option of its own. */
export function experimentOption(command: Command): Command {
  if (personaOf(command) !== undefined) return command;
  return command.option('-e, --experiment <name>', 'experiment (DROVER_EXPERIMENT); needed only when there are several');
}

const USUAL_SETTINGS: readonly SettingName[] = ['url', 'experiment'];

type Body<Options> = (run: Run<Options>) => Promise<void>;

/** Ties the body to the command. */
export function onRun<Options>(command: Command, dependencies: CliDependencies, body: Body<Options>): void {
  onRunWith({ command, dependencies, settings: USUAL_SETTINGS }, body);
}

/** How another program than `drover` is called, and what it takes for granted. */
export interface Persona {
  /** Its common options. */
  readonly options: (command: Command) => Command;
  readonly open: (context: Context) => Context;
  readonly flags: (options: object) => SettingFlags;
  readonly advice: Advice;
}

const PERSONAS = new WeakMap<Command, Persona>();

/** All commands that are added to this program from now on are its own, those that `drover` has too. */
export function givePersona(program: Command, persona: Persona): void {
  PERSONAS.set(program, persona);
}

function personaOf(command: Command): Persona | undefined {
  let program = command;
  while (program.parent !== null) program = program.parent;
  return PERSONAS.get(program);
}

interface Binding {
  readonly command: Command;
  readonly dependencies: CliDependencies;
  /** Options that are settings too, so that they come before environment and files. */
  readonly settings: readonly SettingName[];
}

export function onRunWith<Options>({ command, dependencies, settings }: Binding, body: Body<Options>): void {
  const tail = splitAtDashes(command);
  command.action(async () => {
    const options = command.optsWithGlobals<Options & CommonOptions>();
    const role = personaOf(command);
    const flags = { ...settingFlags(options, settings), ...role?.flags(options) };
    const plain = createContext(dependencies, options, flags);
    const context = role?.open(plain) ?? plain;
    try {
      await body({ context, options, words: command.args, tail: tail() });
    } catch (error) {
      throw await explain(error, context, role?.advice);
    }
  });
}

function settingFlags(options: object, names: readonly SettingName[]): SettingFlags {
  const values = options as Readonly<Record<string, unknown>>;
  return Object.fromEntries(names.map((name) => [name, values[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())]]));
}

/** Commander drops `--`; a command line that may hold anything must be kept apart from the words before it. */
function splitAtDashes(command: Command): () => readonly string[] | null {
  let tail: readonly string[] | null = null;
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (words) => {
    const at = words.indexOf('--');
    tail = at === -1 ? null : words.slice(at + 1);
    return parse(at === -1 ? words : words.slice(0, at));
  };
  return () => tail;
}

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^-?\d{1,15}$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? ' up' : ` to ${most}`}.`);
  };
}

export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() !== '' && Number.isFinite(number) && number >= least) return number;
    throw new InvalidArgumentError(`It must be a number from ${least} up.`);
  };
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds from `90`, `90s`, `15m`, `2h` or `7d`. */
export function seconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It must be a time such as 90s, 15m, 2h or 7d.');
  return Number(match[1]) * SECONDS[match[2] === '' ? 's' : match[2]!]!;
}

/** Also takes `none`, and leaves it as it is: commander would not keep a null. */
export function orNone<Value>(parse: (text: string) => Value): (text: string) => Value | 'none' {
  return (text) => (text === 'none' ? text : parse(text));
}

/** Reads a word that stands among others as the parser of an option would. */
export function readWord<Value>(parse: (text: string) => Value, word: string): Value {
  try {
    return parse(word);
  } catch (error) {
    throw error instanceof InvalidArgumentError ? usageError(`${JSON.stringify(word)}: ${error.message}`) : error;
  }
}

/** For options that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
