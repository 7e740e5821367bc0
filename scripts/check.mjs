// `npm run check`: format, types, lint, dead code. `npm run check -- --fix` formats and repairs what can be repaired.
import { setUp } from './setup.mjs';
import { main, packageProgram, step } from './step.mjs';

const fix = process.argv.includes('--fix');

const CHECKS = [
  { title: 'format', program: 'prettier/bin/prettier.cjs', args: ['--log-level', 'warn', fix ? '--write' : '--check', '.'] },
  { title: 'types', program: 'typescript/bin/tsc', args: ['-b'] },
  { title: 'lint', program: 'oxlint/bin/oxlint', args: ['--type-aware', '--deny-warnings'].concat(fix ? ['--fix'] : []) },
  { title: 'dead code', program: 'knip/bin/knip.js', args: [] },
];

await main(async () => {
  await setUp({ build: false });
  let failed = 0;
  for (const { title, program, args } of CHECKS) {
    if (!(await step(title, process.execPath, [packageProgram(program), ...args], { out: process.stdout }))) failed += 1;
  }
  process.stdout.write(failed === 0 ? 'All checks passed.\n' : `${failed} of ${CHECKS.length} checks failed.\n`);
  process.exitCode = failed === 0 ? 0 : 1;
});
