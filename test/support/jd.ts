// `jd_worker_cli` as users run it, on a stage of real processes.
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { expect } from 'vitest';

import type { Stage } from './drover.ts';
import type { Program } from './program.ts';

const ROOT = resolve(import.meta.dirname, '../..');
export const JD_WORKER_CLI = join(ROOT, 'dist/jd-worker-cli.js');
export const J = join(ROOT, 'dist/j-cli.js');

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

export interface JdWorkerCli {
  /** Words as one typed line; `{W}` stands for the instance of the newest launch, `host_word`. */
  (line: string, options?: { readonly env?: Record<string, string>; readonly input?: string }): Promise<Said>;
  /** The same, and it must end with 0. */
  ok(line: string, options?: { readonly env?: Record<string, string>; readonly input?: string }): Promise<string>;
  json<T>(line: string): Promise<T>;
  start(line: string, env?: Record<string, string>): Program;
  /** `host_word` of the newest launch. */
  instance(): string;
  /** A user at a terminal: what is typed when something has appeared. */
  typed(steps: readonly (readonly [expected: string, typed: string])[], words?: readonly string[], env?: Record<string, string>): Promise<string>;
}

/** `url` is where the server listens; null: nowhere. */
export function openJd(stage: Stage, url: string | null): JdWorkerCli {
  let instance = '';
  const address: Record<string, string> = url === null ? { JD_PORT: '1' } : { JD_SERVER: url };
  const words = (line: string): string[] => (line === '' ? [] : line.replaceAll('{W}', instance).split(' '));
  const start: JdWorkerCli['start'] = (line, env = {}) => stage.start([process.execPath, JD_WORKER_CLI, ...words(line)], { ...address, ...env });
  const run = async (line: string, { env = {}, input }: { readonly env?: Record<string, string>; readonly input?: string } = {}): Promise<Said> => {
    const program =
      input === undefined
        ? start(line, env)
        : stage.start(['sh', '-c', 'printf %s "$INPUT" | "$@"', 'sh', process.execPath, JD_WORKER_CLI, ...words(line)], { ...address, ...env, INPUT: input });
    const { code } = await program.exited;
    const said = { code, stdout: program.stdout().toString(), output: program.output() };
    instance = /^WORKER_ID +PID +LOG\n([a-z0-9]+_[a-z0-9]+)_0 /m.exec(said.stdout)?.[1] ?? instance;
    return said;
  };
  const ok: JdWorkerCli['ok'] = async (line, options) => {
    const said = await run(line, options);
    expect(said.code, `${line}\n${said.output}`).toBe(0);
    return said.output;
  };
  return Object.assign(run, {
    ok,
    start,
    json: async <T>(line: string): Promise<T> => JSON.parse((await run(`${line} json=true`)).stdout) as T,
    instance: () => instance,
    async typed(steps: readonly (readonly [string, string])[], more: readonly string[] = [], env: Record<string, string> = {}) {
      const terminal = [join(ROOT, 'test/support/terminal.py'), '60', JSON.stringify(steps), process.execPath, JD_WORKER_CLI, ...more];
      const { stdout } = await promisify(execFile)('python3', terminal, { cwd: stage.path('work'), env: { ...stage.env, ...address, TERM: 'xterm', ...env } });
      // Where the cursor goes does not matter here.
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      return stdout.replace(/\u001b\[[\d;]*[A-Za-z]/g, '').replaceAll('\r', '');
    },
  });
}
