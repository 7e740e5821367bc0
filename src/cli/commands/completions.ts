// `drover completions`: a script for the shell, which asks `drover __complete` what may stand at the cursor.
import { addCommand, onRun, type AddCommand } from '../command.ts';
import { complete } from '../completion.ts';
import { usageError } from '../failure.ts';
import { write } from '../output.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_drover() {
  local cur=\${COMP_LINE:0:COMP_POINT} words line
  read -ra words <<< "$cur"
  [[ $cur == *[[:space:]] ]] && words+=('')
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(drover __complete -- "\${words[@]:1}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o default -F _drover drover
`,
  zsh: `#compdef drover
_drover() {
  local -a found
  found=("\${(@f)$(drover __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( \${#found} == 0 )); then _files; elif [[ \${#found} == 1 && $found[1] == */ ]]; then compadd -S '' -a found; else compadd -a found; fi
}
if [ "$funcstack[1]" = "_drover" ]; then _drover "$@"; else compdef _drover drover; fi
`,
  fish: `function __drover_complete
  set -l words (commandline -opc) (commandline -ct)
  drover __complete -- $words[2..-1] 2>/dev/null
end
complete -c drover -f -a '(__drover_complete)'
`,
};

export const addCompletions: AddCommand = (program, dependencies) => {
  const command = addCommand(program, 'completions <shell>', {
    summary: 'Print a completion script for bash, zsh or fish',
    examples: [
      'completions bash > ~/.local/share/bash-completion/completions/drover',
      'completions zsh > ~/.zfunc/_drover   # with fpath+=~/.zfunc before compinit in ~/.zshrc',
      'completions fish > ~/.config/fish/completions/drover.fish',
    ],
  });
  onRun(command, dependencies, async ({ words }) => {
    const script = Object.hasOwn(SCRIPTS, words[0]!) ? SCRIPTS[words[0]!]! : null;
    if (script === null) throw usageError(`${JSON.stringify(words[0])} is not a shell that is known here; there are bash, zsh and fish.`);
    await write(dependencies.stdout, script);
  });

  const hidden = program.command('__complete', { hidden: true });
  onRun(hidden, dependencies, async ({ tail }) => {
    const found = await complete(program, tail ?? [''], dependencies);
    await write(dependencies.stdout, found.map((line) => `${line}\n`).join(''));
  });
};
