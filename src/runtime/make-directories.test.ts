import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

import { makeDirectories } from './make-directories.ts';

const directory = mkdtempSync(join(tmpdir(), 'drover-directories-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('makes what is missing with the given rights, and leaves what is there', () => {
  makeDirectories(join(directory, 'a/b/c'), 0o700);
  expect(['a', 'a/b', 'a/b/c'].map((name) => statSync(join(directory, name)).mode & 0o777)).toEqual([0o700, 0o700, 0o700]);
  makeDirectories(join(directory, 'a/b/c'));
  symlinkSync(join(directory, 'a'), join(directory, 'link'));
  makeDirectories(join(directory, 'link/d'));
  expect(existsSync(join(directory, 'a/d'))).toBe(true);
  makeDirectories('/');
});

test('a place that cannot be is refused, not tried for ever', () => {
  writeFileSync(join(directory, 'file'), '');
  symlinkSync(join(directory, 'nowhere'), join(directory, 'dangling'));
  expect(() => makeDirectories(join(directory, 'file'))).toThrow('EEXIST');
  expect(() => makeDirectories(join(directory, 'file/a/b'))).toThrow(/ENOTDIR|EEXIST/);
  expect(() => makeDirectories(join(directory, 'dangling'))).toThrow('EEXIST');
});

test.skipIf(process.platform !== 'linux')('below /proc nothing can be made, and that is said', () => {
  for (const path of ['/proc/x', '/proc/x/y/z', '/proc/self/fd/x']) expect(() => makeDirectories(path)).toThrow(/ENOENT|EACCES|EPERM/);
});
