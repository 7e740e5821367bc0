// Where a benchmark takes place: a temporary directory with a home of its own, real servers and agents in it, and the promise that
// all of it is gone afterwards, also after a failure or Ctrl-C.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ROOT } from '../step.mjs';
import { openApi } from './http-connection.mjs';

const MAIN = join(ROOT, 'dist/main.js');
const AGENT = join(ROOT, 'dist/agent.mjs');
const START_MS = 120_000;
const STOP_MS = 20_000;

/**
 * `profile`: a directory for the CPU profiles of servers and agents.
 * @param {{ profile?: string | null, directory?: string }} options
 */
export function openStage({ profile = null, directory = tmpdir() } = {}) {
  const root = mkdtempSync(join(directory, 'drover-bench-'));
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: join(root, 'home'),
    TMPDIR: join(root, 'tmp'),
    JD_WORKSPACE_PATH: join(root, 'workspace'),
    JD_CACHE_PATH: join(root, 'cache'),
  };
  for (const path of [env.HOME, env.TMPDIR, join(root, 'work')]) mkdirSync(path);
  const children = new Set();
  const endings = [];
  let count = 0;

  /** A program with its output in files; `--cpu-prof` for Node when profiles are wanted. `as`: whose rights it has; `stop`: what ends it in order. */
  function start(program, args, { env: more = {}, label = 'program', as = null, stop = 'SIGTERM' } = {}) {
    count += 1;
    const output = join(root, `${label}-${count}`);
    const files = [openSync(`${output}.out`, 'w'), openSync(`${output}.err`, 'w')];
    const profiling =
      profile !== null && program === process.execPath ? ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${label}-${count}.cpuprofile`] : [];
    const options = { cwd: as === null ? join(root, 'work') : '/', env: { ...env, ...more }, ...(as === null ? {} : { uid: as.uid, gid: as.gid }) };
    const child = spawn(program, [...profiling, ...args], { ...options, stdio: ['ignore', ...files] });
    for (const file of files) closeSync(file);
    children.add(child);
    const ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    }).finally(() => children.delete(child));
    ended.catch(() => {});
    const read = () => readFileSync(`${output}.out`, 'utf8') + readFileSync(`${output}.err`, 'utf8');
    return {
      pid: child.pid,
      ended,
      read,
      hasEnded: () => child.exitCode !== null || child.signalCode !== null,
      async stop() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill(stop);
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await ended;
        clearTimeout(timer);
      },
    };
  }

  const stage = {
    root,
    path: (...names) => join(root, ...names),
    start,
    /** On SQLite below `name`, or on the PostgreSQL database of that address. */
    server: (name = 'data', { database = null } = {}) => startServer(stage, { data: join(root, name), port: 0, database }),
    agent: (server, options) => startAgent(stage, server, options),
    /** The command line, run to its end. */
    async drover(args, more = {}) {
      const program = start(process.execPath, [MAIN, ...args], { env: more, label: 'cli' });
      const { code } = await program.ended;
      if (code !== 0) throw new Error(`drover ${args.join(' ')} ended with ${code}:\n${program.read()}`);
      return program.read();
    },
    /** What must be done at the end whatever happens, and at once: for programs that leave the family. */
    atEnd: (ending) => void endings.push(ending),
    async close() {
      for (const ending of endings.splice(0)) ending();
      for (const child of children) child.kill('SIGKILL');
      while (children.size > 0) await sleep(10);
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
    /** For a process that ends, which cannot wait. */
    closeNow() {
      for (const ending of endings.splice(0)) ending();
      for (const child of children) child.kill('SIGKILL');
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  return stage;
}

async function startServer(stage, { data, port, database }) {
  const began = performance.now();
  const env = database === null ? {} : { DROVER_DATABASE: database };
  const program = stage.start(process.execPath, [MAIN, 'server', '--port', String(port), '--data-dir', data], { label: 'server', env });
  // Where the server listens is known at a restart, and only in its output at the first start.
  const url = port === 0 ? await waitFor(program, () => / listens at (http:\S+),/.exec(program.read())?.[1]) : `http://127.0.0.1:${port}`;
  await waitFor(program, () => isReady(url));
  const ready_ms = performance.now() - began;
  const key = await waitFor(program, () => localKey(stage, url));
  const api = await openApi(url, key);
  const stop = async () => {
    api.close();
    await program.stop();
  };
  return {
    ...{ url, key, api, data, stop, ready_ms, pid: program.pid },
    /** Bytes of memory that it holds now. */
    memory: () => memoryBytes(program.pid),
    /** Stops it in order and starts it at the same address, on the same data. */
    async restart() {
      await stop();
      return startServer(stage, { data, port: Number(new URL(url).port), database });
    },
  };
}

async function isReady(url) {
  try {
    return (await fetch(`${url}/readyz`)).status === 200;
  } catch {
    return false;
  }
}

function localKey(stage, url) {
  try {
    return JSON.parse(readFileSync(stage.path('home/.config/drover/config.json'), 'utf8')).servers[url]?.api_key;
  } catch {
    return undefined;
  }
}

async function startAgent(stage, server, { workers, experiment }) {
  const args = [AGENT, 'run', '--url', server.url, '--workers', String(workers), '--experiment', experiment, '--free-space-mb', '1'];
  const program = stage.start(process.execPath, args, { env: { DROVER_API_KEY: server.key }, label: 'agent' });
  await waitFor(program, () => program.read().includes('agent runs'));
  return { pid: program.pid, stop: program.stop, read: program.read };
}

/** Polls for a fact with a deadline; a program that ended is told with what it said. */
export async function waitFor(program, fact) {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const found = await fact();
    if (found !== undefined && found !== null && found !== false) return found;
    if (program.hasEnded() || performance.now() > deadline) throw new Error(`A program did not start:\n${program.read()}`);
    await sleep(2);
  }
}

/** Linux tells in /proc; elsewhere `ps` does, but it is not needed there yet. */
function memoryBytes(pid) {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes[1]) * 1024;
}
