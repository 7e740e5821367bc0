// Variables: named texts of an experiment, or shared by all, that commands use as `{NAME}`. A plain one becomes part of the job when the job is
// made; of a secret one the job keeps the name, and its value is looked up at each start.
import { LIMITS } from './limits.ts';
import { utf8Length } from './params.ts';

export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** Names that mean something else in a command, or that no JSON object can carry safely. */
const RESERVED: ReadonlySet<string> = new Set(['MACHINE', '__proto__']);

/** Variables of a command as they were when its jobs were made. Null: a secret, of which only the name is kept. */
export type FrozenVariables = Readonly<Record<string, string | null>>;

export const NO_VARIABLES: FrozenVariables = Object.freeze({});

const SECRET_PREFIX = 'JD_SECRET_';

/** The environment variable in which a job finds a secret. */
export function secretVariable(name: string): string {
  return SECRET_PREFIX + name;
}

export function isSecretVariable(name: string): boolean {
  return name.startsWith(SECRET_PREFIX);
}

export function secretNames(variables: FrozenVariables): string[] {
  return Object.keys(variables).filter((name) => variables[name] === null);
}

/** A sentence, or null when there can be a variable of this name. */
export function variableNameProblem(name: string): string | null {
  if (RESERVED.has(name)) return `{${name}} is filled in by Drover itself, so no variable can have this name. Choose another one.`;
  if (VARIABLE_NAME.test(name)) return null;
  return 'The name of a variable has at most 64 letters, digits and _, and does not begin with a digit.';
}

/** A sentence, or null when a variable can have this value. */
export function variableValueProblem(value: string, secret: boolean): string | null {
  const most = LIMITS.variable_bytes.value;
  if (value.includes('\u0000')) return 'The value holds a NUL character, which no command line and no environment can carry.';
  if (/\p{Cs}/u.test(value)) return 'The value holds half a character (a lone surrogate), which no command line can carry.';
  if (utf8Length(value) > most)
    return `The value has ${utf8Length(value).toLocaleString('en-US')} bytes; at most ${most.toLocaleString('en-US')} are allowed. Put it into a file and pass its path.`;
  return secret && value === '' ? 'A secret needs a value.' : null;
}

/** What is known of a variable when a command is frozen; null: a secret. */
export type KnownVariables = ReadonlyMap<string, string | null>;

/** The variables that a command uses, in order of their names so that the same ones are the same text; or why it cannot have them. */
export function freeze(names: readonly string[], known: KnownVariables): { readonly variables: FrozenVariables } | { readonly problem: string } {
  const variables = Object.fromEntries(names.toSorted().flatMap((name) => (known.has(name) ? [[name, known.get(name)!]] : [])));
  const bytes = Object.values(variables).reduce((sum, value) => sum + (value === null ? 0 : utf8Length(value)), 0);
  const most = LIMITS.command_variables_bytes.value;
  if (bytes <= most) return { variables };
  return {
    problem: `The variables that the command uses have ${bytes.toLocaleString('en-US')} bytes together; at most ${most.toLocaleString('en-US')} are allowed. Put long ones into files and pass their paths.`,
  };
}
