// `drover completions`: a script for the shell, which asks the program itself (`drover __complete`) what may stand at the cursor.
import type { Command } from 'commander';
import { resolve } from 'node:path';

import { addCommand, onRun, type AddCommand } from '../command.ts';
import { complete } from '../completion.ts';
import { completionScript, fileNameFor, SHELLS, type ShellName } from '../completion-scripts.ts';
import type { Context } from '../context.ts';
import type { CliDependencies } from '../dependencies.ts';
import { saveWhole } from '../download.ts';
import { usageError } from '../failure.ts';
import { write } from '../output.ts';

export const addCompletions: AddCommand = (program, dependencies) => addCompletionCommands(program, dependencies, {});

type Chosen = { readonly [Name in ShellName]?: true } & { readonly bin?: string };

const INSTALLED: Readonly<Record<ShellName, (bin: string) => string>> = {
  bash: (bin) => `completions bash > ~/.local/share/bash-completion/completions/${bin}`,
  zsh: (bin) => `completions zsh > ~/.zfunc/_${bin}   # with fpath+=~/.zfunc before compinit in ~/.zshrc`,
  fish: (bin) => `completions fish > ~/.config/fish/completions/${bin}.fish`,
  powershell: (bin) => `completions powershell >> $PROFILE   # then ${bin} completes in new sessions`,
  elvish: () => 'completions elvish >> ~/.config/elvish/rc.elv',
};

export function addCompletionCommands(program: Command, dependencies: CliDependencies, { open }: { readonly open?: (context: Context) => Context }): void {
  const name = program.name();
  const command = addCommand(program, 'completions <shell>', {
    summary: `Print a completion script for ${SHELLS.slice(0, -1).join(', ')} or ${SHELLS.at(-1)}`,
    examples: [
      ...SHELLS.map((shell) => INSTALLED[shell](name)),
      `completions bash --bin ${name === 'j' ? 'jobs' : 'dr'}   # for an alias`,
      'completions ~/completions --zsh',
    ],
    notes: `With --bash, --fish, --zsh, --powershell or --elvish the word is a directory, into which the script is written. --bin jd_worker_cli and --bin ${name === 'j' ? 'drover' : 'j'} are for the other programs.`,
  }).option('--bin <name>', `what the program is called in the shell, if not ${name}`);
  for (const shell of SHELLS) command.option(`--${shell}`, `write the script for ${shell} into a directory`);
  onRun<Chosen>(command, dependencies, async ({ context, options, words: [word = ''] }) => {
    const bin = options.bin ?? name;
    const flags = SHELLS.filter((shell) => options[shell] === true);
    if (flags.length > 1) throw usageError('Give one shell.');
    const [flag] = flags;
    if (flag !== undefined) {
      const path = resolve(dependencies.cwd, word, fileNameFor(flag, bin));
      const script = completionScript(flag, { program: name, bin });
      await saveWhole(path, (keep) => keep(Buffer.from(script)).then(() => undefined));
      return context.output.show({ json: { path }, ids: [path], blocks: [{ text: `Saved ${path}.` }] });
    }
    const shell = SHELLS.find((one) => one === word);
    if (shell === undefined) throw usageError(`${JSON.stringify(word)} is not a shell that is known here; there are ${SHELLS.join(', ')}.`);
    await write(dependencies.stdout, completionScript(shell, { program: name, bin }));
  });

  const hidden = program.command('__complete', { hidden: true });
  onRun(hidden, dependencies, async ({ tail }) => {
    const found = await complete({ program, words: tail ?? [''], dependencies, ...(open === undefined ? {} : { open }) });
    await write(dependencies.stdout, found.map((line) => `${line}\n`).join(''));
  });
}
