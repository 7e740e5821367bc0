// `npm test`: sets up, runs vitest and the Python tests, and prints `N passed, N failed` as its last line.
// Arguments go to vitest (`npm test -- src/core`); with some, the Python tests run only if one of them is `python`.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { CHROMIUM_MISSING, findChromium } from './chromium.mjs';
import { setUp } from './setup.mjs';
import { ROOT, StepFailed, main, packageProgram, runAloud, step } from './step.mjs';
import { addCounts, countLine, countPython, countVitest, readReport } from './test-count.mjs';

const OUTPUT = join(ROOT, 'test-output');
const VITEST_REPORT = join(OUTPUT, 'vitest.json');
const PYTHON_REPORT = join(OUTPUT, 'python.json');

await main(async () => {
  const args = process.argv.slice(2);
  const forVitest = args.filter((arg) => arg !== 'python');
  const counts = [];
  try {
    await setUp();
    mkdirSync(OUTPUT, { recursive: true });
    if (args.length === 0 || forVitest.some((arg) => arg.includes('browser'))) await provideChromium();
    if (args.length === 0 || forVitest.length > 0) counts.push(await runVitest(forVitest));
    if (args.length === 0 || args.includes('python')) counts.push(await runPython());
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    counts.push({ passed: 0, failed: 1, skipped: 0, reasons: [`the set-up failed: ${error.message}`] });
  }
  report(addCounts(counts));
});

async function runVitest(args) {
  rmSync(VITEST_REPORT, { force: true });
  const status = await runAloud(process.execPath, [packageProgram('vitest/vitest.mjs'), 'run', ...args]);
  return countVitest(readReport(VITEST_REPORT), status);
}

async function runPython() {
  rmSync(PYTHON_REPORT, { force: true });
  const status = await runAloud('python3', ['-B', 'scripts/run-python-tests.py', PYTHON_REPORT]);
  return countPython(readReport(PYTHON_REPORT), status);
}

/** Installs Chromium where that is ours to do; elsewhere the browser tests fail with a sentence that says what to install. */
async function provideChromium() {
  if (findChromium() !== null) return;
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get') && !process.env.CHROMIUM_PATH;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const installed =
    mayInstall &&
    (await step('package lists', 'apt-get', ['update', '-qq'], { env })) &&
    (await step('Chromium', 'apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env }));
  if (!installed) process.stderr.write(`${CHROMIUM_MISSING}\n`);
}

function report(total) {
  for (const reason of total.reasons) process.stdout.write(`failed: ${reason}\n`);
  if (total.skipped > 0) process.stdout.write(`${total.skipped} skipped\n`);
  const nothing = total.passed + total.failed === 0;
  if (nothing) process.stdout.write('No test ran.\n');
  process.stdout.write(`${countLine(total)}\n`);
  process.exitCode = nothing || total.failed > 0 ? 1 : 0;
}
