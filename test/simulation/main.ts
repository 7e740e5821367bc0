// The program behind `npm run simulate`: runs seeds one after the other and tells of the first promise that was broken.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { simulate, type RunResult } from './simulation.ts';
import { makeTemplate } from './template.ts';
import { Killed } from './world.ts';

interface Arguments {
  readonly from: number;
  readonly seeds: number;
  /** How far it is from one seed to the next, for several processes side by side. */
  readonly step: number;
  /** Seeds of their own, before the others. */
  readonly also: readonly number[];
  readonly trace: boolean;
}

function readArguments(words: readonly string[]): Arguments {
  const value = (name: string, otherwise: number): number => {
    const at = words.indexOf(name);
    return at < 0 ? otherwise : wholeNumber(name, words[at + 1] ?? '');
  };
  const listed = words.indexOf('--also');
  const also = listed < 0 ? [] : words[listed + 1]!.split(',').map((text) => wholeNumber('--also', text));
  return { from: value('--from', 1), seeds: value('--seeds', 300), step: value('--step', 1), also, trace: words.includes('--trace') };
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (text === '' || !Number.isSafeInteger(number) || number < 0) throw new Error(`${name} takes a whole number`);
  return number;
}

function* seedsOf({ from, seeds, step, also }: Arguments): Generator<number> {
  yield* also;
  for (let seed = from; seed < from + seeds; seed += step) yield seed;
}

/** In memory where there is such a place: the simulation's fsyncs are its own. */
function workingDirectory(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'drover-simulation-'));
}

let unexpected: ((error: unknown) => void) | null = null;
process.on('unhandledRejection', (error) => {
  if (error instanceof Killed) return;
  unexpected?.(error);
});

async function main(): Promise<void> {
  const wanted = readArguments(process.argv.slice(2));
  const root = workingDirectory();
  // Told to stop in the middle, because another process has found something: nothing is left in memory.
  process.once('SIGTERM', () => {
    rmSync(root, { recursive: true, force: true });
    process.kill(process.pid, 'SIGTERM');
  });
  try {
    const template = await makeTemplate(join(root, 'template'));
    for (const seed of seedsOf(wanted)) {
      const problem: { error: unknown } = { error: null };
      unexpected = (error) => (problem.error ??= error);
      const listen = wanted.trace ? (line: string): void => void process.stdout.write(`${line}\n`) : null;
      const result = await simulate({ seed, template, directory: join(root, `run-${seed}`), listen });
      tell(result, problem.error);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** One line of JSON for each run. */
function tell(result: RunResult, error: unknown): void {
  const { violation, ...rest } = result;
  const message = violation?.message ?? (error instanceof Error ? (error.stack ?? error.message) : error === null ? null : String(error as string));
  process.stdout.write(`${JSON.stringify({ ...rest, violation: message })}\n`);
}

await main();
