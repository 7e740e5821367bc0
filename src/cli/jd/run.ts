// Runs one line of `jd_worker_cli`, or its shell, and says with which code the process is to end. What a command needs is loaded when it runs.
import { explain, type Context } from '../context.ts';
import type { CliDependencies } from '../dependencies.ts';
import { CliFailure, endingOf, EXIT } from '../failure.ts';
import { printable } from '../terminal-text.ts';
import { ADVICE, openCall, type Call, type Session } from './call.ts';
import { maskSecrets, parseLine, type Line } from './grammar.ts';
import type { CommandName } from './words.ts';

type Body = (call: Call) => Promise<void>;

const BODIES: Readonly<Record<Exclude<CommandName, 'help' | 'interactive'>, () => Promise<Body>>> = {
  'exp-list': async () => (await import('./lists.ts')).listExperiments,
  'worker-list': async () => (await import('./lists.ts')).listWorkers,
  'exp-status': async () => (await import('./lists.ts')).showExperiment,
  'worker-status': async () => (await import('./one-worker.ts')).showWorker,
  'show-config': async () => (await import('./one-worker.ts')).showLaunch,
  'worker-logs': async () => (await import('./worker-log.ts')).printWorkerLog,
  'server-info': async () => (await import('./server-side.ts')).showCounts,
  health: async () => (await import('./server-side.ts')).checkHealth,
  where: async () => (await import('./about.ts')).showPlaces,
  version: async () => (await import('./about.ts')).showVersion,
  stop: async () => (await import('./steering.ts')).stop,
  'confirm-stop': async () => (await import('./steering.ts')).confirmStop,
  restart: async () => (await import('./steering.ts')).restart,
  scale: async () => (await import('./steering.ts')).scale,
  drain: async () => (await import('./steering.ts')).drain,
  prune: async () => (await import('./upkeep.ts')).prune,
  clear_all: async () => (await import('./upkeep.ts')).clearAll,
};

/** `words` are those after the program's name. */
export async function runJdWorkerCli(dependencies: CliDependencies, words: readonly string[]): Promise<number> {
  const isShell = (line: Line): boolean =>
    line.command === 'interactive' || (line.command === null && Object.keys(line.values).every(isOfShell) && words.length === 0);
  const session = (interactive: boolean): Session => ({ dependencies, experiment: null, api_key: null, pruned: false, interactive });
  // Asked by a shell, for what may stand at the cursor.
  if (words[0] === '__complete') {
    const { printCandidates } = await import('./ask-completion.ts');
    return printCandidates(session(false), words.slice(words[1] === '--' ? 2 : 1));
  }
  try {
    const line = parseLine(words);
    if (!isShell(line)) return await runLine(session(false), line);
    const { runShell } = await import('./shell.ts');
    return await runShell(session(true), line);
  } catch (error) {
    return complain(dependencies, error);
  }
}

function isOfShell(name: string): boolean {
  return name === 'expId';
}

/** Runs a line that was understood; its errors become a sentence and a code. */
export async function runLine(session: Session, line: Line): Promise<number> {
  let context: Context | null = null;
  try {
    if (line.command === 'help') {
      const { helpText } = await import('./help.ts');
      session.dependencies.stdout.write(helpText());
      return EXIT.ok;
    }
    const call = await openCall(session, line);
    context = call.context;
    await pruneAtStart(call);
    const body = line.command === null || line.command === 'interactive' ? (await import('./launch.ts')).launch : await BODIES[line.command]();
    await body(call);
    return EXIT.ok;
  } catch (error) {
    return complain(session.dependencies, context === null ? error : await explain(error, context, ADVICE));
  }
}

/** Once in a process, and not before a command that does it itself. */
async function pruneAtStart(call: Call): Promise<void> {
  const { session, line } = call;
  if (session.pruned || session.dependencies.env['JD_SKIP_REGISTRY_PRUNE'] === '1' || line.command === 'prune' || line.command === 'clear_all') return;
  session.pruned = true;
  const { pruneWithProgress } = await import('./upkeep.ts');
  await pruneWithProgress(call, { all: false });
}

export function complain({ stderr }: CliDependencies, error: unknown): number {
  if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.ok;
  const { message, exit_code } = endingOf(error);
  if (message !== '') stderr.write(`jd_worker_cli: ${maskSecrets(printable(message))}\n`);
  if (exit_code === EXIT.unexpected && !(error instanceof CliFailure) && error instanceof Error) stderr.write(`${maskSecrets(error.stack ?? '')}\n`);
  return exit_code;
}
