// House rules on the tree itself: what neither compiler nor linter looks at.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { REFUSALS } from '../src/core/refusal.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Every file that is or would be committed, and still exists. */
const FILES = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)));

const GENERATED = /(^|\/)generated\/|^docs\/reference\/(api|cli|errors|jd-worker-cli|limits)\.md$|(^|\/)package-lock\.json$|^bench\/results\//;
const TEXT = /\.(ts|tsx|mjs|js|json|md|py|toml|sh|css|html|svg|yml|yaml|txt)$|^[^.]*$|^\.[a-z]+$/;

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const written = FILES.filter((path) => !GENERATED.test(path));
const texts = written.filter((path) => TEXT.test(path.split('/').at(-1)!) && !/\.(gz|png|csv)$/.test(path));
const code = written.filter((path) => /^(src|test|scripts|bench|python|examples)\/.*\.(ts|tsx|mjs|py)$/.test(path));
const sources = code.filter((path) => path.startsWith('src/') && !/\.(test|suite)\.tsx?$/.test(path));

/** `path:line: text` of every line that matches. */
function linesMatching(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 160)}`] : [])),
  );
}

const others = (paths: readonly string[]): string[] => paths.filter((path) => path !== 'test/tidy.test.ts');

describe('files', () => {
  test('the tree was found', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(texts).toEqual(expect.arrayContaining(['package.json', 'LICENSE', '.ci/run', 'src/core/job.ts']));
  });

  test('a source file has at most 400 lines', () => {
    const long = code.map((path) => `${path}: ${read(path).trimEnd().split('\n').length}`).filter((entry) => Number(entry.split(': ')[1]) > 400);
    expect(long).toEqual([]);
  });

  test('no file or folder has a name that says nothing', () => {
    const vague = /(^|[-_./])(util|utils|helper|helpers|common|misc|manager|managers|service|services|types|stuff|shared)([-_.]|$)/;
    expect(code.filter((path) => path.split('/').some((part) => vague.test(part)))).toEqual([]);
  });

  test('a source file says at its top what it is for', () => {
    const silent = code.filter((path) => /^(src|scripts|bench)\/.*\.(ts|tsx|mjs)$/.test(path) && !/\.(test|suite)\.(tsx?|mjs)$/.test(path));
    expect(silent.filter((path) => !/^(#!.*\n)?(\/\/|\/\*)/.test(read(path)))).toEqual([]);
  });

  test('text ends with one line end, and no line ends in a space', () => {
    const isTidy = (text: string): boolean => text === '' || (text.endsWith('\n') && !text.endsWith('\n\n'));
    expect(texts.filter((path) => !isTidy(read(path)))).toEqual([]);
    expect(linesMatching(code, /[ \t]$/)).toEqual([]);
  });
});

describe('what may not be in a file', () => {
  test('default exports, except where a tool wants one', () => {
    expect(
      linesMatching(
        code.filter((path) => !path.endsWith('.config.ts')),
        /^export default\b|\bas default\b/,
      ),
    ).toEqual([]);
  });

  test('work that was put off', () => {
    expect(linesMatching(others(code), /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  test('tests that are switched off or keep others from running', () => {
    const tests = code.filter((path) => /\.(test|suite)\.(tsx?|mjs)$|^python\/tests\//.test(path));
    expect(linesMatching(others(tests), /\b(test|it|describe|suite)\.(only|skip|todo|fails)\b|@(unittest\.)?(skip|expectedFailure)\b/)).toEqual([]);
  });

  test('the time of day, outside the runtime and the dashboard', () => {
    const pure = sources.filter((path) => !/^src\/(runtime|dashboard)\//.test(path));
    expect(linesMatching(pure, /\bnew Date\(\)|[^.\w]Date\(\)|\bprocess\.hrtime\b/)).toEqual([]);
  });

  test('the recursive mkdir of Node, which never returns where no such place can be', () => {
    const makers = sources.filter((path) => path !== 'src/runtime/make-directories.ts');
    expect(linesMatching(makers, /\bmkdir(Sync)?\(.*recursive: true/)).toEqual([]);
  });

  test('paths of somebody’s machine', () => {
    // `ann` is the somebody of examples.
    expect(linesMatching(others(texts), /(^|[^\w.~}-])\/(home\/(?!ann\b)|root\/|Users\/|work\/|workspace\/|mnt\/)[\w.-]/)).toEqual([]);
  });

  test('secrets', () => {
    const secret = /-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{30,}|\bnpm_\w{30,}|\bjd[als]?_[\w-]{32}\b|\bxox[abp]-\w{10,}/;
    expect(linesMatching(others(texts), secret)).toEqual([]);
    expect(written.filter((path) => /(^|\/)(\.env|id_rsa|.*\.pem|.*\.key)$/.test(path))).toEqual([]);
  });

  test('hosts in the lockfile: packages come from whichever registry npm is set to', () => {
    expect(linesMatching(['package-lock.json', 'bench/peers/package-lock.json'], /"resolved":/)).toEqual([]);
  });
});

describe('zones', () => {
  /** The only arrows; `main` is the composition root, `test` sees everything that runs in Node. */
  const ARROWS: Record<string, readonly string[]> = {
    core: [],
    contract: ['core'],
    runtime: ['core'],
    store: ['core', 'runtime'],
    server: ['contract', 'core', 'runtime', 'store'],
    agent: ['contract', 'core', 'runtime'],
    cli: ['contract', 'core', 'runtime'],
    job: [],
    dashboard: ['contract', 'core'],
    main: ['agent', 'cli', 'contract', 'core', 'job', 'runtime', 'server', 'store'],
    test: ['agent', 'cli', 'contract', 'core', 'job', 'runtime', 'server', 'store'],
  };
  const FOLDERS: Record<string, string> = { main: 'src', test: 'test' };
  const folderOf = (zone: string): string => FOLDERS[zone] ?? `src/${zone}`;

  interface Project {
    readonly compilerOptions?: { readonly types?: readonly string[]; readonly lib?: readonly string[] };
    readonly references: readonly { readonly path: string }[];
  }
  const project = (folder: string): Project => JSON.parse(read(join(folder, 'tsconfig.json'))) as Project;
  const zonesIn = (folder: string): string[] => project(folder).references.map(({ path }) => normalize(join(folder, path)).replace(/^src\//, ''));

  test.each(Object.keys(ARROWS))('%s refers exactly to the zones it may import', (zone) => {
    expect(zonesIn(folderOf(zone)).toSorted()).toEqual(ARROWS[zone]);
  });

  test('the build knows every zone', () => {
    const all = project('.').references.map(({ path }) => path);
    expect(all.toSorted()).toEqual(Object.keys(ARROWS).map(folderOf).toSorted());
    const folders = new Set(sources.map((path) => path.split('/')).flatMap((parts) => (parts.length > 2 ? [parts[1]!] : [])));
    expect([...folders].toSorted()).toEqual(
      Object.keys(ARROWS)
        .filter((zone) => !(zone in FOLDERS))
        .toSorted(),
    );
  });

  test.each(['core', 'contract'])('%s compiles without Node and without a browser', (zone) => {
    const { types, lib } = project(folderOf(zone)).compilerOptions!;
    expect({ types, lib }).toEqual({ types: [], lib: ['es2023'] });
  });

  /** A type-only import of one zone by another that no arrow allows would be found by the compiler; a path that climbs out of src would not. */
  test('no source imports from outside src', () => {
    const strangers = sources.flatMap((path) =>
      [...read(path).matchAll(/from '(\.[^']+)'/g)].map((match) => normalize(join(dirname(path), match[1]!))).filter((target) => !target.startsWith('src/')),
    );
    expect(strangers).toEqual([]);
  });
});

describe('what tests are said to hold', () => {
  const HOLDING = ['THREATS.md', 'docs/explanation/guarantees.md'];
  const flat = (page: string): string => read(page).replaceAll(/\s+/g, ' ');
  const isTest = (path: string): boolean => FILES.includes(path) && /\.(test|suite)\.tsx?$|^python\/tests\/.*\.py$/.test(path);
  /** The pages write: `path`: *name of the test*. */
  const NAMED = /`((?:src|test|python)\/[^`\s]+)`: \*([^*]+)\*/g;

  test.each(HOLDING)('every test that %s names exists, in the file that it names', (page) => {
    const named = [...flat(page).matchAll(NAMED)].map((match) => ({ file: match[1]!, name: match[2]! }));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ file, name }) => !isTest(file) || !read(file).replaceAll("\\'", "'").includes(name))).toEqual([]);
    // A file alone would not tell when the test in it is gone.
    expect([...flat(page).matchAll(/`((?:src|test|python)\/[^`\s]*\.(?:test|suite)\.\w+)`(?!: \*)/g)].map((match) => match[1])).toEqual([]);
  });

  test('every attempt and every promise is held by one', () => {
    const after = (page: string, heading: string): string => read(page).split(heading)[1]!.split('\n## ')[0]!;
    const tried = after('THREATS.md', '## What is tried\n')
      .split('\n')
      .filter((line) => /^\| (?!attempt )/.test(line));
    expect(tried.length).toBeGreaterThan(10);
    expect(tried.filter((line) => line.match(NAMED) === null)).toEqual([]);
    const promises = flat('docs/explanation/guarantees.md')
      .split(/ ## (?=\d)/)
      .slice(1);
    expect(promises).toHaveLength(7);
    expect(promises.filter((promise) => (promise.split('**Held by**')[1] ?? '').match(NAMED) === null)).toEqual([]);
  });
});

describe('documents', () => {
  const pages = written.filter((path) => path.endsWith('.md'));

  test('every link to a file of the repository leads somewhere', () => {
    const broken = pages.flatMap((path) =>
      [...read(path).matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1]!.split('#')[0]!)
        .filter((target) => target !== '' && !/^([a-z]+:|\/)/.test(target) && !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('the changelog has the form of keepachangelog.com, with an Unreleased section first', () => {
    const headings = read('CHANGELOG.md')
      .split('\n')
      .filter((line) => line.startsWith('#'));
    expect(headings[0]).toBe('# Changelog');
    expect(headings[1]).toBe('## [Unreleased]');
    for (const heading of headings.slice(2)) {
      expect(heading).toMatch(/^(## \[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}|### (Added|Changed|Deprecated|Removed|Fixed|Security))$/);
    }
  });

  test('decision records are numbered without a gap', () => {
    const numbers = pages.flatMap((path) => /^docs\/decisions\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1] ?? []).toSorted();
    expect(numbers).toEqual(numbers.map((_, index) => String(index + 1).padStart(4, '0')));
    expect(numbers.length).toBeGreaterThan(0);
  });

  test('the index of the documents names every page', () => {
    const index = read('docs/README.md');
    const listed = [
      ...pages,
      'docs/reference/api.md',
      'docs/reference/cli.md',
      'docs/reference/errors.md',
      'docs/reference/jd-worker-cli.md',
      'docs/reference/limits.md',
    ];
    const missing = listed
      .filter((path) => path.startsWith('docs/') && path !== 'docs/README.md')
      .filter((path) => !index.includes(`(${path.slice('docs/'.length)})`));
    expect(missing).toEqual([]);
  });
});

test('every refusal code is used by some source', () => {
  const users = sources
    .filter((path) => path !== 'src/core/refusal.ts')
    .map(read)
    .join('\n');
  expect(Object.keys(REFUSALS).filter((name) => !users.includes(`'${name}'`))).toEqual([]);
});

test('the version is one: package.json and the Python library', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const python = [
    ...FILES.filter((path) => /^python\/(pyproject\.toml|src\/jd\/(__init__|version)\.py)$/.test(path))
      .map(read)
      .join('\n')
      .matchAll(/^(?:__version__|version)\s*=\s*"([^"]+)"/gm),
  ];
  expect(python.map((match) => match[1]).filter((one) => one !== version)).toEqual([]);
});

test('what runs without a bundler imports only what an installed package brings along', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const unbundled = sources.filter((path) => !path.startsWith('src/dashboard/') && !path.endsWith('.config.ts'));
  const imported = unbundled.flatMap((path) =>
    [...read(path).matchAll(/^(?:import|export) (?!type ).*?from '([^'.][^']*)'|import\('([^'.][^']*)'\)|^} from '([^'.][^']*)'/gm)].map((match) => ({
      path,
      name: (match[1] ?? match[2] ?? match[3])!,
    })),
  );
  expect(imported.map(({ name }) => name)).toEqual(expect.arrayContaining(['undici', 'hono', 'systeminformation']));
  const missing = imported.filter(({ name }) => !name.startsWith('node:') && dependencies[/^(@[^/]+\/)?[^/]+/.exec(name)![0]] === undefined);
  expect(missing).toEqual([]);
});
