// Runs the programs that set-up and checks consist of: one line for each, its whole output only when it fails.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Thrown for failures that are already explained on the screen. */
export class StepFailed extends Error {}

/** Path of a program that a package brings, for `node`. */
export function packageProgram(path) {
  return fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
}

/** Runs a program and collects what it prints. Never rejects: a program that cannot start has the status 127. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const pieces = [];
    child.stdout?.on('data', (piece) => pieces.push(piece));
    child.stderr?.on('data', (piece) => pieces.push(piece));
    child.on('error', (error) => resolve({ status: 127, output: `${command}: ${error.message}\n` }));
    child.on('close', (code, signal) =>
      resolve({ status: code ?? 128, output: Buffer.concat(pieces).toString() + (signal === null ? '' : `ended by ${signal}\n`) }),
    );
  });
}

/** Runs a program that writes to our own output; the reply is its exit status. */
export async function runAloud(command, args, options = {}) {
  const { status, output } = await run(command, args, { stdio: 'inherit', ...options });
  if (output !== '') process.stderr.write(output);
  return status;
}

/** One step: `title … 1.2 s`. On failure its output is printed; the reply says whether it succeeded. */
export async function step(title, command, args, options = {}) {
  const { out = process.stderr, ...spawnOptions } = options;
  const started = performance.now();
  const { status, output } = await run(command, args, spawnOptions);
  out.write(`${status === 0 ? '✓' : '✗'} ${title}  ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  if (status !== 0) out.write(`${output.trimEnd()}\n`);
  return status === 0;
}

/** A step without which nothing after it makes sense. */
export async function requiredStep(title, command, args, options = {}) {
  if (!(await step(title, command, args, options))) throw new StepFailed(title);
}

/** The options of a script; what it does not know is told with its usage. */
export function parseWords(options, usage) {
  try {
    return parseArgs({ options });
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}`);
    throw new StepFailed('usage');
  }
}

/** Runs a script's main function; failures that were explained end it with status 1 and no stack trace. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    process.exitCode = 1;
  }
}
