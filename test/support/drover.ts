// A stage of its own for each test: real servers and agents, built as users get them, in one temporary directory that holds
// their homes, data and jobs. Whatever ran below it is ended and removed with the test, also when the test fails.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { contract, createClient, type Client } from '../../src/contract/index.ts';
import { eventually } from './eventually.ts';
import { kill, processesWith, startProgram, type Program } from './program.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'dist/main.js');
const AGENT = join(ROOT, 'dist/agent.mjs');

export type Api = Client<Response>;

export interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  /** Both streams. */
  readonly output: string;
}

export interface Stage {
  readonly directory: string;
  /** Of every process that starts here. */
  readonly env: Record<string, string>;
  path(...names: string[]): string;
  /** Writes a file below the stage; returns its path. */
  file(name: string, text: string): string;
  /** Appends a line; also how a test opens a gate that a job waits at. */
  append(name: string, text: string): void;
  /** Empty when there is no such file. */
  read(name: string): string;
  bytes(name: string): Buffer;
  freePort(): Promise<number>;
  /** First words of the command line. */
  readonly program: readonly [string, string];
  readonly agent_file: string;
  server(options?: ServerOptions): Promise<TestServer>;
  agent(options: AgentStart): Promise<TestAgent>;
  /** The command line, run to its end. */
  drover(words: readonly string[], env?: Record<string, string>): Promise<Ended>;
  start(words: readonly [string, ...string[]], env?: Record<string, string>): Program;
  /** Undoes something when the test is over, before the directory is removed. */
  atEnd(undo: () => void): void;
}

export interface ServerOptions {
  readonly data_dir?: string;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
}

export interface TestServer {
  readonly url: string;
  readonly data_dir: string;
  /** With the admin key that the server left in the user's file. */
  readonly api: Api;
  readonly key: string;
  readonly pid: number;
  log(): string;
  kill9(): Promise<void>;
  /** SIGTERM; fails when it does not end in order. */
  stop(): Promise<void>;
  /** At the same address, on the same data; another build when the path of its main file is given. */
  start(main?: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

export interface AgentStart {
  /** Null: all. */
  readonly experiments: readonly string[] | null;
  readonly url: string;
  readonly key: string;
  readonly workers?: number;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
}

export interface TestAgent {
  readonly pid: number;
  readonly exited: Program['exited'];
  /** Of all its starts. */
  log(): string;
  signal(name: NodeJS.Signals): void;
  kill9(): Promise<void>;
  /** SIGTERM: gives its jobs back and leaves. */
  stop(): Promise<void>;
  /** With another API key than before or as another build, when one is given. */
  start(key?: string, file?: string): Promise<void>;
}

/** What vitest hands to every test. */
export interface Lifetime {
  onTestFinished(undo: () => Promise<void>): void;
  onTestFailed(tell: () => void): void;
}

export function openStage(lifetime: Lifetime): Stage {
  if (!existsSync(MAIN) || !existsSync(AGENT)) throw new Error('There is no built program in dist/. Run: npm run build');
  const directory = mkdtempSync(join(tmpdir(), 'drover-stage-'));
  const home = join(directory, 'home');
  const work = join(directory, 'work');
  for (const path of [home, work, join(directory, 'tmp')]) mkdirSync(path);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: join(directory, 'tmp'),
    JD_WORKSPACE_PATH: join(directory, 'workspace'),
    JD_CACHE_PATH: join(directory, 'cache'),
  };
  const undos: (() => void)[] = [];
  const logs: (() => string)[] = [];
  const path = (...names: string[]): string => join(directory, ...names);
  const start: Stage['start'] = (words, more = {}) => startProgram(words, { cwd: work, env: { ...env, ...more } });
  const stage: Stage = {
    ...{ directory, env, path, start },
    file(name, text) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
      return path(name);
    },
    append: (name, text) => appendFileSync(path(name), text),
    read: (name) => (existsSync(path(name)) ? readFileSync(path(name), 'utf8') : ''),
    bytes: (name) => readFileSync(path(name)),
    freePort,
    program: [process.execPath, MAIN],
    agent_file: AGENT,
    async drover(words, more = {}) {
      const program = start([process.execPath, MAIN, ...words], more);
      const { code } = await program.exited;
      return { code, stdout: program.stdout(), output: program.output() };
    },
    async server(options = {}) {
      const server = createServer(stage, options);
      logs.push(() => `server:\n${server.log()}`);
      await server.start();
      return server;
    },
    async agent(options) {
      const agent = createAgent(stage, options);
      logs.push(() => `agent:\n${agent.log()}`);
      await agent.start();
      return agent;
    },
    atEnd: (undo) => void undos.push(undo),
  };
  lifetime.onTestFailed(() => {
    for (const log of logs) process.stderr.write(`\n${log().slice(-4_000)}\n`);
  });
  lifetime.onTestFinished(() => close(directory, home, undos));
  return stage;
}

async function freePort(): Promise<number> {
  const server = createSocketServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

async function close(directory: string, home: string, undos: readonly (() => void)[]): Promise<void> {
  // A process that is being killed may still have started another one.
  await eventually(() => {
    const left = processesWith('HOME', home);
    for (const pid of left) kill(pid, 'SIGKILL');
    if (left.length > 0) throw new Error(`processes ${left.join(', ')} live`);
  });
  // What a killed process had open is closed a moment after it looks gone: a disk may still be busy.
  for (const undo of undos) await eventually(undo);
  await eventually(() => rmSync(directory, { recursive: true, force: true }));
}

function createServer(stage: Stage, { data_dir = stage.path('data'), args = [], env = {} }: ServerOptions): TestServer {
  let program: Program | null = null;
  let url = '';
  let key = '';
  let api: Api | null = null;
  let earlier = '';
  const running = (): Program => {
    if (program === null) throw new Error('the server was not started');
    return program;
  };
  const log = (): string => earlier + (program?.output() ?? '');
  async function start(main = MAIN): Promise<void> {
    earlier = log();
    const port = url === '' ? '0' : new URL(url).port;
    program = stage.start([process.execPath, main, 'server', '--port', port, '--data-dir', data_dir, ...args], env);
    const own = program;
    const told = await eventually(() => {
      if (own.hasExited()) return '';
      const found = / listens at (http:\S+),/.exec(own.stdout().toString());
      if (found === null) throw new Error(`no address in: ${own.output()}`);
      return found[1]!;
    });
    if (told === '') throw new Error(`The server did not start:\n${own.output()}`);
    url = told;
    await eventually(async () => {
      const { status } = await fetch(`${url}/readyz`);
      if (status !== 200) throw new Error(`/readyz answers ${status}`);
    });
    key = localKey(stage, url);
    api = apiOf(url, key);
  }
  return {
    get url() {
      return url;
    },
    get key() {
      return key;
    },
    get api() {
      if (api === null) throw new Error('the server was not started');
      return api;
    },
    get pid() {
      return running().pid;
    },
    data_dir,
    log,
    start,
    signal: (name) => running().signal(name),
    async kill9() {
      running().signal('SIGKILL');
      await running().exited;
    },
    async stop() {
      running().signal('SIGTERM');
      const { code } = await running().exited;
      if (code !== 0) throw new Error(`The server ended with code ${code}:\n${running().output()}`);
    },
  };
}

function localKey(stage: Stage, url: string): string {
  const user = JSON.parse(stage.read('home/.config/drover/config.json')) as { servers: Record<string, { api_key: string }> };
  return user.servers[url]!.api_key;
}

export function apiOf(url: string, key: string): Api {
  return createClient<Response>(contract, {
    base_url: url,
    fetch: (target, request) => fetch(target, request as RequestInit),
    headers: { authorization: `Bearer ${key}` },
  });
}

function createAgent(stage: Stage, options: AgentStart): TestAgent {
  let program: Program | null = null;
  let earlier = '';
  const running = (): Program => {
    if (program === null) throw new Error('the agent was not started');
    return program;
  };
  const log = (): string => earlier + (program?.output() ?? '');
  const words = [
    ...['run', '--url', options.url, '--workers', String(options.workers ?? 2)],
    ...['--workspace', stage.env['JD_WORKSPACE_PATH']!, '--cache', stage.env['JD_CACHE_PATH']!, '--free-space-mb', '1'],
    ...(options.experiments ?? []).flatMap((name) => ['--experiment', name]),
    ...(options.args ?? []),
  ];
  return {
    get pid() {
      return running().pid;
    },
    get exited() {
      return running().exited;
    },
    log,
    signal: (name) => running().signal(name),
    async kill9() {
      running().signal('SIGKILL');
      await running().exited;
    },
    async stop() {
      running().signal('SIGTERM');
      await running().exited;
    },
    async start(key = options.key, file = AGENT) {
      earlier = log();
      program = stage.start([process.execPath, file, ...words], { DROVER_API_KEY: key, ...options.env });
      const own = program;
      await eventually(() => {
        if (!own.output().includes('agent runs') && !own.hasExited()) throw new Error(`the agent says: ${own.output()}`);
      });
      if (own.hasExited()) throw new Error(`The agent did not start:\n${own.output()}`);
    },
  };
}
