// Builds everything into dist/: zones, server and CLI in a few files, the agent as one, the dashboard. `--clean` removes dist/ first.
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { BUILD_STAMP, buildSources } from './setup.mjs';
import { fingerprint, writeStamp } from './stamp.mjs';
import { ROOT, main, packageProgram, requiredStep } from './step.mjs';

await main(async () => {
  rmSync(process.argv.includes('--clean') ? join(ROOT, 'dist') : BUILD_STAMP, { recursive: true, force: true });
  await ifPresent('Python library', 'scripts/embed-python.mjs');
  // Taken before the compiler reads the sources: an edit during the build makes the next one stale, never wrong.
  const stamp = fingerprint(ROOT, buildSources());
  await requiredStep('types and zones', process.execPath, [packageProgram('typescript/bin/tsc'), '-b', 'src']);
  await ifPresent('server and CLI', 'scripts/build-program.mjs');
  await ifPresent('agent', 'scripts/build-agent.mjs');
  if (existsSync(join(ROOT, 'src/dashboard/index.html'))) {
    const config = ['--config', 'src/dashboard/vite.config.ts', '--logLevel', 'warn'];
    await requiredStep('dashboard', process.execPath, [packageProgram('vite/bin/vite.js'), 'build', 'src/dashboard', ...config]);
  }
  for (const name of ['main.js', 'jd-worker-cli.js', 'j-cli.js']) {
    const program = join(ROOT, 'dist', name);
    if (existsSync(program)) chmodSync(program, 0o755);
  }
  writeStamp(BUILD_STAMP, stamp);
});

async function ifPresent(title, script) {
  if (existsSync(join(ROOT, script))) await requiredStep(title, process.execPath, [script]);
}
