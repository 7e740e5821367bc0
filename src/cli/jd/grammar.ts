// Reads a line of `jd_worker_cli`: `key=value` tokens, flags and bare words in any order. Pure. No message ever repeats a value that may
// be a secret.
import { didYouMean, nearest } from '../../runtime/spelling.ts';
import { usageError } from '../failure.ts';
import { ARGUMENTS, COMMANDS, type Argument, type ArgumentName, type CommandName } from './words.ts';

export type Values = { readonly [Name in ArgumentName]?: ValueOf<(typeof ARGUMENTS)[Name]['kind']> };
type ValueOf<Kind> = Kind extends 'flag' ? boolean : Kind extends 'number' ? number : string;

export interface Line {
  /** Null: start workers; with nothing at all, the shell. */
  readonly command: CommandName | null;
  /** Bare words beside it: worker ids, `all`, `all-experiments`. */
  readonly words: readonly string[];
  readonly values: Values;
}

/** Spellings of a key: `expId`, `expid`, `exp_id` and `--exp-id` are one. */
const folded = (key: string): string => key.toLowerCase().replace(/[-_]/g, '');

const KEYS: ReadonlyMap<string, ArgumentName> = new Map(
  (Object.keys(ARGUMENTS) as ArgumentName[]).flatMap((name) => {
    const { aliases = [] }: Argument = ARGUMENTS[name];
    return [name, ...aliases].map((key) => [folded(key), name] as const);
  }),
);

const SHORT: Readonly<Record<string, CommandName | ArgumentName>> = {
  '-i': 'interactive',
  '-h': 'help',
  '-?': 'help',
  '-V': 'version',
  '-q': 'quiet',
  '-f': 'follow',
};

const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];
const ALIASES: ReadonlyMap<string, CommandName> = new Map(COMMAND_NAMES.map((name) => [folded(name), name]));

export function isCommand(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

export function parseLine(tokens: readonly string[]): Line {
  const reading: Reading = { commands: [], words: [], values: {} };
  for (let index = 0; index < tokens.length;) index += readToken(reading, tokens, index);
  const { commands, words, values } = reading;
  const [command, other] = commands;
  if (other !== undefined && other !== command) {
    if (command !== 'stop' || other !== 'confirm-stop') throw usageError(`One command at a time: ${command} or ${other}.`);
    return { command, words, values: { ...values, confirm_stop: true } };
  }
  if (command === undefined && words.length > 0) throw usageError(aboutWord(words[0]!, values));
  return { command: command ?? null, words, values };
}

interface Reading {
  readonly commands: CommandName[];
  readonly words: string[];
  readonly values: { -readonly [Name in ArgumentName]?: Values[Name] };
}

/** How many tokens it took. */
function readToken(reading: Reading, tokens: readonly string[], index: number): number {
  const token = tokens[index]!;
  const pair = /^(?:--)?([A-Za-z][\w-]*)=(.*)$/s.exec(token);
  if (pair !== null) {
    setValue(reading, pair[1]!, pair[2]!);
    return 1;
  }
  if (token.startsWith('-') && token.length > 1) return readFlag(reading, tokens, index);
  const command = ALIASES.get(folded(token));
  // The first one decides; a later one may be what it is about.
  if (command !== undefined) reading.commands.push(command);
  else reading.words.push(token);
  return 1;
}

function readFlag(reading: Reading, tokens: readonly string[], index: number): number {
  const token = tokens[index]!;
  const short = SHORT[token];
  const name = short ?? token.replace(/^--/, '');
  if (isCommand(name)) {
    reading.commands.push(name);
    return 1;
  }
  const argument = KEYS.get(folded(name));
  if (argument === undefined) throw usageError(unknownKey(name, token));
  if (ARGUMENTS[argument].kind === 'flag') {
    setValue(reading, name, 'true');
    return 1;
  }
  const value = tokens[index + 1];
  if (value === undefined) throw usageError(`${token} needs a value: ${argument}=${ARGUMENTS[argument].value}`);
  setValue(reading, name, value);
  return 2;
}

function setValue({ values }: Reading, key: string, value: string): void {
  const name = KEYS.get(folded(key));
  if (name === undefined) throw usageError(unknownKey(key, `${key}=`));
  if (values[name] !== undefined) throw usageError(`${name} is given twice.`);
  Object.assign(values, { [name]: readValue(name, value) });
}

function readValue(name: ArgumentName, value: string): string | number | boolean {
  const argument: Argument = ARGUMENTS[name];
  if (value.trim() === '') throw usageError(`${name}= needs a value: ${name}=${argument.value}`);
  switch (argument.kind) {
    case 'flag':
      return readFlagText(name, value);
    case 'number':
      return readNumber(name, argument, value);
    case 'text':
    case 'secret':
      return value;
  }
}

export function readFlagText(name: string, value: string): boolean {
  if (/^(true|1|yes)$/i.test(value)) return true;
  if (/^(false|0|no)$/i.test(value)) return false;
  throw usageError(`${name}=${quoted(value)} is neither true nor false.`);
}

function readNumber(name: ArgumentName, { least = 0, most = Number.MAX_SAFE_INTEGER }: Argument, value: string): number {
  const result = Number(value);
  if (/^\d{1,16}$/.test(value) && result >= least && result <= most) return result;
  const range = `from ${least}${most === Number.MAX_SAFE_INTEGER ? ' up' : ` to ${most}`}`;
  const meant = name === 'num_workers' && result === 0 ? ' To stop all workers: stop all' : '';
  throw usageError(`${name}=${quoted(value)} must be a whole number ${range}.${meant}`);
}

function unknownKey(key: string, token: string): string {
  if (folded(key) === 'workspacepath' || folded(key) === 'workspace') return 'The workspace is not an argument: set JD_WORKSPACE_PATH before the launch.';
  if (folded(key) === 'cachepath' || folded(key) === 'cache') return 'The registry is not an argument: set JD_CACHE_PATH before the launch.';
  const closest = nearest(folded(key), KEYS.keys());
  const meant = closest === null ? '' : ` Did you mean ${KEYS.get(closest)!}=?`;
  return `There is no argument ${maskSecrets(token)}.${meant} All of them: jd_worker_cli help`;
}

/** What a bare word without a command was probably meant to be. */
function aboutWord(word: string, values: Values): string {
  if (/^(start|run|launch)$/i.test(word)) return 'Workers are started without a word: jd_worker_cli expId=NAME entry_script=train.py';
  if (/\.(py|pyw|m?js|cjs|sh)$|\//.test(word) && values.entry_script === undefined)
    return `${quoted(word)} is no command. The script of jobs: entry_script=${maskSecrets(word)}`;
  const meant = didYouMean(word, COMMAND_NAMES);
  return `There is no command ${quoted(word)}.${meant === '' ? ' All of them: jd_worker_cli help' : meant}`;
}

/** Keys and tokens that somebody typed at the wrong place. */
export function maskSecrets(typed: string): string {
  return typed.replace(/\bjd[a-z]*_[\w-]{16,}/g, (secret) => `${secret.slice(0, secret.indexOf('_') + 1)}[secret]`);
}

function quoted(typed: string): string {
  return JSON.stringify(maskSecrets(typed));
}

/** Words of a typed line as a shell splits them, without its expansions; what comes behind the last `;` is not read. */
export function splitLine(typed: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let index = 0; index < typed.length; index += 1) {
    const character = typed[index]!;
    if (quote !== null) {
      if (character === quote) quote = null;
      else if (character === '\\' && quote === '"' && /["\\]/.test(typed[index + 1] ?? '')) word += typed[(index += 1)]!;
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\' && /[\s"'\\;]/.test(typed[index + 1] ?? '')) {
      word = (word ?? '') + typed[(index += 1)]!;
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + character;
  }
  if (quote !== null) throw usageError(`A ${quote} has no end.`);
  if (word !== null) words.push(word);
  const last = words.at(-1);
  if (last === undefined || !last.endsWith(';')) return words;
  const bare = last.replace(/;+$/, '');
  return bare === '' ? words.slice(0, -1) : [...words.slice(0, -1), bare];
}
