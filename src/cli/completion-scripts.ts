// Scripts that make a shell ask a program what may stand at the cursor.
import { usageError } from './failure.ts';

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell', 'elvish'] as const;
export type ShellName = (typeof SHELLS)[number];

/** Programs of Drover: a script for one of these asks that one. Every other name is an alias of the program that prints the script. */
const PROGRAMS: readonly string[] = ['drover', 'j', 'jd_worker_cli'];

export function completionScript(shell: ShellName, { program, bin }: { readonly program: string; readonly bin: string }): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(bin))
    throw usageError(`${JSON.stringify(bin)} is not a name that a program can have here: letters, digits, _, . and -.`);
  const asked = PROGRAMS.includes(bin) ? bin : program;
  return SCRIPTS[shell]
    .replaceAll('@FUNCTION', `_${bin.replace(/[^A-Za-z0-9_]/g, '_')}`)
    .replaceAll('@BIN', bin)
    .replaceAll('@PROGRAM', asked);
}

const FILES: Readonly<Record<ShellName, (bin: string) => string>> = {
  bash: (bin) => `${bin}.bash`,
  zsh: (bin) => `_${bin}`,
  fish: (bin) => `${bin}.fish`,
  powershell: (bin) => `_${bin}.ps1`,
  elvish: (bin) => `${bin}.elv`,
};

export function fileNameFor(shell: ShellName, bin: string): string {
  return FILES[shell](bin);
}

const SCRIPTS: Readonly<Record<ShellName, string>> = {
  bash: `@FUNCTION() {
  local cur=\${COMP_LINE:0:COMP_POINT} words line
  read -ra words <<< "$cur"
  [[ $cur == *[[:space:]] ]] && words+=('')
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(@PROGRAM __complete -- "\${words[@]:1}" 2>/dev/null)
  # A shell that takes = for the end of a word replaces only what stands behind it.
  line=\${words[\${#words[@]}-1]}
  [[ $line == *=* && $COMP_WORDBREAKS == *=* ]] && COMPREPLY=("\${COMPREPLY[@]#"\${line%=*}="}")
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o default -F @FUNCTION @BIN
`,
  zsh: `#compdef @BIN
@FUNCTION() {
  local -a found
  found=("\${(@f)$(@PROGRAM __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found:#}")
  if (( \${#found} == 0 )); then _files; elif [[ \${#found} == 1 && $found[1] == */ ]]; then compadd -S '' -a found; else compadd -a found; fi
}
if [ "$funcstack[1]" = "@FUNCTION" ]; then @FUNCTION "$@"; else compdef @FUNCTION @BIN; fi
`,
  fish: `function _@FUNCTION_complete
  set -l words (commandline -opc) (commandline -ct)
  @PROGRAM __complete -- $words[2..-1] 2>/dev/null
end
complete -c @BIN -f -a '(_@FUNCTION_complete)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName '@BIN' -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -le $cursorPosition } | ForEach-Object { $_.ToString() })
  # Before 7.3 an empty argument is dropped on its way to a program unless it is quoted once more.
  if ($wordToComplete -eq '') { $words += $(if ($PSVersionTable.PSVersion -ge [version]'7.3') { '' } else { '""' }) }
  @PROGRAM __complete '--' @words 2>$null | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`,
  elvish: `set edit:completion:arg-completer[@BIN] = {|@words|
  try { (external @PROGRAM) __complete -- (all $words[1..]) 2>/dev/null } catch e { nop }
}
`,
};
