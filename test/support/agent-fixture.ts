// Real agents as real processes, each test with its own home, against the protocol server.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';

import { API_KEY, startProtocolServer, type ProtocolServer, type ServedJob } from './protocol-server.ts';

export interface Agents {
  readonly home: string;
  /** The bundle that is run. */
  readonly file: string;
  /** `node agent.mjs run …` as a child whose end is known. */
  run(...flags: string[]): ChildProcess;
  /** Another verb, to its end. */
  call(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }>;
  attemptDirectories(): string[];
  log(): string;
  /** Kills what is left and removes the home. */
  clean(): Promise<void>;
}

/** Bundles the agent into a temporary directory; several seconds of tests share it. */
export function bundleAgent(): { file: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'drover-agent-'));
  const file = join(directory, 'agent.mjs');
  const built = spawnSync(process.execPath, ['scripts/build-agent.mjs', file], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  return { file, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Every test of a file begins with a server and a home of its own, and ends without a broken rule of the protocol. */
export function agentsPerTest(begin: (made: { readonly server: ProtocolServer; readonly agents: Agents }) => void): void {
  let bundle: ReturnType<typeof bundleAgent>;
  let server: ProtocolServer;
  let agents: Agents;
  beforeAll(() => {
    bundle = bundleAgent();
  });
  afterAll(() => bundle.remove());
  beforeEach(async () => {
    server = await startProtocolServer();
    agents = createAgents(bundle.file, server);
    begin({ server, agents });
  });
  afterEach(async () => {
    await agents.clean();
    await server.stop();
    expect(server.problems).toEqual([]);
  });
}

export const end = (job: ServedJob) => until(`an end of job ${job.number}`, () => job.attempts.at(-1)?.end);
export const output = (job: ServedJob): string => String(job.attempts.at(-1)?.logs.stdout);
export const printed = (job: ServedJob, text: string) => until(`${text} in the log of job ${job.number}`, () => output(job).includes(text));

export function createAgents(file: string, server: ProtocolServer, more: Readonly<Record<string, string>> = {}): Agents {
  const home = mkdtempSync(join(tmpdir(), 'drover-home-'));
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, DROVER_API_KEY: API_KEY, ...more };
  const children: ChildProcess[] = [];
  const output: string[] = [];
  return {
    home,
    file,
    run(...flags) {
      const args = [file, 'run', '--url', server.url, '--experiment', server.experiment, ...flags];
      const child = spawn(process.execPath, args, { env, cwd: home, stdio: ['pipe', 'pipe', 'pipe'] });
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
      children.push(child);
      return child;
    },
    call(...args) {
      const child = spawn(process.execPath, [file, ...args], { env, cwd: home });
      const result = { status: null as number | null, stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text));
      return new Promise((resolve) => child.once('close', (status) => resolve({ ...result, status })));
    },
    attemptDirectories() {
      const place = join(home, 'jd_data', server.experiment, '.drover');
      return existsSync(place) ? readdirSync(place).filter((name) => name !== 'refused' && !name.startsWith('spare.')) : [];
    },
    log: () => output.join(''),
    async clean() {
      for (const child of children.filter((each) => each.exitCode === null && each.signalCode === null)) {
        child.kill('SIGKILL');
        await ended(child);
      }
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/** Polls for a fact; the error tells which one did not come true. */
export async function until<T>(what: string, fact: () => T | null | undefined | false, limitMs = 15_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = fact();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`It did not happen within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A zombie counts as dead. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
