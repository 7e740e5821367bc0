import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { createHost } from './host.ts';
import { SHIM, STATUS_SPACE, parseIdentity, parseStatus } from './job-shim.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-shim-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function runShim(shell: string, command: string | readonly string[], env: Record<string, string> = {}) {
  const files = ['pid', 'status'].map((name) => openSync(join(directory, name), 'w'));
  writeSync(files[1]!, STATUS_SPACE, 0);
  const result = spawnSync(shell, ['-c', SHIM, 'sh', 'boot', 'space', '3.1.abc', ...(typeof command === 'string' ? ['/bin/sh', '-c', command] : command)], {
    stdio: ['ignore', 'pipe', 'pipe', ...files],
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
  for (const file of files) closeSync(file);
  return {
    ...result,
    identity: parseIdentity(readFileSync(join(directory, 'pid'), 'utf8'), '3.1.abc'),
    status: parseStatus(readFileSync(join(directory, 'status'), 'utf8'), '3.1.abc'),
  };
}

test.each(['/bin/sh', '/bin/bash'])('%s: writes who it is, then how the job ended', (shell) => {
  const run = runShim(shell, 'exit 7');
  expect(run.status).toEqual({ exit_code: 7, signal: null });
  expect(run.identity).toMatchObject({ pid: run.pid, boot_id: 'boot', pid_namespace: 'space' });
  expect(Number(run.identity!.start_time)).toBeGreaterThan(0);
  expect(run.stderr).toBe('');
});

test.each(['/bin/sh', '/bin/bash'])('%s: names the signal that killed the job', (shell) => {
  expect(runShim(shell, 'kill -USR1 $$').status).toEqual({ exit_code: null, signal: 'SIGUSR1' });
});

test.each(['/bin/sh', '/bin/bash'])('%s: a word that the shell knows itself acts on the job and not on the shim', (shell) => {
  expect(runShim(shell, ['exit', '5']).status).toEqual({ exit_code: 5, signal: null });
  expect(runShim(shell, ['/no/such/program']).status).toEqual({ exit_code: 127, signal: null });
});

test('the job has no descriptor of the shim and normal signals, and its variables are untouched', () => {
  const run = runShim('/bin/sh', 'ls -l /proc/self/fd >&2; grep SigIgn /proc/self/status; echo "$s $b $n"', { s: 'one', b: 'two', n: 'three' });
  expect(run.stderr).toContain(' 1 -> ');
  expect(run.stderr).not.toContain(directory);
  expect(run.stdout).toMatch(/^SigIgn:\t0+\none two three\n$/);
});

test('a status that was never written is no status', () => {
  expect(parseStatus(STATUS_SPACE, 'a')).toBeNull();
  expect(parseStatus('', 'a')).toBeNull();
  expect(parseStatus('255 a\n   \n', 'a')).toEqual({ exit_code: 255, signal: null });
  expect(parseIdentity('123 45', 'a')).toBeNull();
});

test('what another attempt left in the same directory is not of this one', () => {
  expect(parseStatus('0 3.1.abc\n', '4.1.def')).toBeNull();
  expect(parseIdentity('123 45 boot space 3.1.abc\n', '4.1.def')).toBeNull();
  expect(parseIdentity('123 45 boot space 3.1.abc\n', '3.1.abc')).toMatchObject({ pid: 123, start_time: '45' });
});

test('the host knows its own process, and does not take a number for a process', () => {
  const host = createHost();
  const own = host.identify(process.pid)!;
  expect(host.see(own)).toBe('alive');
  expect(host.see({ ...own, start_time: '1' })).toBe('dead');
  expect(host.see({ ...own, boot_id: 'another' })).toBe('elsewhere');
});
