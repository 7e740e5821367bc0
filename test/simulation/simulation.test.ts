// A slice of the simulated runs, those that once found something, and a look at whether the simulation would notice.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, expect, test } from 'vitest';

import { FOUND } from './found-seeds.ts';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Result {
  readonly seed: number;
  readonly violation: string | null;
  readonly traceHash: string;
  readonly executions: number;
}

async function simulate(...words: string[]): Promise<Result[]> {
  const { stdout } = await run(process.execPath, ['scripts/simulate.mjs', '--json', ...words], { cwd: ROOT, maxBuffer: 256 * 1024 * 1024 }).catch(
    (error: unknown) => error as { stdout: string },
  );
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Result).sort((a, b) => a.seed - b.seed);
}

const broken = (results: readonly Result[]): string[] => results.flatMap(({ seed, violation }) => (violation === null ? [] : [`seed ${seed}: ${violation}`]));

let slice: Result[] = [];
let found: Result[] = [];
beforeAll(async () => {
  const results = await simulate('--seeds', '300', '--also', FOUND.map(({ seed }) => seed).join(','), '--keep-going');
  // Some of those that once found something are among the 300, too.
  slice = results.filter(({ seed }, index) => seed <= 300 && results[index - 1]?.seed !== seed);
  found = results.filter(({ seed }) => FOUND.some((once) => once.seed === seed));
}, 180_000);

test('300 runs keep every promise', () => {
  expect(broken(slice)).toEqual([]);
  expect(slice).toHaveLength(300);
  expect(slice.reduce((sum, { executions }) => sum + executions, 0)).toBeGreaterThan(3_000);
});

test('the same seed is the same run, whatever ran before it in the process', async () => {
  const again = await simulate('--seeds', '3', '--from', '298');
  expect(again.map(({ seed, traceHash }) => [seed, traceHash])).toEqual(slice.slice(-3).map(({ seed, traceHash }) => [seed, traceHash]));
});

test.each(FOUND)('seed $seed, which once found: $what', ({ seed }) => {
  const runs = found.filter((result) => result.seed === seed);
  expect(runs.length).toBeGreaterThan(0);
  expect(broken(runs)).toEqual([]);
});

test('a guard that is switched off is missed', async () => {
  const { stdout } = await run(process.execPath, ['scripts/simulate.mjs', '--self-check', '--only', 'fencing of ends'], { cwd: ROOT });
  expect(stdout).toContain('1 of 1 guards are watched');
});
