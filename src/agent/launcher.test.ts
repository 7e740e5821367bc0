import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { eventually } from '../../test/support/eventually.ts';
import { manualClock } from '../../test/support/manual-clock.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { createHost } from './host.ts';
import { createLauncher, type Launcher, type StartedProcess } from './launcher.ts';

const PROGRAM = join(import.meta.dirname, 'launcher.py');
const PYTHON = execFileSync('sh', ['-c', 'command -v python3']).toString().trim();

let directory: string;
let attempts: number;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-launcher-'));
  attempts = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(python: string, clock: Clock = systemClock): Launcher {
  return createLauncher({ clock, log: silentLog, env: { PATH: process.env['PATH'] ?? '', KEPT: 'yes' }, python, program: PROGRAM });
}

interface Run extends StartedProcess {
  read(name: string): string;
}

async function run(launcher: Launcher, command: string, change: object = {}): Promise<Run> {
  const place = join(directory, String((attempts += 1)));
  mkdirSync(place);
  const request = { directory: place, cwd: directory, arguments: ['/bin/sh', '-c', command], variables: { ADDED: 'ä b' }, status: '   \n', ...change };
  const started = await launcher.start(request);
  if (started === 'unknown') throw new Error('the launcher died');
  return { ...started, read: (name) => readFileSync(join(place, name), 'utf8') };
}

/** The process id of the helper, once it is there. */
function helperOf(launcher: Launcher): Promise<number> {
  return eventually(async () => {
    const started = await run(launcher, 'echo "$PPID"');
    await started.ended;
    const parent = Number(started.read('stdout'));
    if (parent === process.pid) throw new Error('the agent still starts them itself');
    return parent;
  });
}

describe.each([
  ['the helper', PYTHON],
  ['the agent itself', '/nowhere/python3'],
])('%s', (_name, python) => {
  let launcher: Launcher;
  beforeEach(async () => {
    launcher = open(python);
    if (python === PYTHON) await helperOf(launcher);
  });

  test('starts a process in a session of its own, with its files, its variables and normal signals', async () => {
    const command =
      'echo "$KEPT $ADDED"; echo error >&2; echo me >&3; printf 0 >&4; cat; ps -o pid=,pgid=,sid= -p $$; pwd; grep -E "Sig(Ign|Blk)" /proc/self/status; ls /proc/self/fd | grep -x .';
    const started = await run(launcher, command);
    expect(await started.ended).toEqual({ signal: null });
    const pid = String(started.pid);
    const [variables, ids, cwd, ...signals] = started.read('stdout').trimEnd().split('\n');
    expect([variables, cwd]).toEqual(['yes ä b', directory]);
    expect(ids!.trim().split(/\s+/)).toEqual([pid, pid, pid]);
    // Standard input is empty, and there are five descriptors below 10, the sixth being the directory that is listed. The C library of
    // the helper keeps the two signals of its threads, 32 and 33, which no program can use.
    expect(signals.join(' ')).toMatch(/^SigBlk:\t0{16} SigIgn:\t0{7}[01][08]0{7} 0 1 2 3 4 5$/);
    expect([started.read('stderr'), started.read('pid'), started.read('status')]).toEqual(['error\n', 'me\n', '0  \n']);
  });

  test('tells the signal that killed it', async () => {
    expect(await (await run(launcher, 'kill -9 $$')).ended).toEqual({ signal: 'SIGKILL' });
  });

  test.each([
    ['a directory that is gone', { cwd: '/nowhere' }, 'ENOENT'],
    ['a command line that is too long', { arguments: ['/bin/sh', '-c', 'x'.repeat(200_000)] }, 'E2BIG'],
    ['an attempt directory that is gone', { directory: '/nowhere' }, 'ENOENT'],
  ])('refuses %s with a code, and goes on', async (_, change, code) => {
    await expect(run(launcher, 'true', change)).rejects.toMatchObject({ code });
    expect(await (await run(launcher, 'true')).ended).toEqual({ signal: null });
  });
});

test('a helper that is killed leaves its processes running, and the next ones start without it', async () => {
  const launcher = open(PYTHON);
  const helper = await helperOf(launcher);
  const started = await run(launcher, 'sleep 60');
  try {
    process.kill(helper, 'SIGKILL');
    expect(await started.ended).toBe('unwatched');
    expect(createHost().identify(started.pid)).not.toBeNull();
    const next = await run(launcher, 'echo "$PPID"');
    await next.ended;
    expect(Number(next.read('stdout'))).toBe(process.pid);
  } finally {
    process.kill(-started.pid, 'SIGKILL');
  }
});

test.each([
  ['prints a line of its own', `echo loading; exec '${PYTHON}' "$@"`],
  ['ends at once', 'exit 1'],
  ['cannot start sessions', `exec '${PYTHON}' -c 'import sys, os; os.posix_spawn = None; sys.argv = sys.argv[1:]; exec(open(sys.argv[-1]).read())' "$@"`],
])('a Python that %s is done without', async (_, script) => {
  const wrapper = join(directory, 'python3');
  writeFileSync(wrapper, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const launcher = open(wrapper);
  const started = await run(launcher, 'echo "$PPID"');
  expect(await started.ended).toEqual({ signal: null });
  expect(Number(started.read('stdout'))).toBe(process.pid);
  // Once the wrapper has had its say, too.
  await eventually(() => expect(execFileSync('ps', ['-eo', 'args=']).toString()).not.toContain(directory));
  const next = await run(launcher, 'echo "$PPID"');
  await next.ended;
  expect(Number(next.read('stdout'))).toBe(process.pid);
});

test('a process has the environment of the agent, not what a wrapper of Python adds', async () => {
  const wrapper = join(directory, 'python3');
  writeFileSync(wrapper, `#!/bin/sh\nexport ADDED_BY_WRAPPER=1 PATH="/extra:$PATH"\nexec '${PYTHON}' "$@"\n`, { mode: 0o755 });
  const launcher = open(wrapper);
  await helperOf(launcher);
  const started = await run(launcher, 'echo "$PATH $ADDED_BY_WRAPPER"');
  await started.ended;
  expect(started.read('stdout').trim()).toBe(process.env['PATH']);
});

test('a helper that hangs is given up, and its processes are looked for', async () => {
  const clock = manualClock();
  const launcher = open(PYTHON, clock);
  const helper = await helperOf(launcher);
  process.kill(helper, 'SIGSTOP');
  const waiting = launcher.start({ directory, cwd: directory, arguments: ['/bin/sh', '-c', 'true'], variables: {}, status: '   \n' });
  clock.advance(10_000);
  expect(await waiting).toBe('unknown');
  await eventually(() => expect(createHost().identify(helper)).toBeNull());
});

test('many at once, each with its own end', async () => {
  const launcher = open(PYTHON);
  await helperOf(launcher);
  const all = await Promise.all(Array.from({ length: 100 }, (_, index) => run(launcher, index % 2 === 0 ? 'exit 0' : 'kill -TERM $$')));
  const ends = await Promise.all(all.map((each) => each.ended));
  expect(ends).toEqual(all.map((_, index) => ({ signal: index % 2 === 0 ? null : 'SIGTERM' })));
  expect(new Set(all.map((each) => each.pid)).size).toBe(100);
});
