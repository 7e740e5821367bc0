import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { lockDirectory } from './sqlite.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('a directory is held by one server, which is named', () => {
  const unlock = lockDirectory(directory, 4711);
  expect(() => lockDirectory(directory, 4712)).toThrow(/in use by process 4711/);
  unlock();
  lockDirectory(directory, 4712)();
});

test('a lock that a dead server left behind holds nobody up, even when its process id is in use again', () => {
  lockDirectory(directory, process.pid)();
  writeFileSync(join(directory, 'server.pid'), '1\n');
  lockDirectory(directory, 4712)();
});
