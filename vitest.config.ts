// How the tests run: the files of a group beside one another on two cores, group after group. Real processes mostly wait, so three at a time;
// the few that fill both cores by themselves run one at a time.
import { defineConfig } from 'vitest/config';

const alone = { maxWorkers: 1, fileParallelism: false };

/** They fill both cores by themselves. */
const ALONE = ['bench', 'chaos', 'stubborn-jobs'].map((name) => `test/process/${name}.test.ts`);

export default defineConfig({
  test: {
    pool: 'forks',
    // The files of a worker share the modules they load, which saves a quarter of the processor time: no test leaves anything in one.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    allowOnly: false,
    passWithNoTests: false,
    reporters: ['default', ['json', { outputFile: 'test-output/vitest.json' }]],
    projects: [
      project('unit', ['src/**/*.test.{ts,tsx}', 'scripts/**/*.test.mjs', 'test/*.test.ts', 'test/support/**/*.test.ts'], ['src/store/**'], {
        sequence: { groupOrder: 0 },
      }),
      project('store', ['src/store/**/*.test.ts'], [], { sequence: { groupOrder: 0 }, testTimeout: 60_000 }),
      project('simulation', ['test/simulation/**/*.test.ts'], [], { sequence: { groupOrder: 0 }, testTimeout: 120_000 }),
      project('process', ['test/process/**/*.test.ts'], ALONE, { sequence: { groupOrder: 1 }, testTimeout: 120_000, maxWorkers: 3 }),
      project('alone', ALONE, [], { sequence: { groupOrder: 2 }, testTimeout: 120_000, ...alone }),
      project('browser', ['test/browser/**/*.test.ts'], [], {
        sequence: { groupOrder: 3 },
        testTimeout: 120_000,
        setupFiles: ['scripts/require-chromium.mjs'],
      }),
      // Half an hour of its own, asked for by `npm run chaos` alone.
      ...(process.env['CHAOS'] === undefined ? [] : [project('chaos', ['test/chaos/**/*.test.ts'], [], { sequence: { groupOrder: 4 }, ...alone })]),
    ],
  },
});

function project(name: string, include: string[], exclude: string[], options: object) {
  return { extends: true as const, test: { name, environment: 'node' as const, include, exclude: ['**/node_modules/**', ...exclude], ...options } };
}
