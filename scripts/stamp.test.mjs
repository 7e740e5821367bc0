import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { fingerprint, isFresh, listFiles, writeStamp } from './stamp.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'drover-stamp-'));
  mkdirSync(join(root, 'src/deep'), { recursive: true });
  writeFileSync(join(root, 'src/a.ts'), 'a');
  writeFileSync(join(root, 'src/deep/b.ts'), 'b');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const files = () => listFiles(root, ['src', 'missing', 'package.json'], (path) => !path.endsWith('.test.ts'));
const fresh = () => isFresh(join(root, 'stamp'), root, files());
const stamp = () => writeStamp(join(root, 'stamp'), fingerprint(root, files()));

describe('a stamp', () => {
  test('is fresh until something changes', () => {
    expect(fresh()).toBe(false);
    stamp();
    expect(fresh()).toBe(true);
  });

  test.each([
    ['a changed file', () => writeFileSync(join(root, 'src/deep/b.ts'), 'c')],
    ['a new file', () => writeFileSync(join(root, 'src/c.ts'), '')],
    ['a removed file', () => rmSync(join(root, 'src/a.ts'))],
    ['a file that came to a named path', () => writeFileSync(join(root, 'package.json'), '{}')],
    ['a damaged stamp', () => writeFileSync(join(root, 'stamp'), '{')],
  ])('is stale after %s', (_what, change) => {
    stamp();
    change();
    expect(fresh()).toBe(false);
  });

  test('is fresh, and renewed, when only times changed, and when a file changed that does not count', () => {
    stamp();
    const before = readFileSync(join(root, 'stamp'), 'utf8');
    utimesSync(join(root, 'src/a.ts'), 1, 1);
    writeFileSync(join(root, 'src/a.test.ts'), 'x');
    expect(fresh()).toBe(true);
    expect(readFileSync(join(root, 'stamp'), 'utf8')).not.toBe(before);
    expect(fresh()).toBe(true);
  });
});
