// What may stand at the cursor of the shell. Pure, but for the names that it asks for.
import { ARGUMENTS, COMMANDS, SHELL_WORDS, type Argument, type ArgumentName, type CommandName } from './words.ts';

export interface Names {
  experiments(): Promise<readonly string[]>;
  workers(): Promise<readonly string[]>;
  /** Paths that begin so; directories end with a slash. */
  paths(partial: string): readonly string[];
}

const OF_WORKERS: ReadonlySet<string> = new Set<CommandName>(['worker-status', 'worker-logs', 'show-config', 'stop', 'restart', 'drain']);
const OF_PATHS: ReadonlySet<string> = new Set<ArgumentName>(['entry_script', 'log_dir', 'python', 'ca_file']);
const OF_COMMANDS: Readonly<Partial<Record<ArgumentName, readonly CommandName[]>>> = {
  job: ['stop'],
  lines: ['worker-logs'],
  follow: ['worker-logs'],
  confirm_stop: ['stop'],
  confirm_clear_all: ['clear_all'],
};

/** The candidates, and the text before the cursor that they replace. */
export async function completeLine(typed: string, names: Names): Promise<[candidates: string[], replaced: string]> {
  const words = typed.split(/\s+/);
  const partial = words.at(-1) ?? '';
  const before = words.slice(0, -1).filter((word) => word !== '');
  const fitting = (candidates: readonly string[]): [string[], string] => [candidates.filter((each) => each.startsWith(partial)), partial];
  if (before[0] === 'use') return fitting(before.length === 1 ? await names.experiments() : []);
  const equals = partial.indexOf('=');
  if (equals > 0) {
    const key = partial.slice(0, equals + 1);
    return fitting((await valuesOf(partial.slice(0, equals), { partial: partial.slice(equals + 1), names })).map((value) => key + value));
  }
  const command = before.find((word): word is CommandName => Object.hasOwn(COMMANDS, word));
  if (command === undefined) {
    const first = before.length === 0 ? [...Object.keys(SHELL_WORDS), ...Object.keys(COMMANDS)] : Object.keys(COMMANDS);
    return fitting([...first.filter((word) => word !== 'interactive'), ...argumentsFor(null, before)]);
  }
  const everyone = command === 'stop' ? ['all', 'all-experiments'] : command === 'restart' ? ['all'] : [];
  const workers = OF_WORKERS.has(command) ? await names.workers() : [];
  return fitting([...everyone, ...workers.filter((id) => !before.includes(id)), ...argumentsFor(command, before)]);
}

function argumentsFor(command: CommandName | null, before: readonly string[]): string[] {
  const given = new Set(before.flatMap((word) => (word.includes('=') ? [word.slice(0, word.indexOf('='))] : [])));
  return (Object.keys(ARGUMENTS) as ArgumentName[]).filter((name) => !given.has(name) && belongs(name, command)).map((name) => `${name}=`);
}

function belongs(name: ArgumentName, command: CommandName | null): boolean {
  const only = OF_COMMANDS[name];
  if (only !== undefined) return command !== null && only.includes(command);
  if (name === 'expId' || name === 'json') return true;
  if (name === 'num_workers') return command === null || command === 'scale';
  return command === null;
}

async function valuesOf(key: string, { partial, names }: { partial: string; names: Names }): Promise<readonly string[]> {
  if (key === 'expId') return names.experiments();
  if (OF_PATHS.has(key)) return names.paths(partial);
  const argument: Argument | undefined = Object.hasOwn(ARGUMENTS, key) ? ARGUMENTS[key as ArgumentName] : undefined;
  return argument?.kind === 'flag' ? ['true', 'false'] : [];
}
