// npm run simulate: bundles the simulation, with stand-ins for Node's disk, processes and randomness, and runs its seeds.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { rolldown } from 'rolldown';

import { ROOT } from './step.mjs';

const SIMULATION = join(ROOT, 'test', 'simulation');
const STAND_INS = {
  'node:fs': 'fs.ts',
  'node:fs/promises': 'fs-promises.ts',
  'node:crypto': 'crypto.ts',
  'node:child_process': 'child-process.ts',
};

/** What is below src/ gets the simulated disk, and nothing else does. */
const standIns = {
  name: 'stand-ins',
  resolveId(source, importer) {
    if (importer?.startsWith(join(ROOT, 'src') + sep)) {
      if (source === 'libsql') return '\0libsql';
      if (source in STAND_INS) return join(SIMULATION, 'stand-ins', STAND_INS[source]);
    }
    return /^[./\0]/.test(source) ? null : { id: source, external: true };
  },
  load(id) {
    if (id !== '\0libsql') return null;
    return `export { Database as default } from ${JSON.stringify(join(SIMULATION, 'stand-ins', 'libsql.ts'))};`;
  },
};

export async function bundleSimulation(file, plugins = []) {
  const bundle = await rolldown({
    input: join(SIMULATION, 'main.ts'),
    platform: 'node',
    plugins: [standIns, ...plugins],
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false, sourcemap: 'inline' });
  await bundle.close();
}

/** Calls back with the result of each run; resolves when all processes have ended. */
export async function runSeeds(file, { from, seeds, args = [], onResult }) {
  const processes = Math.min(availableParallelism(), seeds);
  const share = (index) => ['--from', String(from + index), '--seeds', String(seeds - index), '--step', String(processes), ...args];
  await Promise.all(Array.from({ length: processes }, (_, index) => runProcess(file, share(index), onResult)));
}

async function runProcess(file, args, onResult) {
  const child = spawn(process.execPath, ['--enable-source-maps', '--max-semi-space-size=32', file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) onResult(JSON.parse(line), () => child.kill());
  const { code, signal } = await ended;
  if (code !== 0 && code !== 1 && signal !== 'SIGTERM') throw new Error(`The simulation ended with ${signal ?? code}.`);
}

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '300' }, from: { type: 'string', default: '1' }, trace: { type: 'boolean', default: false } },
});
const file = join(ROOT, 'test-output', 'simulation', 'main.mjs');
mkdirSync(join(ROOT, 'test-output', 'simulation'), { recursive: true });
await bundleSimulation(file);
await runSeeds(file, { from: Number(values.from), seeds: Number(values.seeds), args: values.trace ? ['--trace'] : ['--all'], onResult: (result) => console.log(JSON.stringify(result)) });
