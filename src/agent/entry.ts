// The agent's own command line: `node agent.mjs start --experiment digits-tune --script train.py`. A machine needs this file only, or
// an executable that holds it.
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { isSea } from 'node:sea';

import { systemClock } from '../runtime/clock.ts';
import { runCommandLine } from './command-line.ts';
import type { AgentContext } from './context.ts';
import { createHost } from './host.ts';

/** Put in by the bundler. */
declare const DROVER_VERSION: string | undefined;

const context: AgentContext = {
  version: typeof DROVER_VERSION === 'string' ? DROVER_VERSION : '0.0.0',
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  platform: `${process.platform} ${process.arch}, node ${process.versions.node}`,
  node: process.execPath,
  agent_file: isSea() ? null : fileURLToPath(import.meta.url),
  host: createHost(),
  clock: systemClock,
  random: Math.random,
  stdin: process.stdin,
};

// Not awaited: the executable holds a module of the older kind, which cannot wait.
void runCommandLine(context, process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
}).then((code) => process.exit(code));
