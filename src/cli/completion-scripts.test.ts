// The scripts in the shells themselves, where these are installed.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { completionScript, fileNameFor, SHELLS } from './completion-scripts.ts';

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
}

/** A directory with a `drover` and a `j` that offer what they were asked. */
function place(): { directory: string; run: (shell: string, script: string) => string } {
  const directory = mkdtempSync(join(tmpdir(), 'drover-completion-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of ['drover', 'j', 'jd_worker_cli']) {
    writeFileSync(
      join(directory, name),
      `#!/bin/sh\n[ "$1 $2" = "__complete --" ] || exit 1\nshift 2\nfor word; do last=$word; done\necho "$last.${name}.$#"\n`,
    );
    chmodSync(join(directory, name), 0o755);
  }
  const env = { PATH: `${directory}:${process.env['PATH']}`, HOME: directory };
  return { directory, run: (shell, script) => execFileSync(shell, ['-c', script], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }) };
}

const bash = (bin: string, program: string, line: string): string => `
${completionScript('bash', { program, bin })}
COMP_LINE='${line}' COMP_POINT=${line.length} COMP_WORDBREAKS=$' =:'
${`_${bin.replace(/\W/g, '_')}`}
echo "\${COMPREPLY[@]}"
complete -p ${bin}`;

test('bash asks the program that the alias stands for', () => {
  const { run } = place();
  expect(run('bash', bash('drover', 'drover', 'drover job l'))).toBe('l.drover.2\ncomplete -o default -F _drover drover\n');
  expect(run('bash', bash('my-jobs', 'j', 'my-jobs job '))).toBe('.j.2\ncomplete -o default -F _my_jobs my-jobs\n');
  expect(run('bash', bash('jd_worker_cli', 'drover', 'jd_worker_cli expId=di'))).toBe(
    'di.jd_worker_cli.1\ncomplete -o default -F _jd_worker_cli jd_worker_cli\n',
  );
});

test.skipIf(!has('zsh'))('zsh takes the script', () => {
  expect(place().run('zsh', `autoload -U compinit; compinit -u; ${completionScript('zsh', { program: 'drover', bin: 'drover' })}; echo $_comps[drover]`)).toBe(
    '_drover\n',
  );
});

test.skipIf(!has('fish'))('fish offers what the program says', () => {
  expect(place().run('fish', `${completionScript('fish', { program: 'j', bin: 'j' })}\ncomplete -C 'j job l'`)).toContain('l.j.2');
});

test.skipIf(!has('pwsh'))('PowerShell offers what the program says', () => {
  const script = `${completionScript('powershell', { program: 'j', bin: 'j' })}\n(TabExpansion2 'j job l' 7).CompletionMatches.CompletionText`;
  expect(place().run('pwsh', script)).toContain('l.j.2');
});

test('each shell has a script for each program, in a file that it looks for', () => {
  for (const shell of SHELLS) expect(completionScript(shell, { program: 'drover', bin: 'dr' })).toMatch(/drover\W+ ?__complete/);
  for (const shell of SHELLS) expect(completionScript(shell, { program: 'drover', bin: 'dr' })).not.toMatch(/@(BIN|PROGRAM|FUNCTION)/);
  expect(SHELLS.map((shell) => fileNameFor(shell, 'j'))).toEqual(['j.bash', '_j', 'j.fish', '_j.ps1', 'j.elv']);
  expect(() => completionScript('bash', { program: 'j', bin: '$(rm -rf)' })).toThrow('not a name');
});
