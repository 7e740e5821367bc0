import { spawnSync } from 'node:child_process';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { LIMITS } from './limits.ts';
import { parseTemplate, renderTemplate } from './template.ts';
import { freeze, type FrozenVariables, secretVariable, variableNameProblem, variableValueProblem } from './variables.ts';

function render(text: string, variables: FrozenVariables, params = {}): string {
  const result = parseTemplate(text);
  if ('problem' in result) throw new Error(result.problem);
  return renderTemplate(result.template, params, variables);
}

/** The words that a shell makes of a command line which prints them NUL-separated. */
function wordsOf(command: string, env: Record<string, string>): string[] {
  const { stdout, status, stderr } = spawnSync('/bin/sh', ['-c', command], { env: { PATH: process.env['PATH']!, ...env } });
  expect(status, stderr.toString()).toBe(0);
  return stdout.toString().split('\0').slice(0, -1);
}

describe('names and values', () => {
  test('names are those of variables in a shell, and not what Drover fills in itself', () => {
    for (const name of ['A', '_', 'data_dir2', 'x'.repeat(64)]) expect(variableNameProblem(name)).toBeNull();
    for (const name of ['', '2a', 'a-b', 'a.b', 'ä', 'x'.repeat(65), 'a b', 'a\n']) expect(variableNameProblem(name)).toContain('64 letters');
    expect(variableNameProblem('MACHINE')).toContain('filled in by Drover');
    expect(variableNameProblem('__proto__')).not.toBeNull();
  });

  test('values are any text that a command line can carry', () => {
    for (const value of ['', 'a\nb', '\u{1f600}', 'x'.repeat(LIMITS.variable_bytes.value)]) expect(variableValueProblem(value, false)).toBeNull();
    expect(variableValueProblem('', true)).toContain('needs a value');
    expect(variableValueProblem('a\0b', false)).toContain('NUL');
    expect(variableValueProblem('a\ud800', false)).toContain('half a character');
    expect(variableValueProblem('é'.repeat(LIMITS.variable_bytes.value / 2 + 1), false)).toContain('Put it into a file');
  });

  test('a command has room for so much of them, and keeps them in order of their names', () => {
    const known = new Map<string, string | null>([
      ['B', '2'],
      ['A', null],
      ['C', 'unused'],
    ]);
    const frozen = freeze(['B', 'A', 'unknown'], known);
    expect(JSON.stringify(frozen)).toBe('{"variables":{"A":null,"B":"2"}}');
    const large = new Map(Array.from({ length: 5 }, (_, index) => [`V${index}`, 'x'.repeat(LIMITS.variable_bytes.value)] as const));
    expect(freeze([...large.keys()], large)).toMatchObject({ problem: expect.stringContaining('bytes together') });
  });
});

describe('in commands', () => {
  test('plain ones are filled in as params are, and params come first', () => {
    expect(render('run {A} "{B}" {c}', { A: "it's", B: '$x', c: 'hidden' }, { c: 1 })).toBe(`run 'it'\\''s' "\\$x" '1'`);
    expect(render('echo {toString}', { toString: 'own' } as unknown as FrozenVariables)).toBe("echo 'own'");
  });

  test('a value that looks like a placeholder is none', () => {
    expect(render('echo {A} {B}', { A: '{B}', B: '{A}' })).toBe("echo '{B}' '{A}'");
  });

  test('a secret is a reference to the environment wherever it stands, and one piece of text to the shell', () => {
    expect(render(`a {T} "x{T}y" 'x{T}y'`, { T: null })).toBe(`a "\${JD_SECRET_T}" "x\${JD_SECRET_T}y" 'x'"\${JD_SECRET_T}"'y'`);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        fc.pre(variableValueProblem(text, true) === null);
        const command = render(`printf '%s\\0' {T} p{T}s "p{T}s" 'p{T}s' "p"{T}'s'`, { T: null });
        const around = `p${text}s`;
        expect(wordsOf(command, { [secretVariable('T')]: text })).toEqual([text, around, around, around, around]);
        expect(text.length < 4 || !command.includes(text)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('who names nothing is told how to set a variable, but not where none can be', () => {
    const told = (text: string): string => {
      const result = parseTemplate(text, new Set());
      return 'problem' in result ? result.problem : '';
    };
    expect(told('echo {DATA}')).toContain('drover var set DATA');
    expect(told('echo {MACHINE} {a-b}')).not.toContain('drover var');
    expect(told('echo {MACHINE} {DATA}')).toContain('drover var set DATA');
  });
});
