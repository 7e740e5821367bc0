#!/usr/bin/env node
// The composition root: joins command line, server and agent, which do not know one another. Each is loaded only when it is needed,
// so that a command such as `drover job ls` starts at once.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type * as AgentCommands from './agent/commands.ts';
import type { AgentContext } from './agent/context.ts';
import type { CliDependencies, RunningServer, ServeOptions } from './cli/dependencies.ts';
import { run } from './cli/run.ts';
import { systemClock } from './runtime/clock.ts';

const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)));

const dependencies: CliDependencies = {
  version: readVersion(),
  env: process.env,
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  random: () => randomInt(2 ** 32) / 2 ** 32,
  cwd: process.cwd(),
  home: homedir(),
  platform: process.platform,
  package_root: packageRoot,
  fetch: globalThis.fetch,
  route,
  serve: startServer,
  agent: {
    start: (options) => withAgents(({ startAgent }, context) => startAgent(context, options)),
    run: (options) => withAgents(({ runAgent }, context) => runAgent(context, options)),
    list: (selection) => withAgents(({ listAgents }, context) => listAgents(context, selection)),
    stop: (selection) => withAgents(({ stopAgents }, context) => stopAgents(context, selection)),
    restart: (selection) => withAgents(({ restartAgents }, context) => restartAgents(context, selection)),
    spawnForeground: (options) => withAgents(({ spawnAgent }, context) => spawnAgent(context, options)),
  },
  launch,
  onInterrupt,
  exit: (code) => process.exit(code),
};

// `drover job ls | head` closes the pipe early: that is how it is meant to end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.stderr.on('error', () => {});

process.exitCode = await run(dependencies, process.argv.slice(2));

function readVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Node's own fetch knows neither proxies nor our `ca_file`; what does is loaded only where it is needed. */
function route(server: string, caFile: string | null): typeof globalThis.fetch {
  let chosen: Promise<typeof globalThis.fetch> | null = null;
  return async (target, request) => (await (chosen ??= chooseFetch(server, caFile)))(target, request);
}

async function chooseFetch(server: string, caFile: string | null): Promise<typeof globalThis.fetch> {
  const { env } = process;
  const { proxyFor } = await import('./runtime/proxy.ts');
  if (proxyFor(server, env) === null && (caFile === null || !server.startsWith('https:'))) return globalThis.fetch;
  const { createFetch } = await import('./agent/network.ts');
  return createFetch({ server, env, ca_file: caFile });
}

async function startServer({ log_level: level, log_format: format, ...options }: ServeOptions): Promise<RunningServer> {
  const [{ serve }, { createLog }] = await Promise.all([import('./server/serve.ts'), import('./runtime/log.ts')]);
  return serve({
    ...options,
    clock: systemClock,
    random: dependencies.random,
    version: dependencies.version,
    log: createLog({ name: 'server', level, format }),
  });
}

async function withAgents<Result>(use: (commands: typeof AgentCommands, context: AgentContext) => Promise<Result>): Promise<Result> {
  const [commands, { createHost }] = await Promise.all([import('./agent/commands.ts'), import('./agent/host.ts')]);
  const { version, env, cwd, home, clock, random, stdin } = dependencies;
  return use(commands, {
    version,
    env,
    cwd,
    home,
    clock,
    random,
    stdin,
    platform: `${process.platform} ${process.arch}, node ${process.versions.node}`,
    node: process.execPath,
    agent_file: join(packageRoot, 'dist/agent.mjs'),
    host: createHost(),
  });
}

/** False when the program cannot be started. */
function launch(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

function onInterrupt(listener: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
