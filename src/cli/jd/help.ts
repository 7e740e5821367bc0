// The help of `jd_worker_cli`, from its table of words.
import { ARGUMENTS, COMMANDS, SHELL_WORDS, VARIABLES, type Argument, type CommandName, type CommandWord } from './words.ts';

export const EXAMPLES = [
  ['jd_worker_cli expId=digits-tune entry_script=train.py num_workers=4', 'four workers in the background'],
  ['jd_worker_cli expId=digits-tune entry_script=train.py foreground=true once=true', 'one job, here in the terminal'],
  ['jd_worker_cli expId=digits-tune worker-list', 'what runs on this machine'],
  ['jd_worker_cli expId=digits-tune stop all', 'stop them; their jobs go back into the queue'],
  ['jd_worker_cli', 'a shell for all of this'],
] as const;

const GROUPS: readonly (readonly [CommandWord['group'], string])[] = [
  ['look', 'Look'],
  ['steer', 'Stop, start again, scale'],
  ['tidy', 'Tidy up'],
  ['about', 'This program'],
];

const WIDTH = 100;

export function helpText(): string {
  const examples = EXAMPLES.map(([line, what]) => `  ${line}\n      ${what}\n`).join('');
  const commands = GROUPS.map(([group, title]) => `${title}\n${rows(commandsOf(group).map(([name, word]) => [commandText(name, word), word.summary]))}`);
  const values = Object.entries(ARGUMENTS).map(([name, argument]: [string, Argument]) => [`${name}=${argument.value}`, argumentText(argument)] as const);
  const variables = Object.entries(VARIABLES).map(([name, { meaning, fallback }]) => [name, `${plain(meaning)} (default ${fallback})`] as const);
  const shell = Object.entries(SHELL_WORDS).map(([name, meaning]) => [name, meaning] as const);
  return [
    `Examples\n${examples}`,
    'Usage: jd_worker_cli [command] [key=value...] [worker-id...]      in any order; flags such as --num-workers 4 are taken, too\n',
    ...commands,
    `Values (with the variable that gives the same)\n${rows(values)}`,
    `Variables only\n${rows(variables)}`,
    `In the shell\n${rows(shell)}`,
  ].join('\n');
}

export function commandsOf(group: CommandWord['group']): [CommandName, CommandWord][] {
  return (Object.entries(COMMANDS) as [CommandName, CommandWord][]).filter(([, word]) => word.group === group);
}

export function commandText(name: string, { usage, experiment }: CommandWord): string {
  const exp = experiment === 'needed' ? 'expId=<name> ' : experiment === 'possible' ? '[expId=<name>] ' : '';
  return `${exp}${name}${usage === '' ? '' : ` ${usage}`}`;
}

function argumentText({ meaning, variable, fallback }: Argument): string {
  const facts = [variable, fallback === null ? null : `default ${fallback}`].filter((fact) => fact !== null);
  return `${plain(meaning)}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
}

function plain(text: string): string {
  return text.replaceAll('`', '');
}

function rows(entries: readonly (readonly [string, string])[]): string {
  return entries.map(([left, right]) => `  ${left}\n${wrapped(right, WIDTH - 6)}`).join('');
}

function wrapped(text: string, width: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `      ${line}\n`).join('');
}
