// The shell: one line after the other, with a history, completion and an experiment that stays. It works without a server, too.
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { callbackify } from 'node:util';

import type { Configuration } from '../../runtime/config.ts';
import type { CliDependencies } from '../dependencies.ts';
import { EXIT, isApiError, usageError } from '../failure.ts';
import { checkExperimentName } from '../launch-checks.ts';
import { askHidden } from '../prompt.ts';
import { historyFile } from './about.ts';
import { openCall, settingsOf, workersHere, type Session } from './call.ts';
import { parseLine, splitLine, type Line } from './grammar.ts';
import { openHistory, type History } from './history.ts';
import { complain, runLine } from './run.ts';
import { completeLine, type Names } from './shell-completion.ts';

/** `first` may name the experiment to begin with. */
export async function runShell(session: Session, first: Line): Promise<number> {
  const { dependencies } = session;
  const call = await openCall(session, first);
  const settings = await settingsOf(call.context);
  session.experiment = settings.experiment;
  session.api_key = first.values.api_key ?? null;
  const { stdin } = dependencies;
  if (stdin.isTTY !== true) return runPiped(session, first);
  dependencies.stdout.write(`jd_worker_cli ${dependencies.version}, interactive mode\nType help for commands, exit or Ctrl-D to quit.\n`);
  await greet(session);
  return converse(session, openHistory(historyFile(settings, dependencies)));
}

async function converse(session: Session, history: History): Promise<number> {
  const { stdout } = session.dependencies;
  const typed: Typed[] = [];
  for (;;) {
    const line = typed.shift() ?? (await readTyped(session, { history: history.lines(), typed }));
    if (line === 'end') break;
    if (line === 'cancelled') continue;
    history.add(line.text);
    if ((await obey(session, line.text, runWatched)) === 'exit') return EXIT.ok;
  }
  stdout.write('\n');
  return EXIT.ok;
}

/** Lines from a file or a pipe. The code of the last one that failed. */
async function runPiped(session: Session, first: Line): Promise<number> {
  let text = '';
  for await (const piece of session.dependencies.stdin) text += String(piece);
  // Somebody wanted workers, with all that they need in the environment.
  if (text.trim() === '' && first.command === null) {
    throw usageError('Without a word this is a shell, and there was nothing to read. To start workers: jd_worker_cli expId=NAME entry_script=FILE');
  }
  let code: number = EXIT.ok;
  for (const line of text.split('\n')) {
    const result = await obey(session, line, runLine);
    if (result === 'exit') break;
    if (result !== EXIT.ok) code = result;
  }
  return code;
}

type Runner = (session: Session, line: Line) => Promise<number>;

async function obey(session: Session, text: string, run: Runner): Promise<number | 'exit'> {
  try {
    const words = splitLine(text);
    const [word, ...rest] = words;
    if (word === undefined || word.startsWith('#')) return EXIT.ok;
    if (/^(exit|quit|\\q)$/i.test(word)) return 'exit';
    if (/^use$/i.test(word)) return use(session, rest);
    const line = parseLine(word === '\\h' ? ['help', ...rest] : words);
    if (line.command === 'interactive') throw usageError('This is the interactive mode already.');
    return await run(session, line);
  } catch (error) {
    return complain(session.dependencies, error);
  }
}

function use(session: Session, words: readonly string[]): number {
  const { stdout } = session.dependencies;
  const [given, ...more] = words;
  if (more.length > 0) throw usageError('use takes one experiment.');
  const name = given?.replace(/^expId=/i, '');
  if (name === undefined) stdout.write(session.experiment === null ? 'No experiment is set: use NAME\n' : `Using experiment '${session.experiment}'.\n`);
  else {
    checkExperimentName(name);
    session.experiment = name;
    stdout.write(`Using experiment '${name}'.\n`);
  }
  return EXIT.ok;
}

/** Ctrl-C leaves a command that waits; those that go on until Ctrl-C end by themselves. */
async function runWatched(session: Session, line: Line): Promise<number> {
  const { onInterrupt, exit, stderr } = session.dependencies;
  const endsItself = line.command === 'worker-logs' || line.command === null;
  let leave = (): void => undefined;
  const interrupted = new Promise<number>((resolve) => (leave = () => resolve(EXIT.interrupted)));
  const release = onInterrupt((signal) => {
    if (signal !== 'SIGINT') return exit(EXIT.interrupted);
    if (endsItself) return;
    stderr.write('\nNo longer waited for. What was told before goes on.\n');
    leave();
  });
  try {
    return await Promise.race([runLine(session, line), interrupted]);
  } finally {
    release();
  }
}

type Typed = { readonly text: string } | 'cancelled' | 'end';

/** An interface for one line only, so that a command has the terminal for itself. Lines that were pasted together wait in `typed`. */
function readTyped(session: Session, { history, typed }: { history: readonly string[]; typed: Typed[] }): Promise<Typed> {
  const { stdin, stdout } = session.dependencies;
  const names = namesFor(session);
  let result: Typed | null = null;
  return new Promise((resolve) => {
    const reader = createInterface({
      ...{ input: stdin, output: stdout, terminal: true, history: [...history], historySize: history.length + 1 },
      prompt: session.experiment === null ? 'jd> ' : `jd[${session.experiment}]> `,
      completer: callbackify(async (line: string): Promise<[string[], string]> => {
        const found = await completeLine(line, names).catch((): [string[], string] => [[], line]);
        // The line may have been left meanwhile.
        return result === null ? found : [[], line];
      }),
    });
    const settle = (how: Typed): void => {
      if (result !== null) return void typed.push(how);
      result = how;
      // What was pasted behind it comes in the same turn.
      queueMicrotask(() => {
        reader.close();
        resolve(result!);
      });
    };
    reader.on('line', (text) => settle({ text }));
    reader.on('SIGINT', () => {
      stdout.write('^C\n');
      settle('cancelled');
    });
    reader.on('close', () => (result === null ? settle('end') : undefined));
    reader.prompt();
  });
}

/** A server that does not answer must not freeze the shell. */
const PATIENCE_MS = 1_500;

export function namesFor(session: Session): Names {
  const call = () => openCall(session, { command: null, words: [], values: {} });
  const here = async (experiment: string | null) => {
    const found = await workersHere(await call(), experiment);
    return [...found.workers, ...found.of_all];
  };
  return {
    async experiments() {
      const local = (await here(null)).flatMap(({ agent }) => agent.experiments ?? []);
      return [...new Set([...local, ...(await inTime(session.dependencies, () => experimentsOfServer(session)))])].toSorted();
    },
    workers: async () => (await here(session.experiment)).map(({ worker_id: id }) => id),
    paths: (partial) => pathsFrom(session.dependencies, partial),
  };
}

async function experimentsOfServer(session: Session): Promise<string[]> {
  const { client } = await (await openCall(session, { command: null, words: [], values: {} })).context.connection();
  return (await client.experiments.list({})).experiments.map(({ name }) => name);
}

async function inTime(dependencies: CliDependencies, question: () => Promise<string[]>): Promise<string[]> {
  const over = new AbortController();
  try {
    return await Promise.race([question(), dependencies.clock.sleep(PATIENCE_MS, over.signal).then(() => [])]);
  } catch {
    return [];
  } finally {
    over.abort();
  }
}

function pathsFrom({ cwd, home }: CliDependencies, partial: string): string[] {
  const folder = partial.slice(0, partial.lastIndexOf('/') + 1);
  const place = folder === '' ? cwd : folder.replace(/^~(?=\/)/, home);
  try {
    return readdirSync(place.startsWith('/') ? place : `${cwd}/${place}`, { withFileTypes: true })
      .filter(({ name }) => !name.startsWith('.') || dirname(partial) !== '.')
      .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`);
  } catch {
    return [];
  }
}

/** Says whether the server is there, and asks for a key when it wants one. */
async function greet(session: Session): Promise<void> {
  const { stdout, clock } = session.dependencies;
  const over = new AbortController();
  const look = async (): Promise<'opens' | 'wants a key' | 'silent'> => {
    const { client } = await (await openCall(session, { command: null, words: [], values: {} })).context.connection();
    return client.access.whoami({}).then(
      () => 'opens' as const,
      (error: unknown) => (isApiError(error) && error.code === 'unauthenticated' ? ('wants a key' as const) : ('silent' as const)),
    );
  };
  const patiently = (): ReturnType<typeof look> => Promise.race([look(), clock.sleep(PATIENCE_MS, over.signal).then(() => 'silent' as const)]);
  const { context } = await openCall(session, { command: null, words: [], values: {} });
  const { url, api_key: given } = await context.connection();
  let found = await patiently();
  if (found === 'silent') stdout.write(`No server answers at ${url}. What concerns this machine works all the same.\n`);
  if (found === 'wants a key') {
    const named = given === null ? `${url} wants an API key` : `${url} does not accept the API key of ${keySource(await context.configuration())}. Another one`;
    for (let question = named; found === 'wants a key'; question = 'This key was not accepted. Another one') {
      session.api_key = await askKey(session, `${question} (Enter: go on without): `);
      if (session.api_key === null) break;
      found = await patiently();
    }
    if (found === 'silent') stdout.write(`Whether this key is right could not be seen: ${url} does not answer any more.\n`);
    if (session.api_key === null) stdout.write('Without a key, what concerns this machine works all the same.\n');
  }
  over.abort();
}

/** Where the key stands that was used without being typed here. */
function keySource({ sources, user_file }: Configuration): string {
  const { name } = sources.api_key;
  return name ?? user_file;
}

async function askKey(session: Session, question: string): Promise<string | null> {
  const { API_KEY } = await import('../../runtime/config.ts');
  const again = `No API key looks like that: it is one word of plain letters, digits and signs. Copy the whole of it.\n${question}`;
  const { stdin, stdout } = session.dependencies;
  let key = (await askHidden({ stdin, output: stdout }, question)).trim();
  while (key !== '' && !API_KEY.test(key)) key = (await askHidden({ stdin, output: stdout }, again)).trim();
  return key === '' ? null : key;
}
