import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';

import { commandFromWords, parseTemplate, renderTemplate, shellQuote } from './template.ts';
import type { Params } from './params.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-template-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The system's `sh`, and bash as the `sh` of other systems. */
const SHELLS = [
  ['/bin/sh', []],
  ['/bin/bash', ['--posix']],
].filter(([program]) => existsSync(program as string)) as [string, string[]][];

function render(text: string, params: Params): string {
  const result = parseTemplate(text, new Set(Object.keys(params)));
  if ('problem' in result) throw new Error(result.problem);
  return renderTemplate(result.template, params);
}

function problemOf(text: string, known: readonly string[] = ['v']): string {
  const result = parseTemplate(text, new Set(known));
  return 'problem' in result ? result.problem : '';
}

/** Arguments that a command line gives to a program, read back NUL-separated. A script file has no limit on its length. */
function argumentsOf(commandLine: string, shell = SHELLS[0]!): string[] {
  const script = join(folder, 'script.sh');
  writeFileSync(script, commandLine);
  const { stdout, stderr, status } = spawnSync(shell[0], [...shell[1], script], { cwd: folder, maxBuffer: 64 * 1024 * 1024 });
  expect(status, stderr.toString()).toBe(0);
  return stdout.toString().split('\0').slice(0, -1);
}

const HOSTILE = [
  '',
  ' ',
  "it's",
  '"double"',
  `'"'"'`,
  '$(rm -rf canary)',
  '`touch canary`',
  '${HOME}',
  '$HOME',
  '$$',
  '\\',
  'ends with \\',
  "\\'; touch canary; '",
  '"; touch canary; "',
  'two\nlines',
  '\n',
  '\t',
  '*',
  '~',
  '-n',
  '--flag=1',
  'A=1',
  'if',
  '2',
  '!',
  '# not a comment',
  '&& touch canary',
  '| cat > canary',
  '😀 Grüße 漢字',
  '{v}',
  '{{v}}',
  '%s%n',
  '\u0007\u001b[31m',
];

const CONTEXTS: [string, (value: string) => string][] = [
  ['{v}', (value) => value],
  ["'{v}'", (value) => value],
  ['"{v}"', (value) => value],
  ['pre{v}post', (value) => `pre${value}post`],
  [`'a {v} b'`, (value) => `a ${value} b`],
  ['"a {v} b"', (value) => `a ${value} b`],
  [`"$EMPTY"{v}'x'`, (value) => `${value}x`],
  ['{v}{v}', (value) => value + value],
];

describe('a rendered value reaches the program as it is', () => {
  test.each(CONTEXTS)('hostile values in %s', (context, expected) => {
    for (const shell of SHELLS) {
      const commandLine = HOSTILE.map((v) => render(`printf '%s\\0' ${context}`, { v })).join('\n');
      expect(argumentsOf(commandLine, shell)).toEqual(HOSTILE.map(expected));
    }
    expect(existsSync(join(folder, 'canary'))).toBe(false);
  });

  test.each(CONTEXTS)('any text in %s', (context, expected) => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...`'"\\$\`(){}\n #;&|<>*?~!=-a`) }));
    fc.assert(
      fc.property(
        fc.array(
          text.map((value) => value.replaceAll('\0', '')),
          { minLength: 1, maxLength: 50 },
        ),
        (values) => {
          const commandLine = values.map((v) => render(`printf '%s\\0' ${context}`, { v })).join('\n');
          expect(argumentsOf(commandLine)).toEqual(values.map(expected));
        },
      ),
      { numRuns: 30 },
    );
  });

  test.each(CONTEXTS)('100 kB of quotes in %s', (context, expected) => {
    const v = `'"$\`\\ é`.repeat(100_000 / 8);
    expect(argumentsOf(render(`printf '%s\\0' ${context}`, { v }))).toEqual([expected(v)]);
  });

  test('values that are not text are written as JSON', () => {
    const params = { n: 0.1, yes: true, none: null, list: [1, "a'b"], object: { 'k"': '$x' } };
    expect(argumentsOf(render(`printf '%s\\0' {n} {yes} '{none}' {list} "{object}"`, params))).toEqual(['0.1', 'true', 'null', '[1,"a\'b"]', '{"k\\"":"$x"}']);
  });

  test('a digit before > stays an argument and does not name a file descriptor', () => {
    argumentsOf(render("printf '%s\\0' {v}>redirected", { v: 2 }));
    expect(argumentsOf('cat redirected')).toEqual(['2']);
  });
});

describe('whatever the template, a value is never run', () => {
  const CANARY = 'canary-ran';
  const FRAGMENTS = [
    ...[
      `'`,
      `"`,
      '`',
      '$(',
      ')',
      '(',
      '((',
      '))',
      '${x:-',
      '${x#',
      '${#x}',
      '}',
      '\\',
      '\n',
      '\\\n',
      '#',
      ' ',
      ' ',
      'a',
      '{{',
      '}}',
      '$',
      "$'",
      '$"',
      ';',
      '&&',
      '|',
      '>f',
      '<',
    ],
    ...['<<E\n', '\nE\n', '$((1+', 'case x in x)', ';; esac', 'echo ', 'x=', ':'],
  ];
  const VALUES = [
    `;>${CANARY};`,
    `$(>${CANARY})`,
    `\`>${CANARY}\``,
    `';>${CANARY};'`,
    `";>${CANARY};"`,
    `\\';>${CANARY};'`,
    `\n>${CANARY}\n`,
    `)>${CANARY};(`,
    `}>${CANARY};`,
  ];
  const template = fc
    .tuple(fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 9 }), fc.array(fc.constantFrom(...FRAGMENTS, '{v}'), { maxLength: 6 }))
    .map(([before, after]) => `${before.join('')}{v}${after.join('')}`);

  function neverRuns(text: string): void {
    const parsed = parseTemplate(text);
    if ('problem' in parsed) return;
    for (const v of VALUES) {
      for (const shell of SHELLS) {
        spawnSync(shell[0], [...shell[1], '-c', renderTemplate(parsed.template, { v })], {
          cwd: folder,
          stdio: 'ignore',
          timeout: 5_000,
          env: { PATH: '/nowhere' },
        });
        if (readdirSync(folder).includes(CANARY)) {
          rmSync(join(folder, CANARY));
          throw new Error(`${shell[0]} ran the value of ${JSON.stringify(text)}: ${JSON.stringify(renderTemplate(parsed.template, { v }))}`);
        }
      }
    }
  }

  test('the check itself notices a value that runs', () => {
    spawnSync(SHELLS[0]![0], ['-c', `echo ${VALUES[0]}`], { cwd: folder, env: { PATH: '/nowhere' } });
    expect(existsSync(join(folder, CANARY))).toBe(true);
    rmSync(join(folder, CANARY));
  });

  test('templates made of the shell’s own syntax', () => {
    fc.assert(fc.property(template, neverRuns), { numRuns: Number(process.env['DROVER_FUZZ_RUNS'] ?? 150) });
  }, 600_000);

  test.each([
    `echo "$(basename "x (1)")" {v} ""`,
    `echo "$(basename "x) (1)")" {v}`,
    `echo $'it\\'s' {v}'`,
    `echo "$(case x in x) echo {v};; esac)"`,
    `echo a\\\n#'\n{v}'`,
    "echo `echo '` {v} `'`",
    `echo "\${x:-"it's"}" {v} '`,
    `: >#'\n{v}'`,
  ])('%s', neverRuns);
});

describe('a placeholder is refused where no quoting is safe', () => {
  test.each([
    ['echo $(cat {v})', '$(…)'],
    ['echo "$(cat "{v}")"', '$(…)'],
    ['echo $(echo (a) {v})', '$(…)'],
    ['echo `cat {v}`', 'backticks'],
    ['echo "`cat {v}`"', 'backticks'],
    ['echo ${x:-{v}}', '${…}'],
    ['echo "${x:-{v}}"', '${…}'],
    ['cat <<END\n{v}\nEND', 'a here-document'],
    ["cat <<'END'\n{v}\nEND", 'a here-document'],
    ['echo a # {v}', 'a comment'],
    ['# {v}', 'a comment'],
    ['((x = {v}))', '((…))'],
    ["echo $'{v}'", "$'…'"],
    ['echo "$(case a in a) {v};; esac)"', 'case inside $(…)'],
  ])('%s', (text, where) => {
    const problem = problemOf(text);
    expect(problem).toContain('{v}');
    expect(problem).toContain(where);
  });

  test.each([
    'echo $(date) {v}',
    'echo "$(basename "x (1)")" {v}',
    'echo `date` {v}',
    'echo ${HOME} {v}',
    'echo "${x:-y}" {v}',
    "echo it\\'s {v}",
    'echo a#b {v}',
    'echo # a comment\necho {v}',
    `echo '$(' {v}`,
    `echo "it's" {v}`,
    'cat <<<{v}',
    '(cd x && echo {v})',
    'x={v}; echo "$(cat "$x")"',
  ])('but not after it: %s', (text) => {
    expect(problemOf(text)).toBe('');
  });
});

describe('what is a placeholder', () => {
  test('doubled braces stand for braces', () => {
    expect(render(`awk '{{print $1}}' {v}`, { v: 'f' })).toBe(`awk '{print $1}' 'f'`);
    expect(render('{{v}} {{{v}}}', { v: 1 })).toBe(`{v} {'1'}`);
  });

  test('braces around anything but a name are left alone', () => {
    const text = "awk '{print $1}' {} {1} {a,b} { echo; }";
    expect(render(text, {})).toBe(text);
  });

  test.each(['echo ${v}', 'echo "${v}"', "sh -c 'echo ${v}'"])('a name after $ belongs to the shell: %s', (text) => {
    expect(render(text, {})).toBe(text);
  });

  test('a backslash before the brace makes it text', () => {
    expect(render('echo \\{v}', {})).toBe('echo \\{v}');
  });

  test('the names are listed once each, in order', () => {
    const result = parseTemplate('{b} {a} {b} {learning.rate-2}');
    expect('template' in result && result.template.names).toEqual(['b', 'a', 'learning.rate-2']);
  });

  test('an unknown name is refused and named, and the known ones are told', () => {
    const problem = problemOf('train --lr {lr} --x {lrr} {y}', ['lr', 'units']);
    expect(problem).toContain('{lrr}, {y}');
    expect(problem).toContain('lr, units');
    expect(problemOf('echo {constructor}', [])).toContain('{constructor}');
  });

  test('empty, endless and broken commands are refused', () => {
    expect(problemOf('  \n')).toContain('empty');
    expect(problemOf('x'.repeat(64 * 1024 + 1))).toContain('65536');
    expect(problemOf('a\0b')).toContain('NUL');
    expect(problemOf("echo 'open")).toContain('quote');
    expect(problemOf('echo "open')).toContain('quote');
    expect(problemOf("echo 'it's'")).toContain('quote');
  });

  test('a text without placeholders is rendered as it is, apart from doubled braces', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`'"\\$\`()\n #;<a `) }), (text) => {
        const result = parseTemplate(text);
        if ('template' in result) expect(renderTemplate(result.template, {})).toBe(text);
      }),
    );
  });
});

describe('words after --', () => {
  test('one word is the template as typed', () => {
    expect(commandFromWords(['python train.py --lr {lr} | tee log'])).toBe('python train.py --lr {lr} | tee log');
  });

  test('several words reach the program as they are', () => {
    const words = HOSTILE.filter((word) => word !== '{v}' && word !== '{{v}}');
    const commandLine = render(commandFromWords(['printf', '%s\\0', ...words]), {});
    expect(argumentsOf(commandLine)).toEqual(words);
  });

  test('plain words stay readable, words that a shell would act on are quoted', () => {
    expect(commandFromWords(['python', 'train.py', '--lr=0.1', 'a/b:c'])).toBe('python train.py --lr=0.1 a/b:c');
    expect(['A=1', 'if', '', 'a b', '$x'].map(shellQuote)).toEqual(["'A=1'", "'if'", "''", "'a b'", "'$x'"]);
  });

  test('a placeholder in a word is filled in', () => {
    expect(argumentsOf(render(commandFromWords(['printf', '%s\\0', "it's {v}", '{v}']), { v: "a'b" }))).toEqual(["it's a'b", "a'b"]);
  });
});
