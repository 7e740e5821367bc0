// Joins command line, server and agent, which do not know one another. Each is loaded only when it is needed, so that a command such as
// `drover job ls` starts at once.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { AgentContext } from './agent/context.ts';
import type { CliDependencies, RunningServer, ServeOptions } from './cli/dependencies.ts';
import { systemClock } from './runtime/clock.ts';

/** `packageRoot` is the directory of package.json. */
export function composeProgram(packageRoot: string): CliDependencies {
  const dependencies: CliDependencies = {
    version: (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version,
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
    serve: (options) => startServer(dependencies, options),
    agent: {
      start: async (options) => (await import('./agent/commands.ts')).startAgent(await agentContext(dependencies), options),
      run: async (options) => (await import('./agent/commands.ts')).runAgent(await agentContext(dependencies), options),
      spawnForeground: async (options) => (await import('./agent/commands.ts')).spawnAgent(await agentContext(dependencies), options),
      list: async (selection) =>
        (await import('./agent/local-agents.ts')).listAgents(await agentContext(dependencies), selection, { dead: selection.dead === true }),
      stop: async (selection) => (await import('./agent/stopping.ts')).stopAgents(await agentContext(dependencies), selection),
      drain: async (selection) => (await import('./agent/stopping.ts')).drainAgents(await agentContext(dependencies), selection),
      restart: async (selection) => (await import('./agent/stopping.ts')).restartAgents(await agentContext(dependencies), selection),
      scale: async (request) => (await import('./agent/scaling.ts')).scaleWorkers(await agentContext(dependencies), request),
      prune: async (request) => (await import('./agent/registry-upkeep.ts')).pruneAgents(await agentContext(dependencies), request),
    },
    launch,
    view,
    onInterrupt,
    exit: (code) => process.exit(code),
  };
  return dependencies;
}

/** `drover job ls | head` closes the pipe early: that is how it is meant to end. */
export function letPipesClose(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  process.stderr.on('error', () => {});
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
  const { createFetch } = await import('./agent/web-fetch.ts');
  return createFetch({ server, env, ca_file: caFile });
}

async function startServer({ version, random }: CliDependencies, { log_level: level, log_format: format, ...options }: ServeOptions): Promise<RunningServer> {
  const [{ serve }, { createLog }] = await Promise.all([import('./server/serve.ts'), import('./runtime/log.ts')]);
  return serve({ ...options, clock: systemClock, random, version, log: createLog({ name: 'server', level, format }) });
}

async function agentContext({ version, env, cwd, home, clock, random, stdin, package_root }: CliDependencies): Promise<AgentContext> {
  const { createHost } = await import('./agent/host.ts');
  return {
    version,
    env,
    cwd,
    home,
    clock,
    random,
    stdin,
    platform: `${process.platform} ${process.arch}, node ${process.versions.node}`,
    node: process.execPath,
    agent_file: join(package_root, 'dist/agent.mjs'),
    host: createHost(),
  };
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

/** Ctrl-C is the viewer's: `less` takes it to stop waiting for more. */
function view(words: string, paths: readonly string[]): Promise<number> {
  return new Promise((resolve) => {
    const release = onInterrupt(() => {});
    const child = spawn('/bin/sh', ['-c', `${words} "$@"`, 'sh', ...paths], { stdio: 'inherit' });
    const end = (code: number): void => {
      release();
      resolve(code);
    };
    child.once('error', () => end(127));
    child.once('close', (code, signal) => end(code ?? (signal === null ? 1 : 0)));
  });
}

function onInterrupt(listener: (signal: NodeJS.Signals) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
