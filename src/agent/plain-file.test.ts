// What a job may put in the place of its files: nothing of it makes the agent wait, follow or fill its memory.
import { execFileSync } from 'node:child_process';
import { constants, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { silentLog } from '../runtime/log.ts';

import { overwrite } from './overwrite.ts';
import { openPlainFile, plainFile, readPlainFile } from './plain-file.ts';
import { createSpoolFiles } from './spool-files.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drover-plain-'));
  mkdirSync(join(directory, 'uploads'));
  writeFileSync(join(directory, 'secret'), 'of somebody else');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const IMPOSTORS: Readonly<Record<string, (path: string) => void>> = {
  'a pipe': (path) => void execFileSync('sh', ['-c', 'mkfifo "$0"', path]),
  'a link to a file': (path) => symlinkSync(join(directory, 'secret'), path),
  'a link to an endless device': (path) => symlinkSync('/dev/zero', path),
  'a link that leads nowhere': (path) => symlinkSync(join(directory, 'nothing'), path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a directory': (path) => mkdirSync(path),
};

/** Our sentence, or the system's. */
const NOT_PLAIN = /is no plain file|ELOOP|ENXIO|EISDIR/;

describe.each(Object.entries(IMPOSTORS))('%s in the place of a file', (_name, put) => {
  it('is not read, not opened, and has no size', async () => {
    const path = join(directory, 'stdout');
    put(path);
    expect(plainFile(path)).toBeNull();
    expect(() => readPlainFile(path, 1_000)).toThrow(NOT_PLAIN);
    await expect(openPlainFile(path, constants.O_RDONLY)).rejects.toThrow(NOT_PLAIN);
    expect(() => overwrite(path, 'text')).toThrow(NOT_PLAIN);
    const files = createSpoolFiles(silentLog);
    expect(files.size(directory, 'stdout')).toBe(0);
    expect(await files.read(directory, 'stdout', { from: 0, length: 10 })).toBeNull();
  });

  it('is no upload, nor the description of one', () => {
    put(join(directory, 'uploads', '1767225600000-0a0a0a0a.json'));
    put(join(directory, 'uploads', 'data'));
    const files = createSpoolFiles(silentLog);
    expect(files.uploads(directory)).toHaveLength(1);
    expect(() => files.readUpload(directory, '1767225600000-0a0a0a0a.json')).toThrow(NOT_PLAIN);
    expect(files.uploadSize(directory, 'data')).toBeNull();
  });
});

it('a small file that is suddenly huge is not read', () => {
  const path = join(directory, 'status');
  writeFileSync(path, '0 1.1.a\n');
  expect(readPlainFile(path, 1_000)).toBe('0 1.1.a\n');
  truncateSync(path, 1e12);
  expect(() => readPlainFile(path, 1_000)).toThrow('more than the 1000 that it may have');
});
