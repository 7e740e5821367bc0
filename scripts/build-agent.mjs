// Bundles the agent to one file without node_modules: dist/agent.mjs. The server serves it, so a machine needs one download. The same as
// dist/agent.cjs is what goes into an executable.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';

import { embedPython } from './embed-python.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** `file` is where the bundle goes; another version than this one's is for tests of neighbouring versions. */
export async function buildAgent(file = join(root, 'dist', 'agent.mjs'), version = ownVersion()) {
  embedPython();
  const warnings = [];
  const bundle = await rolldown({
    input: join(root, 'src', 'agent', 'entry.ts'),
    platform: 'node',
    transform: { define: { DROVER_VERSION: JSON.stringify(version) } },
    onLog: (_level, log) => void warnings.push(log.message),
  });
  await bundle.write({
    file,
    format: 'esm',
    codeSplitting: false,
    minify: true,
    banner: '#!/usr/bin/env node\n' + "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);\n",
  });
  await bundle.write({ file: file.replace(/\.mjs$/, '.cjs'), format: 'cjs', codeSplitting: false, minify: true });
  await bundle.close();
  if (warnings.length > 0) throw new Error(`The agent was bundled with warnings:\n${warnings.join('\n')}`);
}

function ownVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAgent(process.argv[2], process.argv[3]);
