// Runs seeds of a bundled simulation in a few processes side by side.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';

/** Young objects are most of what a simulated run makes. */
const NODE_OPTIONS = ['--enable-source-maps', '--max-semi-space-size=32'];

/** The seeds from `from` on, and those of `also` before them. `onResult` gets each run's result; when it returns `stop`, no further seed is begun. Resolves when all processes have ended. */
export async function runSeeds(file, { from, seeds, also = [], processes = availableParallelism(), onResult }) {
  const count = Math.min(processes, Math.max(seeds, also.length));
  const children = Array.from({ length: count }, (_, index) => {
    const own = also.filter((_seed, place) => place % count === index);
    const range = ['--from', String(from + index), '--seeds', String(Math.max(0, seeds - index)), '--step', String(count)];
    return startProcess(file, own.length === 0 ? range : [...range, '--also', own.join(',')]);
  });
  const stop = () => children.forEach((child) => child.kill());
  await Promise.all(children.map((child) => readResults(child, (result) => (onResult(result) === 'stop' ? stop() : undefined))));
}

/** One seed, with every event of it; resolves with its result. */
export async function traceSeed(file, seed, onLine) {
  const child = startProcess(file, ['--from', String(seed), '--seeds', '1', '--trace']);
  let found = null;
  await readResults(
    child,
    (result) => (found = result),
    (line) => onLine(line),
  );
  return found;
}

function startProcess(file, args) {
  return spawn(process.execPath, [...NODE_OPTIONS, file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function readResults(child, onResult, onLine = () => undefined) {
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) onResult(JSON.parse(line));
    else onLine(line);
  }
  const { code, signal } = await ended;
  if (code !== 0 && signal !== 'SIGTERM') throw new Error(`The simulation itself broke (${signal ?? `exit code ${code}`}).`);
}
