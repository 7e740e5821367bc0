// Does what the documents say: every block of shell commands on these pages runs, in order, page by page, with a real server and
// real agents, in a home directory of its own. What a reader does by hand is done here by these rules:
//
// - `drover up`, `drover server` and `npm start` (which is `drover up --example digits`) keep a terminal busy: they run in the
//   background, and the next line waits until they listen. The line `# Ctrl-C` ends the newest of them.
// - Other lines with npm are not run; package.json must know them.
// - A block behind "Save this as `name`" becomes that file, in the current directory.
// - `<!-- on the second machine -->` above a block: it runs in another home and directory, without this machine's settings.
// - `<!-- not run: reason -->` above a block: it does not run, and is listed below.
// - Names that a reader replaces are replaced by standIns().
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';

import { openPool } from '../../src/store/postgres.ts';
import { openStage, type Stage } from '../support/drover.ts';
import { eventually } from '../support/eventually.ts';
import { J, JD_WORKER_CLI } from '../support/jd.ts';
import { startPostgres } from '../support/postgres.ts';
import { kill, processesWith } from '../support/program.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGE_LIMIT_MS = 120_000;
const DATABASE = 'postgres://drover:SECRET@db.example.org/drover';

/** Blocks that no test can run, with the reason that their page gives. */
const NOT_RUN = ['docs/how-to/secure-a-server.md: needs a server behind a TLS proxy'];

interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** What the comment right above it says. */
  readonly remark: string;
  /** A block to be saved under this name. */
  readonly file: string | null;
}

const pages = ['README.md', ...pagesIn('docs/tutorials'), ...pagesIn('docs/how-to'), 'docs/protocol.md'];
const blocks = pages.flatMap(blocksOf);
const toldPages = pages.filter((page) => blocks.some((block) => block.page === page && runs(block)));

function pagesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `${folder}/${name}`);
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(/^(?:<!-- (.+) -->\n)?```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => {
    const before = text.slice(0, match.index);
    const file = /Save this as `([\w.-]+)`[^\n]*:\n\n$/.exec(before)?.[1] ?? null;
    return { page, line: before.split('\n').length, language: match[2]!, text: match[3]!, remark: match[1] ?? '', file };
  });
}

function runs({ language, remark }: Block): boolean {
  return language === 'sh' && !remark.startsWith('not run');
}

/** What stands in the documents for something of the reader's own, and what stands for it here. */
function standIns(place: { url: string; scratch: string; database: string }): [string, string][] {
  return [
    ['http://YOUR-SERVER:5000', place.url],
    ['http://127.0.0.1:5000', place.url],
    ['jd_…', '$(new_key)'],
    // Tests stay on the loopback network.
    ['--host 0.0.0.0', '--host 127.0.0.1'],
    ['/tmp/scratch', place.scratch],
    [DATABASE, place.database],
  ];
}

/** The tools of a page's script. A reply of curl that is an error fails, also where the page does not say -f. */
const TOOLS = `
in_terminal() {
  : >"$STAGE/terminal.log"
  "$@" >>"$STAGE/terminal.log" 2>&1 &
  terminal=$!
  until grep -q 'Ctrl-C' "$STAGE/terminal.log"; do
    kill -0 "$terminal" || { cat "$STAGE/terminal.log" >&2; return 1; }
    sleep 0.05
  done
}
ctrl_c() {
  kill -INT "$terminal"
  wait "$terminal" || true
}
new_key() { HOME="$STAGE/home" DROVER_API_KEY= DROVER_PORT="$FIRST_PORT" drover key create --name stand-in --quiet; }
on_second_machine() (
  cd "$STAGE/second"
  export HOME="$STAGE/second" DROVER_PORT=
  if [ -e .settings ]; then . ./.settings; fi
  . "$1"
  export -p >.settings
)
curl() { command curl -f "$@"; }
`;

function scriptOf(stage: Stage, page: string, replace: [string, string][]): string {
  const parts = blocks
    .filter((block) => block.page === page)
    .map((block, index) => {
      const text = replace.reduce((all, [name, value]) => all.replaceAll(name, value), block.text);
      if (block.file !== null) return `cat >${block.file} <<'END OF FILE'\n${text}END OF FILE\n`;
      if (!runs(block)) return '';
      const commands = text.split('\n').map(commandOf).join('\n');
      const title = `echo '@@ ${block.page}:${block.line}'\n`;
      if (block.remark !== 'on the second machine') return title + commands;
      return `${title}on_second_machine ${stage.file(`block-${index}.sh`, commands)}\n`;
    });
  return `${TOOLS}\n${parts.join('\n')}\necho '@@ over'\n`;
}

function commandOf(line: string): string {
  if (/^npm start\b/.test(line)) return 'in_terminal drover up --example digits';
  if (line.startsWith('npm ')) return ':';
  if (/^drover (up|server)\b/.test(line)) return `in_terminal ${line}`;
  return line.startsWith('# Ctrl-C') ? 'ctrl_c' : line;
}

/** A directory that looks like a clone in which a reader stands, with `drover` on the path. */
function prepare(stage: Stage): string {
  const wrapper = stage.file('bin/drover', `#!/bin/sh\nexec '${stage.program.join("' '")}' "$@"\n`);
  chmodSync(wrapper, 0o755);
  chmodSync(stage.file('bin/jd_worker_cli', `#!/bin/sh\nexec '${stage.program[0]}' '${JD_WORKER_CLI}' "$@"\n`), 0o755);
  chmodSync(stage.file('bin/j', `#!/bin/sh\nexec '${stage.program[0]}' '${J}' "$@"\n`), 0o755);
  for (const name of ['examples', 'python']) symlinkSync(join(ROOT, name), stage.path('work', name));
  const second = stage.path('second');
  mkdirSync(second);
  stage.atEnd(() => processesWith('HOME', second).forEach((pid) => kill(pid, 'SIGKILL')));
  return stage.path('bin');
}

const missing = ['bash', 'curl', 'jq', 'python3', 'timeout'].filter((program) => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`]);
    return false;
  } catch {
    return true;
  }
});
if (missing.length > 0) process.stderr.write(`The commands of the documents are not run: ${missing.join(', ')} not installed.\n`);

// Most of a page is waiting, so several go on side by side.
describe.concurrent('the commands of', () => {
  test.skipIf(missing.length > 0).for(toldPages)('%s', { timeout: PAGE_LIMIT_MS + 60_000 }, async (page, context) => {
    const database = blocks.some((block) => block.page === page && block.text.includes(DATABASE)) ? await ownDatabase(context) : '';
    if (database === null) return context.skip('there is no PostgreSQL');
    const stage = openStage(context);
    const bin = prepare(stage);
    const port = String(await stage.freePort());
    const script = scriptOf(stage, page, standIns({ url: `http://127.0.0.1:${port}`, scratch: stage.path('scratch'), database }));
    const program = stage.start(['bash', '-e', stage.file('page.sh', script)], {
      ...{ PATH: `${bin}:${stage.env['PATH']}`, STAGE: stage.directory, DROVER_PORT: port, FIRST_PORT: port },
      // As a reader has it: everything in the home directory.
      ...{ JD_WORKSPACE_PATH: '', JD_CACHE_PATH: '' },
    });
    const said = (): string => program.output().slice(program.output().lastIndexOf('@@ ') + 3);
    await eventually(
      () => {
        if (!program.hasExited()) throw new Error(`${said()}\n${stage.read('terminal.log').slice(-2_000)}`);
      },
      { within: PAGE_LIMIT_MS },
    );
    expect(said(), `the block at this line ended with an error:\n${said()}\n${stage.read('terminal.log').slice(-2_000)}`).toMatch(/^over\n/);
  });
});

test('npm commands of the documents exist, and `npm start` is what this test takes it for', () => {
  const { scripts, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string>; bin: Record<string, string> };
  const named = blocks.filter(runs).flatMap(({ text }) => [...text.matchAll(/^npm (?:run )?([\w-]+)/gm)].map((match) => match[1]!));
  expect(named).toEqual(expect.arrayContaining(['start', 'test', 'link']));
  for (const name of named) expect(name === 'link' ? bin['drover'] : scripts[name], `npm ${name}`).toBeDefined();
  expect(readFileSync(join(ROOT, 'scripts/start.mjs'), 'utf8')).toContain("'up', '--example', 'digits'");
});

test('only the blocks that are known are not run, and each says why', () => {
  const kept = blocks.filter(({ language, remark }) => language === 'sh' && remark.startsWith('not run'));
  expect(kept.map(({ page, remark }) => `${page}: ${remark.replace(/^not run:? ?/, '')}`)).toEqual(NOT_RUN);
  process.stdout.write(
    `Of ${blocks.filter(({ language }) => language === 'sh').length} blocks of commands on ${toldPages.length} pages ${kept.length} is not run.\n`,
  );
});

/** A schema of its own, which goes with the test; null when there is no PostgreSQL. */
async function ownDatabase({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): Promise<string | null> {
  const server = await startPostgres();
  if (server === null) return null;
  const schema = `docs_${process.pid}`;
  const run = async (statement: string): Promise<void> => {
    const pool = openPool(server.url, null);
    await pool.query(statement);
    await pool.end();
  };
  await run(`create schema ${schema}`);
  onTestFinished(async () => {
    await run(`drop schema ${schema} cascade`);
    await server.stop();
  });
  const url = new URL(server.url);
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href.replaceAll('+', '%20');
}
