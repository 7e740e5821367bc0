// The command line as people use it: the built program, a real server, a real agent, a home directory of its own.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');

interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly output: { stdout: Buffer; stderr: string };
  readonly ended: Promise<Ended>;
}

let place: string;
let home: string;
let work: string;
let port: number;
let up: Running;

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'drover-process-'));
  home = join(place, 'home');
  work = join(place, 'work');
  mkdirSync(home);
  mkdirSync(work);
  port = await freePort();
  up = start(['up', '--workers', '2']);
  await saw(up, 'Ctrl-C');
});

afterAll(async () => {
  if (up.child.exitCode === null) {
    up.child.kill('SIGINT');
    await up.ended;
  }
  rmSync(place, { recursive: true, force: true });
});

function start(words: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: work,
    env: { PATH: process.env['PATH'], HOME: home, DROVER_PORT: String(port), DROVER_DATA_DIR: join(place, 'data'), ...env },
  });
  const output = { stdout: Buffer.alloc(0), stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout = Buffer.concat([output.stdout, chunk])));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, ...output })));
  return { child, output, ended };
}

function drover(...words: string[]): Promise<Ended> {
  return start(words).ended;
}

async function json<Shape>(...words: string[]): Promise<Shape> {
  const { stdout, stderr } = await drover('--json', ...words);
  expect(stderr).toBe('');
  return JSON.parse(stdout.toString()) as Shape;
}

async function saw(running: Running, text: string): Promise<void> {
  const seen = (): string => running.output.stdout.toString() + running.output.stderr;
  await vi.waitUntil(() => seen().includes(text) || running.child.exitCode !== null, { timeout: 30_000, interval: 20 });
  expect(seen()).toContain(text);
}

/** Until a command has begun, Ctrl-C ends it like any program. With -q it shows nothing that tells when it has. */
async function hearsInterrupt({ child }: Running): Promise<void> {
  if (process.platform !== 'linux') return;
  const caught = (): bigint => BigInt(`0x${/^SigCgt:\s*(\w+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]}`);
  await vi.waitUntil(() => (caught() & SIGINT_BIT) !== 0n, { timeout: 30_000, interval: 20 });
}

const SIGINT_BIT = 1n << 1n;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return free;
}

test('a start says where everything is, and the commands of this user work at once', async () => {
  const text = up.output.stdout.toString();
  expect(text).toMatch(new RegExp(`Dashboard +http://127\\.0\\.0\\.1:${port}/login#link=jdl_`));
  expect(text).toContain('drover experiment create');
  const status = await json<{ server: { database: string }; experiments: unknown[] }>('status');
  expect(status.server.database).toBe('sqlite');
});

test('a second start on the same port says which flag chooses another', async () => {
  const { code, stderr } = await start(['up'], { DROVER_DATA_DIR: join(place, 'other') }).ended;
  expect(code).toBe(1);
  expect(stderr).toContain(`Port ${port} on 127.0.0.1 is taken: a Drover server already runs there. Choose another one with --port N or DROVER_PORT=N.`);
});

test('a matrix runs to its end: wait, counts, logs byte for byte', async () => {
  expect((await drover('experiment', 'create', 'sweep')).code).toBe(0);
  const created = await json<{ created: number; from: number; to: number }>(
    'matrix',
    'add',
    '-e',
    'sweep',
    'n=1,2,3',
    'word=a,"b c"',
    '--',
    "printf '%s' {n}-{word}; printf '\\377\\000\\n' >&2",
  );
  expect(created).toMatchObject({ created: 6, from: 1, to: 6 });
  expect((await drover('wait', '-e', 'sweep')).code).toBe(0);
  const status = await json<{ experiments: { name: string; counts: object }[] }>('status');
  expect(status.experiments).toEqual([
    { name: 'sweep', counts: { pending: 0, running: 0, done: 6, aborted: 0, total: 6, created: 6, expanding: 0, forgotten: 0 } },
  ]);
  const jobs = await json<{ number: number; status: string; params: object }[]>('job', 'ls', '--experiment', 'sweep');
  expect(jobs.map(({ number, params }) => [number, params])).toEqual([
    [1, { n: 1, word: 'a' }],
    [2, { n: 1, word: 'b c' }],
    [3, { n: 2, word: 'a' }],
    [4, { n: 2, word: 'b c' }],
    [5, { n: 3, word: 'a' }],
    [6, { n: 3, word: 'b c' }],
  ]);
  expect((await drover('job', 'log', 'sweep/4')).stdout.toString()).toBe('2-b c');
  expect((await drover('job', 'log', 'sweep/4', '--stderr')).stdout).toEqual(Buffer.from([255, 0, 10]));
  expect((await drover('job', 'log', 'sweep/1-3')).stdout.toString()).toBe('1-a1-b c2-a');
});

test('a failing job: wait ends with 6, and another attempt is one command away', async () => {
  await drover('experiment', 'create', 'failing');
  const flag = join(place, 'repaired');
  await drover('job', 'add', '-e', 'failing', '--', `test -e '${flag}'`);
  const waited = await drover('wait', '-e', 'failing');
  expect(waited.code).toBe(6);
  expect(waited.stderr).toContain('0 of 1 jobs are done, 1 aborted');
  const shown = await json<{ job: { status: string; exit_code: number }; attempts: unknown[] }>('job', 'show', 'failing/last');
  expect(shown.job).toMatchObject({ status: 'aborted', exit_code: 1 });
  writeFileSync(flag, '');
  expect((await drover('job', 'requeue', '-e', 'failing', '--status', 'aborted')).code).toBe(0);
  expect((await drover('wait', 'failing/1')).code).toBe(0);
});

test('--follow shows lines while the job runs and ends with it', async () => {
  await drover('experiment', 'create', 'follow');
  const gate = join(place, 'gate');
  await drover('job', 'add', '-e', 'follow', '--', `echo first; while [ ! -e '${gate}' ]; do sleep 0.05; done; echo second`);
  const following = start(['job', 'log', 'follow/1', '--follow']);
  await saw(following, 'first');
  expect(following.output.stdout.toString()).toBe('first\n');
  writeFileSync(gate, '');
  expect(await following.ended).toMatchObject({ code: 0, stdout: Buffer.from('first\nsecond\n') });
});

test('Ctrl-C ends --follow and wait with 130, silently, and leaves the job alone', async () => {
  await drover('experiment', 'create', 'patience');
  await drover('job', 'add', '-e', 'patience', '--', 'echo here; sleep 600');
  const following = start(['job', 'log', 'patience/1', '-f']);
  const waiting = start(['wait', '-e', 'patience', '-q']);
  await saw(following, 'here');
  following.child.kill('SIGINT');
  expect(await following.ended).toMatchObject({ code: 130, stderr: '' });
  await hearsInterrupt(waiting);
  waiting.child.kill('SIGINT');
  expect(await waiting.ended).toMatchObject({ code: 130, stderr: '' });
  expect((await json<{ job: { status: string } }>('job', 'show', 'patience/1')).job.status).toBe('running');
  expect((await drover('job', 'cancel', 'patience/1')).code).toBe(0);
  expect((await drover('wait', '-e', 'patience')).code).toBe(6);
});

test('held jobs wait, edits of the queue work on ranges, and rm leaves nothing', async () => {
  await drover('experiment', 'create', 'queue');
  expect((await drover('job', 'add', '-e', 'queue', '--held', '--times', '5', '--quiet', '--', 'true')).stdout.toString()).toBe(
    'queue/1\nqueue/2\nqueue/3\nqueue/4\nqueue/5\n',
  );
  expect((await drover('job', 'rm', 'queue/4-5', '--yes')).stdout.toString()).toBe('Deleted 2 jobs: queue/4-5\n');
  expect((await drover('job', 'cancel', 'queue/3')).code).toBe(0);
  expect((await drover('job', 'cancel', 'queue/3')).code).toBe(3);
  expect((await drover('job', 'unhold', 'queue/1-2')).code).toBe(0);
  expect((await drover('wait', 'queue/1-2')).code).toBe(0);
  expect((await drover('job', 'show', 'queue/99')).code).toBe(4);
  expect((await drover('experiment', 'rm', 'queue')).code).toBe(2);
  expect((await drover('experiment', 'rm', 'queue', '--confirm', 'queue')).code).toBe(0);
  const missing = await drover('experiment', 'show', 'queu');
  expect(missing.code).toBe(4);
  expect((await drover('experiment', 'show', 'swep')).stderr).toContain('Did you mean sweep?');
});

test('another user needs a key: refused without, at work with one, refused again when it is deleted', async () => {
  const stranger = { HOME: join(place, 'stranger') };
  const refused = await start(['status'], stranger).ended;
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain('no API key was sent');
  const made = await json<{ id: number; name: string; key: string }>('key', 'create', '--name', 'stranger');
  expect(Object.keys(made)).toEqual(['id', 'name', 'key']);
  expect((await start(['status'], { ...stranger, DROVER_API_KEY: made.key }).ended).code).toBe(0);
  expect((await drover('key', 'rm', String(made.id))).code).toBe(0);
  expect((await start(['status'], { ...stranger, DROVER_API_KEY: made.key }).ended).code).toBe(3);
});

test('what the server refuses is said in its words, code 3; what never leaves is code 2', async () => {
  const unknown = await drover('job', 'add', '-e', 'sweep', '-p', 'lr=1', '--', 'run {units}');
  expect(unknown.code).toBe(3);
  expect(unknown.stderr).toContain('{units}');
  expect((await drover('job', 'add', '-e', 'sweep', '--times', 'many')).code).toBe(2);
});

test('a reader that closes the pipe early ends the list quietly', async () => {
  await drover('experiment', 'create', 'long');
  await drover('job', 'add', '-e', 'long', '--held', '--times', '5000', '--', 'true');
  const listing = start(['job', 'ls', '-e', 'long']);
  listing.child.stdout.once('data', () => listing.child.stdout.destroy());
  expect(await listing.ended).toMatchObject({ code: 0, stderr: '' });
});

test('the login link opens the dashboard once', async () => {
  const { url } = await json<{ url: string }>('login-link');
  const token = /#link=(.+)$/.exec(url)![1]!;
  const login = () =>
    fetch(`http://127.0.0.1:${port}/api/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ link_token: token }),
    });
  expect((await login()).status).toBe(200);
  expect((await login()).status).toBe(401);
});

test('Ctrl-C stops in order, gives the running job back, and the next start goes on', async () => {
  await drover('experiment', 'create', 'resumed');
  const done = join(place, 'may-end');
  await drover('job', 'add', '-e', 'resumed', '--', `echo began; while [ ! -e '${done}' ]; do sleep 0.05; done`);
  await expect.poll(async () => (await json<{ job: { status: string } }>('job', 'show', 'resumed/1')).job.status, { timeout: 20_000 }).toBe('running');
  up.child.kill('SIGINT');
  const ended = await up.ended;
  expect(ended.code).toBe(0);
  expect(ended.stdout.toString()).toContain('Stopped.');
  expect((await drover('status')).code).toBe(5);
  writeFileSync(done, '');
  up = start(['up', '--workers', '2']);
  await saw(up, 'Ctrl-C');
  expect((await drover('wait', '-e', 'resumed')).code).toBe(0);
  const { job } = await json<{ job: { attempts: number; status: string } }>('job', 'show', 'resumed/1');
  expect(job).toMatchObject({ status: 'done', attempts: 2 });
});

test('when the terminal is closed on `up`, its agent does not stay behind', async () => {
  const agents = await json<{ pid: number }[]>('worker', 'ls', '--local');
  expect(agents).toHaveLength(1);
  up.child.kill('SIGKILL');
  await up.ended;
  const lives = (): boolean => {
    try {
      return process.kill(agents[0]!.pid, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(lives, { timeout: 20_000 }).toBe(false);
});
